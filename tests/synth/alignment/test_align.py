"""Word times without an engine's help, and backchannels cut by them."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.audio import Samples
from corpus.record import Word
from synth.alignment import align as alignment
from synth.alignment.align import STEP, Energy, align, timed
from synth.alignment.pronounce import letter_to_sound, number_words, spoken_words
from synth.engines import Engine, Style
from synth.script.language import load_language
from synth.speaking.backchannels import DURATION, BackchannelBank
from synth.voices.bank import load_bank
from synth.voices.casting import load_engine

VOICES = load_bank()
TEXTS = [
    "We could walk along the river, if the weather is good.",
    "No, the meeting starts at 25 past nine on Thursday.",
    "My neighbour sold Zyxelmuth a bicycle - or was it two?",
    "Please write down the number, then call me back tomorrow.",
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine("piper")


def clip(engine: Engine, text: str, voice: str = "joe") -> tuple[Samples, int, tuple[Word, ...]]:
    speech = engine.speak(text, VOICES[voice], Style(), 3)
    assert speech.words is not None
    return speech.samples, speech.rate, speech.words


def test_forced_agrees_with_native_whatever_was_aligned_before(engine: Engine) -> None:
    clips = [clip(engine, text) for text in TEXTS]
    forced = [align(samples, rate, text) for (samples, rate, _), text in zip(clips, TEXTS, strict=True)]
    again = [align(*clips[index][:2], TEXTS[index]) for index in reversed(range(len(TEXTS)))]
    assert forced == again[::-1]
    pairs = [pair for made, (*_, native) in zip(forced, clips, strict=True) for pair in zip(made, native, strict=True)]
    assert {made.source for made, _ in pairs} == {"forced"}
    differences = [
        abs(a - b) for made, native in pairs for a, b in ((made.start, native.start), (made.end, native.end))
    ]
    assert np.median(differences) < 0.03
    assert np.percentile(differences, 90) < 0.12


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32), words=st.integers(1, 12), soundless=st.integers(0, 9))
def test_any_spans_become_ordered_words_inside_the_clip(seed: int, words: int, soundless: int) -> None:
    rng = np.random.default_rng(seed)
    samples = (rng.standard_normal(8_000) * np.repeat(rng.random(40) > 0.4, 200)).astype(np.float32)
    edges = np.sort(rng.uniform(-0.05, 0.55, 2 * words))
    spans: list[tuple[float, float] | None] = [(edges[2 * i], edges[2 * i + 1]) for i in range(words)]
    for at in sorted(rng.integers(0, words + 1, soundless), reverse=True):
        spans.insert(int(at), None)
    made = timed([str(number) for number in range(len(spans))], spans, samples, 16_000, "native")
    assert [word.text for word in made] == [str(number) for number in range(len(spans))]
    assert all(word.start < word.end for word in made)
    assert all(one.end <= other.start for one, other in pairwise(made))
    assert made[0].start >= 0
    assert made[-1].end <= 0.5


@pytest.mark.parametrize("text", ["Это русский текст для проверки", "東京 と 大阪 と 京都"])
def test_what_cannot_be_pronounced_is_shared_out(engine: Engine, text: str) -> None:
    samples, rate, _ = clip(engine, "We could walk along the river, if the weather is good.")
    words = align(samples, rate, text)
    assert [word.text for word in words] == text.split()
    assert {word.source for word in words} == {"proportional"}
    start, end = Energy.of(samples, rate).span
    assert start - STEP <= words[0].start
    assert words[-1].end <= end + STEP


def test_without_pocketsphinx_words_are_shared_out(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    samples, rate, native = clip(engine, TEXTS[0])
    monkeypatch.setattr(alignment, "forced_spans", lambda *_: None)
    words = align(samples, rate, TEXTS[0])
    assert {word.source for word in words} == {"proportional"}
    assert np.median([abs(a.start - b.start) for a, b in zip(words, native, strict=True)]) < 0.25


def test_native_times_are_kept_and_counted(engine: Engine) -> None:
    samples, rate, native = clip(engine, TEXTS[0])
    assert align(samples, rate, TEXTS[0], native) == native
    with pytest.raises(ValueError, match="timed 10 words of 11"):
        align(samples, rate, TEXTS[0], native[:-1])


@pytest.mark.parametrize(
    ("samples", "text", "message"),
    [
        (np.zeros(22_050, np.float32), "hello", "silent"),
        (np.zeros(0, np.float32), "hello", "silent"),
        (np.ones(22_050, np.float32), " ", "blank"),
        (np.ones(2_205, np.float32), "one two three four five six", "cannot hold"),
    ],
)
def test_clips_that_cannot_be_aligned_are_refused(samples: Samples, text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        align(samples, 22_050, text)


def test_pronunciations_by_rule() -> None:
    assert spoken_words("$25,300") == ["dollars", "twenty", "five", "thousand", "three", "hundred"]
    assert spoken_words("O'Brien-Smith's,") == ["o'brien", "smith's"]
    assert spoken_words("-") == []
    assert number_words(1_000_007) == ["one", "zero", "zero", "zero", "zero", "zero", "seven"]
    assert letter_to_sound("thricing") == "TH R IH S IH NG"


def test_backchannels_are_short_single_and_the_same_in_any_order(engine: Engine) -> None:
    texts = load_language("en").phrases.backchannels[:3]
    first, second = (BackchannelBank(engine, VOICES["ls1926-f"], 5) for _ in range(2))
    one = [first.clip(text, random.Random(4)) for text in texts]
    other = [second.clip(text, random.Random(4)) for text in reversed(texts)][::-1]
    for text, speech, same in zip(texts, one, other, strict=True):
        np.testing.assert_array_equal(speech.samples, same.samples)
        assert speech.words is not None
        assert [word.text for word in speech.words] == text.split()
        start, end = speech.words[0].start, speech.words[-1].end
        assert DURATION[0] * 0.95 < end - start < DURATION[1] * 1.05
        assert start > 0.01
        assert len(speech.samples) / speech.rate - end > 0.01
        assert np.abs(speech.samples[[0, -1]]).max() < 1e-6
        found = Energy.of(speech.samples, speech.rate).span
        assert np.abs(np.subtract(found, (start, end))).max() < 0.04


def test_backchannels_vary(engine: Engine) -> None:
    bank = BackchannelBank(engine, VOICES["joe"], 5)
    clips = [bank.clip("Yeah.", random.Random(number)).samples for number in range(4)]
    assert len({clip.tobytes() for clip in clips}) == 4

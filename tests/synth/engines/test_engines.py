"""The default engine: the same call gives the same sound, and its word times sit on the sound."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest

from corpus.record import Word
from synth.alignment.align import STEP, Energy
from synth.engines import Engine, Speech, Style
from synth.engines.phoneme_words import assign
from synth.voices.bank import load_bank
from synth.voices.casting import load_engine
from tests.support.places import ROOT

VOICES = load_bank()
SENTENCES = [
    "One of the things I want to do, in the morning, is to go and see the doctor.",
    "Stop. Take it, or keep it, but do not cut it.",
    "Hello! How are you? I'm fine, thanks, really.",
    "Could you tell me which of the shops are open on Sunday?",
    "Six, seven, eight, nine, and ten.",
    "It is a quarter past three, and the train to Leeds leaves at half past.",
    "C, A, T. That spells cat.",
    "Well-known people e-mail Dr. Smith at 3:30 p.m.",
    "So what are you going to do? I am going to wait.",
    "Put the map, please, back at the top of the stack.",
    "You have been to the bank, haven't you?",
    "That makes $3.50, or twenty percent off.",
    "I don't know what it is that he has been up to.",
    "Eighty one divided by nine is nine.",
    "Mhm, uh-huh, okay.",
]


@pytest.fixture(scope="module")
def engine() -> Engine:
    return load_engine("piper")


def digest(speech: Speech) -> str:
    return hashlib.sha256(speech.samples.tobytes() + repr(speech.words).encode()).hexdigest()


def speak(engine: Engine, text: str, voice: str = "joe", seed: int = 7, style: Style = Style()) -> Speech:  # noqa: B008
    return engine.speak(text, VOICES[voice], style, seed)


def times(speech: Speech) -> tuple[Word, ...]:
    assert speech.words is not None
    return speech.words


def test_same_call_same_sound_in_another_process_and_after_other_calls(engine: Engine) -> None:
    text, voices = SENTENCES[0], ("joe", "ls1116-f")
    alone = (
        "from tests.synth.engines.test_engines import *\n"
        f"engine = load_engine('piper')\nfor voice in {voices}: print(digest(speak(engine, {text!r}, voice)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    printed = subprocess.run(
        [sys.executable, "-c", alone], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    ).stdout.split()
    speak(engine, SENTENCES[1], "ls8098-m", seed=1)
    for voice, elsewhere in zip(voices, printed, strict=True):
        first = digest(speak(engine, text, voice))
        speak(engine, SENTENCES[2], voice, seed=2)
        assert first == digest(speak(engine, text, voice)) == elsewhere


def test_seed_text_and_style_change_the_sound(engine: Engine) -> None:
    base = speak(engine, SENTENCES[4])
    assert digest(base) != digest(speak(engine, SENTENCES[4], seed=8))
    fast = speak(engine, SENTENCES[4], style=Style(rate=1.4))
    assert times(fast)[-1].end < 0.85 * times(base)[-1].end
    flat = [speak(engine, SENTENCES[4], seed=seed, style=Style(liveliness=0.0)) for seed in (1, 2)]
    assert digest(flat[0]) == digest(flat[1])


@pytest.mark.parametrize("number", range(len(SENTENCES)))
def test_words_lie_on_the_energy(engine: Engine, number: int) -> None:
    text = SENTENCES[number]
    speech = speak(engine, text, list(VOICES)[number % len(VOICES)], seed=number)
    words, energy = times(speech), Energy.of(speech.samples, speech.rate)
    assert [word.text for word in words] == text.split()
    covered = np.zeros(len(energy.speech), bool)
    for word, following in zip(words, [*words[1:], None], strict=True):
        assert 0 <= word.start < word.end <= (following.start if following else len(speech.samples) / speech.rate)
        steps = slice(round(word.start / STEP), round(word.end / STEP))
        assert energy.speech[steps][[0, -1]].all(), f"{word} begins or ends in silence"
        covered[steps] = True
    assert (energy.speech & ~covered).sum() < 0.02 * energy.speech.sum()


def test_pause_at_a_comma_belongs_to_no_word(engine: Engine) -> None:
    words = times(speak(engine, "We wait, and then we go."))
    gaps = [after.start - before.end for before, after in pairwise(words)]
    assert gaps[1] == max(gaps) > 0.1


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "- word -",
        "— so",
        "C, A, T.",
        "x" * 40,
        "naïve café 東京",
        "Mhm.",
        "[[x]] (y) {z}",
        "1,234,567",
        "Wait-- what",
    ],
)
def test_odd_texts_keep_their_words(engine: Engine, text: str) -> None:
    words = times(speak(engine, text))
    assert [word.text for word in words] == text.split()
    edges = [edge for word in words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert all(word.end > word.start for word in words)


def test_long_text_is_spoken_to_the_end(engine: Engine) -> None:
    text = "and then we walked along the river " * 12
    words = times(speak(engine, text))
    assert len(words) == len(text.split())
    assert 15 < words[-1].end < 45


@pytest.mark.parametrize("text", ["", "  ", "...", "— ? !"])
def test_nothing_to_say_is_refused(engine: Engine, text: str) -> None:
    with pytest.raises(ValueError, match="nothing to say"):
        speak(engine, text)


def test_unknown_engine_is_named_with_its_nearest() -> None:
    with pytest.raises(ValueError, match="no engine is called 'pipr'; did you mean 'piper'"):
        load_engine("pipr")


def test_missing_extra_is_named() -> None:
    hide = "import sys; sys.modules['onnxruntime'] = None\nfrom synth.voices import load_engine\nload_engine('piper')"
    ran = subprocess.run([sys.executable, "-c", hide], cwd=ROOT, capture_output=True, text=True, check=False)
    assert "ValueError: engine piper needs the extra 'piper': pip install 'duologue[piper]'" in ran.stderr


def test_phonemes_are_given_to_merged_and_split_words() -> None:
    spoken = list("wʌn ʌvðə θɹiː pɔɪnt faɪv. ")
    assert ["".join(spoken[a:b]) for a, b in assign(spoken, ["wʌn", "ʌv", "ðə", "", "θɹiː pɔɪnt faɪv."])] == [
        "wʌn", "ʌv", "ðə", "", "θɹiː pɔɪnt faɪv",
    ]  # fmt: skip

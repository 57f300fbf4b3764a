"""The ear: what agrees is committed, loops and dreams are found, phrases close in time, and a real one hears people."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.assistant.ear import load_ear
from agent.assistant.ear.agreement import Agreed, agree
from agent.assistant.ear.listening import Look, PhraseStream
from agent.assistant.ear.loops import find_loop, find_restart, plain, too_fast
from agent.assistant.ear.phrase import LEAD, Gate, PhraseSound
from agent.assistant.ear.sense import VoiceSpan, believed, without_asides
from agent.assistant.ear.sherpa import timed_words
from agent.assistant.parts import Encoded, Heard, HeardWord
from agent.assistant.work import FrameExecutor
from corpus.audio import FRAME_SAMPLES, Samples
from tests.support.tiny_transducer import tiny_transducer
from tests.support.whisper_base import whisper_base

ROOM = np.full(FRAME_SAMPLES, 1e-4, np.float32)


def words(text: str, start: float = 0.0, each: float = 0.4) -> tuple[HeardWord, ...]:
    return tuple(HeardWord(t, start + i * each, start + (i + 1) * each) for i, t in enumerate(text.split()))


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("turn on the light", None),
        ("no no no no", None),  # people do this
        ("no no no no no", 1),
        ("I was I was late", None),
        ("you know you know you know", 2),
        ("Go to the shop, go to the shop and", 4),
        ("so far so good so far so good", 4),
        ("set the alarm for six thirty and the alarm for six forty", None),
    ],
)
def test_loops_are_found_and_what_people_repeat_is_not(text: str, before: int | None) -> None:
    assert find_loop(text.split()) == before


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("Can I get a light roast iced mocha? Can I get a light roast iced mo", 8),  # what a cut window gave
        ("I would like tea. would like te", 4),
        ("I would like tea and I would like milk", None),
        ("turn it on and turn it off", None),
        ("no no no no", None),
    ],
)
def test_a_phrase_that_starts_again_is_found_where_it_is_cut_short(text: str, before: int | None) -> None:
    assert find_restart(text.split()) == before
    assert (too_fast(16, 2.3), too_fast(16, 4.0)) == (True, False)


def test_two_agreeing_decodings_commit_a_word_that_is_behind_the_newest_sound() -> None:
    first = agree(Agreed(), words("I would like"), 0.0, 3.8)
    assert (first.committed, len(first.words)) == (0, 3)
    second = agree(first, words("I would, liked a"), 0.0, 4.3)
    assert second.committed == 2, "'like' and 'liked' differ"
    third = agree(second, words("I would liked a tea"), 0.0, 4.7)
    assert third.committed == 4, "'tea' has too little sound behind it"


def test_committed_words_stay_whatever_is_decoded_later() -> None:
    sure = Agreed(words("I would like"), 2)
    now = agree(sure, words("eye wood like tea"), 0.0, 3.0)
    assert [word.text for word in now.words] == ["I", "would", "like", "tea"]
    cut = agree(now, words("like tea please", start=0.8), 0.8, 3.0)
    assert [word.text for word in cut.words] == ["I", "would", "like", "tea", "please"], "the sound began at 0.8 s"


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=6), min_size=1, max_size=8))
def test_no_sequence_of_decodings_changes_a_committed_word(decodings: list[list[str]]) -> None:
    agreed = Agreed()
    for number, texts in enumerate(decodings):
        later = agree(agreed, words(" ".join(texts)), 0.0, number + 4.0)
        assert later.committed >= agreed.committed
        assert later.words[: agreed.committed] == agreed.words[: agreed.committed]
        agreed = later


def test_what_whisper_dreams_is_not_believed() -> None:
    clear = VoiceSpan(1.0, 0.2, 1.2)
    assert believed("Thank you.", -0.2, 0.05, clear), "people say so, too"
    assert not believed("Thank you.", -0.8, 0.05, clear)
    assert not believed("you", -0.3, 0.5, VoiceSpan(0.15, 0.1, 0.2))
    assert not believed("turn on the light", -0.3, 0.1, VoiceSpan(0.06, 0.0, 0.1)), "four words take longer"
    assert not believed("turn on the light", -1.2, 0.7, clear), "Whisper's own rule"
    assert not believed("...", -0.1, 0.0, clear)
    assert without_asides("[music] hello (coughs) there") == "hello there"


def test_a_phrase_keeps_a_lead_and_splits_where_it_is_closed() -> None:
    sound = PhraseSound(0)
    for number in range(12):
        sound.hear(np.full(FRAME_SAMPLES, number, np.float32), False)
    assert (sound.start, sound.end, sound.is_open) == (12 - LEAD, 12, False)
    for number, loud in enumerate([True, True, False, False, False, True], start=12):
        sound.hear(np.full(FRAME_SAMPLES, number, np.float32), loud)
    rest = sound.split(16)
    assert (sound.start, sound.end, sound.voice_end) == (7, 16, 14)
    assert (rest.start, rest.end, rest.voice_end, rest.is_open) == (14, 18, 18, True), "the quiet before 16 is its lead"
    assert [int(frame[0]) for frame in rest.frames(18)] == [14, 15, 16, 17]


def test_the_gate_opens_above_the_room_and_follows_it() -> None:
    gate, rng = Gate(), np.random.default_rng(0)
    quiet, loud = (np.float32(a) * rng.standard_normal(FRAME_SAMPLES).astype(np.float32) for a in (0.003, 0.03))
    assert not any(gate.loud(quiet) for _ in range(20))
    assert gate.loud(loud)
    assert not gate.loud(np.zeros(FRAME_SAMPLES, np.float32))


class Transcript:
    """A recognizer that knows what is said; frames are loud where a word is, and it counts its looks."""

    def __init__(self, said: Sequence[HeardWord], breaks_at: int = -1) -> None:
        self.said, self.breaks_at = said, breaks_at
        self.looks: list[tuple[float, float, bool]] = []

    def look(self, sound: Samples, start: float, *, last: bool) -> Look:
        end = start + len(sound) / 24_000
        self.looks.append((round(start, 2), round(end, 2), last))
        if len(self.looks) - 1 == self.breaks_at:
            raise RuntimeError("out of memory")
        heard = [word for word in self.said if word.start >= start - 0.01 and word.end <= end + 0.01]
        return Look(tuple(heard), self.voice_end(sound, start), Encoded(np.zeros((3, 2), np.float32), end))

    def voice_end(self, sound: Samples, start: float) -> float | None:
        ends = [word.end for word in self.said if start < word.end and word.start < start + len(sound) / 24_000]
        return max(ends, default=None)

    def frame(self, number: int) -> Samples:
        middle = (number + 0.5) * 0.08
        loud = any(word.start <= middle < word.end for word in self.said)
        return np.full(FRAME_SAMPLES, 0.1, np.float32) if loud else ROOM


def run(said: Sequence[HeardWord], frames: int, ends: dict[int, float], delay: int = 3, breaks_at: int = -1) -> tuple[
    list[tuple[int, Heard]], Transcript
]:  # fmt: skip
    executor, recognizer = FrameExecutor({"ear": delay}), Transcript(said, breaks_at)
    stream, told = PhraseStream(recognizer, executor.lane("ear")), []
    for number in range(frames):
        stream.push(recognizer.frame(number))
        executor.tick()
        if number in ends:
            stream.phrase_ends(ends[number])
        told += [(number, heard) for heard in stream.results()]
    return told, recognizer


@pytest.mark.parametrize("delay", [0, 3])
def test_words_come_while_they_are_said_and_closing_after_a_look_at_the_pause_takes_no_time(delay: int) -> None:
    said = words("turn on the light in the hall", start=1.0)  # until 3.8 s: frame 47
    told, recognizer = run(said, 70, {53: 4.32}, delay)
    assert [heard.text for number, heard in told if number < 47 and heard.words], "words come while he speaks"
    number, final = next((number, heard) for number, heard in told if heard.final)
    assert (number, final.text, final.committed) == (53, "turn on the light in the hall", 7)
    at = {0: 3.84, 3: 3.92}[delay]  # with a delay a look was still at work
    assert recognizer.looks[-1][1] == at, "the last look was at the pause, a frame after the last loud one"
    assert all(b - a >= 1.0 for (_, a, _), (_, b, _) in zip(recognizer.looks, recognizer.looks[1:-1], strict=False))


def test_a_phrase_closed_at_once_is_decoded_once_more_and_the_rest_belongs_to_the_next() -> None:
    said = (*words("one two", start=1.0), *words("three four", start=3.0))
    told, _ = run(said, 80, {23: 1.92, 60: 4.8})  # frame 23 is 0.1 s after "two"
    finals = [(number, heard.phrase, heard.text) for number, heard in told if heard.final]
    assert finals == [(24, 0, "one two"), (60, 1, "three four")]


def test_a_look_that_is_asked_for_comes_once_and_hears_more_than_the_one_before_it() -> None:
    executor, recognizer = FrameExecutor({"ear": 3}), Transcript(words("turn it on", start=1.0))  # until 2.2 s
    stream = PhraseStream(recognizer, executor.lane("ear"))
    for number in range(45):
        if number > 27:
            stream.look(2.16 if number < 35 else 2.56)  # to some of the silence, then to more of it
        stream.push(recognizer.frame(number))
        executor.tick()
    assert [until for _, until, _ in recognizer.looks][-2:] == [2.24, 2.88], "the first was due by itself"
    stream.phrase_ends(3.6)
    stream.push(ROOM)
    stream.look(3.0)
    assert len(recognizer.looks) == 3, "nothing is to be heard"


def test_silence_costs_nothing_and_closing_it_gives_a_final_without_words() -> None:
    told, recognizer = run((), 100, {50: 4.0})
    assert recognizer.looks == []
    assert [(heard.final, heard.words) for _, heard in told] == [(True, ())]


def test_after_two_quiet_seconds_what_was_heard_is_not_decoded_again() -> None:
    said = (*words("one two", start=1.0), *words("three four", start=6.0))
    told, recognizer = run(said, 110, {100: 8.0})
    assert [heard.text for _, heard in told if heard.final] == ["one two three four"]
    assert min(start for start, end, _ in recognizer.looks if end > 6.0) > 5.0


def test_a_long_phrase_is_decoded_from_a_committed_word_on_and_loses_nothing() -> None:
    text = " ".join(f"w{i}" for i in range(100))  # 40 s
    told, recognizer = run(words(text, start=0.4), 520, {515: 41.2})
    assert [heard.text for _, heard in told if heard.final] == [text]
    assert max(end - start for start, end, _ in recognizer.looks) < 28


def test_an_ear_that_raises_says_so_and_goes_on() -> None:
    said = words("turn on the light in the hall", start=1.0)
    told, _ = run(said, 70, {53: 4.32}, breaks_at=1)
    assert [heard.fault for _, heard in told if heard.fault] == ["the ear failed: out of memory"]
    assert [heard.text for _, heard in told if heard.final] == ["turn on the light in the hall"]
    told, _ = run(words("one two", start=1.0), 70, {23: 1.92}, breaks_at=1)
    assert [heard.fault for _, heard in told if heard.final] == ["the ear failed: out of memory"]


def test_whatever_is_pushed_and_closed_every_phrase_gets_one_final_in_order() -> None:
    rng = np.random.default_rng(3)
    for _ in range(20):
        executor = FrameExecutor({"ear": int(rng.integers(0, 6))})
        stream = PhraseStream(Transcript(words("a b c d e f g h", start=0.5)), executor.lane("ear"))
        closed, told = 0, list[Heard]()
        for number in range(120):
            stream.push(np.float32(10 ** rng.uniform(-5, -0.5)) * rng.standard_normal(FRAME_SAMPLES).astype(np.float32))
            executor.tick()
            if rng.random() < 0.1:
                stream.phrase_ends(max(0.0, (number + 1) * 0.08 - float(rng.choice([0.0, 0.2, 1.0]))))
                closed += 1
            told += stream.results()
        for _ in range(40):
            executor.tick()
        told += stream.results()
        assert [heard.phrase for heard in told if heard.final] == list(range(closed))


def test_tokens_of_a_transducer_become_words() -> None:
    found = timed_words(["▁TUR", "N", "▁ON", "▁THE"], [0.1, 0.2, 0.4, 0.6], 2.0)
    assert [word.text for word in found] == ["TURN", "ON", "THE"]
    assert [word.start for word in found] == [2.1, 2.4, 2.6]


def test_a_script_is_heard_word_by_word_and_own_words_as_they_are_told(tmp_path: Path) -> None:
    path = tmp_path / "words.jsonl"
    path.write_text('{"text": "hello", "start": 0.1, "end": 0.3}\n{"text": "there", "start": 0.4, "end": 0.7}\n')
    stream = load_ear(f"script:{path}", FrameExecutor()).open()
    told = []
    for number in range(14):
        stream.push(ROOM)
        told += [(number, heard.text, heard.committed) for heard in stream.results()]
    assert told == [(6, "hello", 0), (11, "hello there", 1)], "0.24 s after each word"
    stream.phrase_ends(1.0)
    assert [(heard.text, heard.final) for heard in stream.results()] == [("hello there", True)]


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("whisper:base.ne", "no Whisper is called 'base.ne'; did you mean 'base.en'?"),
        ("whisper:/", "/ holds no model.bin"),
        ("ears", "no ear is called 'ears'; choose whisper:SIZE"),
        ("script:/nowhere.jsonl", "cannot read the script /nowhere.jsonl"),
        ("sherpa:/nowhere.toml", "cannot read the ear's file /nowhere.toml"),
    ],
)
def test_an_ear_that_cannot_be_had_says_what_to_do(name: str, problem: str) -> None:
    with pytest.raises(ValueError, match=problem.replace("?", r"\?")):
        load_ear(name, FrameExecutor())


@pytest.fixture(scope="module")
def requests() -> list[tuple[str, Samples]]:
    """What an engine says, which no recognizer was trained on; skipped where it is not installed."""
    pytest.importorskip("piper", reason="needs the extra piper")
    from corpus.audio import resample
    from synth.engines.protocol import Style
    from synth.voices import load_engine, own_voice

    found = []
    for text in ("Turn on the light in the kitchen, please.", "What is the capital of France?"):
        speech = load_engine("piper").speak(text, own_voice("piper"), Style(), 0)
        found.append((text, resample(speech.samples, speech.rate, 24_000)))
    return found


def test_whisper_hears_speech_and_nothing_in_noise_by_its_cut_window(requests: list[tuple[str, Samples]]) -> None:
    executor, rng = FrameExecutor({"ear": 3}), np.random.default_rng(0)
    ear = load_ear(f"whisper:{whisper_base()}", executor, language="en")
    for text, sound in requests:
        room = (3e-4 * rng.standard_normal(24_000 * 6)).astype(np.float32)
        room[24_000 : 24_000 + len(sound)] += sound[: len(room) - 24_000]
        stream = ear.open()
        for start in range(0, len(room) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            stream.push(room[start : start + FRAME_SAMPLES])
            executor.tick()
        stream.phrase_ends(6.0)
        for _ in range(10):
            executor.tick()
        (final,) = [heard for heard in stream.results() if heard.final]
        assert [plain(word) for word in final.text.split()] == [plain(word) for word in text.split()]
        assert 0.9 < final.words[0].start < 1.5
        assert abs(final.words[-1].end - (1 + len(sound) / 24_000)) < 0.5
        encoded = stream.encoder_frames()
        assert encoded is not None
        assert encoded.frames.shape[1] == 512
        assert 0 < encoded.until <= 6
    stream = ear.open()
    for level in (0.0, 1e-3, 3e-2):
        for _ in range(25):
            stream.push((level * rng.standard_normal(FRAME_SAMPLES)).astype(np.float32))
            executor.tick()
    stream.phrase_ends(6.0)
    for _ in range(10):
        executor.tick()
    assert [heard.text for heard in stream.results() if heard.final] == [""]


def test_a_streaming_transducer_hears_words_as_they_come(tmp_path: Path) -> None:
    pytest.importorskip("sherpa_onnx", reason="needs the extra sherpa")
    executor, rng = FrameExecutor({"ear": 1}), np.random.default_rng(0)
    stream = load_ear(f"sherpa:{tiny_transducer(tmp_path)}", executor).open()
    told = []
    for number in range(50):
        loud = 12 <= number < 20 or number >= 35
        stream.push(((0.1 if loud else 0.0) * rng.standard_normal(FRAME_SAMPLES)).astype(np.float32))
        executor.tick()
        if number == 25:
            stream.phrase_ends(2.08)
        told += [(number, heard) for heard in stream.results()]
    texts = [(heard.phrase, heard.text, heard.committed, heard.final) for _, heard in told]
    assert texts == [
        (0, "hello", 0, False),
        (0, "hello there", 1, False),
        (0, "hello there", 2, True),
        (1, "hello", 0, False),
        (1, "hello there", 1, False),
    ]
    assert [number for number, heard in told if heard.final] == [26]
    assert all(12 <= number <= 15 for number, _ in told[:2])
    assert told[0][1].words[0].start == pytest.approx(0.96, abs=0.13)
    assert told[3][1].words[0].start == pytest.approx(2.8, abs=0.13), "times go on from phrase to phrase"

"""The mouth: clauses in order, words where they are voiced, one level, faults instead of silence, nods ahead."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from agent.assistant.mouth import load_mouth
from agent.assistant.mouth.clause_cut import EDGE
from agent.assistant.mouth.engine import LEVEL, EngineMouth
from agent.assistant.mouth.load import pick_voice
from agent.assistant.parts import Voiced, Voicing
from agent.assistant.work import FrameExecutor
from corpus.audio import SAMPLE_RATE, Samples, loudness
from corpus.interleave import TimedWord
from corpus.record import Voice
from synth.engines.failure import EngineFailureError
from synth.engines.protocol import ReferenceVoice, Speech, Style, stream
from synth.voices import load_engine
from tests.support.tone_engine import ToneEngine

VOICE = ReferenceVoice(Voice(id="v", kind="recorded", engine="tone", licence="CC0-1.0", source="here", consent="mine"))


def sound(utterance: Voicing) -> Voiced:
    voiced = utterance.audio()
    assert voiced is not None
    return voiced


def test_a_clause_is_heard_at_its_words_with_a_pause_after_it_and_all_at_one_level() -> None:
    executor = FrameExecutor()
    mouth = EngineMouth("tone", ToneEngine(), VOICE, executor, nods=())
    clause = sound(mouth.say("the light is on now, and it stays on."))
    assert clause.done
    assert [word.text for word in clause.words] == ["the", "light", "is", "on", "now,", "and", "it", "stays", "on."]
    assert clause.words[0].start == pytest.approx(EDGE, abs=1e-3)
    end = round((clause.words[-1].end + EDGE) * SAMPLE_RATE)
    assert len(clause.samples) - end == pytest.approx(0.3 * SAMPLE_RATE, abs=2)
    assert not clause.samples[end + 2 :].any()
    for word in clause.words:
        inside = clause.samples[round(word.start * SAMPLE_RATE) : round(word.end * SAMPLE_RATE)]
        assert np.abs(inside).mean() > 0.01
    assert loudness(clause.samples[:end]) == pytest.approx(LEVEL, abs=2)
    again = sound(mouth.say("the light is on now, and it stays on."))
    np.testing.assert_array_equal(again.samples, clause.samples)
    fast = sound(EngineMouth("tone", ToneEngine(), VOICE, executor, speed=1.5, nods=()).say("the light is on now."))
    slow = sound(EngineMouth("tone", ToneEngine(), VOICE, executor, speed=0.75, nods=()).say("the light is on now."))
    assert fast.words[-1].end < 0.7 * slow.words[-1].end
    asked = sound(mouth.say("the light is on now.", 1.5))  # its level was measured at the usual speed
    assert asked.words == fast.words
    np.testing.assert_allclose(asked.samples, fast.samples, atol=0.01)
    fastest, beyond = (sound(mouth.say("the light is on now.", speed)).samples for speed in (2.0, 9.0))
    np.testing.assert_array_equal(fastest, beyond)
    nothing = sound(mouth.say("..."))
    assert (nothing.done, nothing.words, nothing.fault) == (True, (), "")


def test_clauses_come_in_order_on_the_frames_clock_and_a_cancelled_one_takes_no_time() -> None:
    executor = FrameExecutor({"mouth": 2})
    mouth = load_mouth("tone", executor)
    first, dropped, last = mouth.say("one two"), mouth.say("three"), mouth.say("four")
    dropped.cancel()
    seen = []
    for _ in range(7):
        executor.tick()
        voiced = [utterance.audio() for utterance in (first, dropped, last)]
        seen.append([len(v.words) if v else 0 for v in voiced])
    assert seen == [[0, 0, 0], [1, 0, 0], [1, 0, 0], [2, 0, 0], [2, 0, 0], [2, 0, 1], [2, 0, 1]]
    assert sound(first).done
    assert sound(dropped).done
    assert list(mouth.nods()) == ["mhm"]


class Failing(ToneEngine):
    """Fails the first calls."""

    def __init__(self, failures: int, error: Exception) -> None:
        self.failures, self.error = failures, error

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        self.failures -= 1
        if self.failures >= 0:
            raise self.error
        return super().speak(text, voice, style, seed)


def test_a_mouth_that_fails_is_tried_again_and_then_says_so_and_the_next_clause_is_spoken() -> None:
    silent = EngineFailureError("silent", "engine tone gave silence")
    executor = FrameExecutor()
    mouth = EngineMouth("tone", Failing(2, silent), VOICE, executor, nods=())  # the first call measures its level
    assert sound(mouth.say("hello there my old friend.")).fault == ""
    mouth = EngineMouth("tone", Failing(3, silent), VOICE, executor, nods=())
    failed = sound(mouth.say("hello there."))
    assert (failed.done, failed.fault, len(failed.samples)) == (
        True,
        "the mouth failed: engine tone gave silence [silent]",
        0,
    )
    assert sound(mouth.say("hello there.")).fault == ""


def test_nods_are_made_ahead_a_clause_between_them() -> None:
    executor = FrameExecutor({"mouth": 1})
    mouth = EngineMouth("tone", ToneEngine(), VOICE, executor)
    executor.tick()
    assert mouth.nods() == {}
    clause = mouth.say("hello there.")
    executor.tick()
    executor.tick()
    assert sound(clause).words, "it did not wait for all nods"
    for _ in range(8):
        executor.tick()
    assert set(mouth.nods()) == {"mhm", "yeah", "i see"}
    assert all(0.1 < len(nod.samples) / SAMPLE_RATE < 2 for nod in mouth.nods().values())


def test_own_reads_with_the_model() -> None:
    def read(text: str) -> SimpleNamespace:
        return SimpleNamespace(audio=np.ones(4800, np.float32), words=(TimedWord(text, 0.0, 0.2),))

    executor = FrameExecutor()
    voiced = sound(load_mouth("own", executor, read=read).say("hello"))
    assert (len(voiced.samples), voiced.words[0].text, voiced.done) == (4800, "hello", True)
    with pytest.raises(ValueError, match="needs the full-duplex model"):
        load_mouth("own", executor)


def test_a_voice_that_cannot_be_had_says_why(tmp_path: Path) -> None:
    clip = tmp_path / "anna.wav"
    clip.write_bytes(b"")
    for name, options, problem in [
        ("pipper", {}, "no mouth is called 'pipper'.*did you mean 'piper'"),
        ("piper", {"voice": "jo"}, "no voice 'jo'; did you mean 'joe'"),
        ("piper", {"voice": str(clip)}, "does not imitate a recording"),
        ("pocket", {"voice": str(clip)}, "anna.wav is somebody's voice"),
        ("tone", {"speed": 9.0}, "from 0.5 to 2"),
    ]:
        with pytest.raises(ValueError, match=problem):
            load_mouth(name, FrameExecutor(), **options)  # type: ignore[arg-type]


def test_pipers_own_voice_speaks_with_its_own_word_times() -> None:
    pytest.importorskip("piper", reason="needs the extra piper")
    assert pick_voice("piper", None, "", "en").voice.id == "joe"
    executor = FrameExecutor()
    mouth = load_mouth("piper", executor)
    voiced = sound(mouth.say("It is Paris, of course."))
    assert [word.text for word in voiced.words] == ["It", "is", "Paris,", "of", "course."]
    assert 0.8 < voiced.words[-1].end < 2.5
    speech: Samples = voiced.samples
    assert loudness(speech) == pytest.approx(LEVEL, abs=4)
    assert set(mouth.nods()) == {"mhm", "yeah", "i see"}


def test_piper_is_heard_before_the_clause_is_made_and_sounds_as_in_one_piece() -> None:
    pytest.importorskip("piper", reason="needs the extra piper")
    engine, voice = load_engine("piper", "en"), pick_voice("piper", None, "", "en")
    text, style = "I will see what I can do about that.", Style()
    streamed, whole = stream(engine, text, voice, style, 3), engine.speak(text, voice, style, 3)
    assert streamed.words is not None
    assert whole.words is not None
    pieces = [next(streamed.pieces), *streamed.pieces]
    assert len(pieces) > 2
    assert len(pieces[0]) / streamed.rate < 0.3
    together = np.concatenate(pieces)
    shift = int(np.argmax(np.correlate(together, whole.samples[4_000:8_000]))) - 4_000
    inner = slice(1_000, len(whole.samples) - 1_000)  # without its margins
    np.testing.assert_allclose(together[shift:][inner], whole.samples[inner], atol=1e-5)
    for one, other in zip(streamed.words, whole.words, strict=True):
        assert one.start - shift / streamed.rate == pytest.approx(other.start, abs=0.08)
    executor = FrameExecutor({"mouth": 1})
    mouth = EngineMouth("piper", engine, voice, executor, nods=())
    executor.tick()
    clause = mouth.say(text)
    executor.tick()
    first = sound(clause)
    assert not first.done
    assert len(first.words) == len(text.split())
    assert 0.1 < len(first.samples) / SAMPLE_RATE < 0.4

"""Judging an assistant: the figures of talks whose outcome is known by hand."""

from __future__ import annotations

import numpy as np
import pytest

from agent.judging.assistant import HeldTalk, figures, hold, self_answers, sentences_a_minute
from agent.judging.assistant_probes import VoiceProbe, without_loop
from agent.live.talk_events import Happening
from corpus.audio import SAMPLE_RATE, Samples
from tests.support.assistant_parts import quiet, scripted_assistant, voice


def spoke(*spans: tuple[float, float], seconds: float = 10.0) -> Samples:
    """An agent's sound."""
    sound = np.zeros(round(seconds * SAMPLE_RATE), np.float32)
    for start, end in spans:
        sound[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] = 0.3
    return sound


def probe(kind: str, end: float = 2.0) -> VoiceProbe:
    """A request that ends at a time."""
    return VoiceProbe("a", kind, "S", np.zeros(240_000, np.float32), end, "one two three four")  # type: ignore[arg-type]


def test_figures_by_hand() -> None:
    thought = (Happening(2.4, "heard", "one two"), Happening(2.4, "think", "one two three"), Happening(2.6, "begin"))
    stop = (Happening(5.4, "stop"),)
    talks = [
        HeldTalk(probe("request"), spoke((2.8, 4.0)), thought, None),
        HeldTalk(probe("request"), spoke((1.0, 4.0)), thought, None),
        HeldTalk(probe("pause"), spoke((1.0, 1.5), (3.0, 4.0)), (), None),
        HeldTalk(probe("pause"), spoke((3.0, 4.0)), (), None),
        HeldTalk(probe("barge-in"), spoke((3.0, 5.5)), stop, 5.0),
        HeldTalk(probe("backchannel"), spoke((3.0, 9.0)), (), 5.0),
        HeldTalk(probe("backchannel"), spoke((3.0, 5.4)), stop, 5.0),
        HeldTalk(probe("backchannel"), spoke((3.0, 5.4), (5.6, 9.0)), (*stop, Happening(5.7, "resume")), 5.0),
        HeldTalk(probe("backchannel"), spoke((3.0, 5.4), (5.6, 9.0)), (*stop, Happening(5.7, "begin")), 5.0),
    ]
    found = figures(talks)
    assert found["first_sound_p50"] == pytest.approx(0.8, abs=0.02)
    assert found["thought_p50"] == pytest.approx(0.4)
    assert found["begun_p50"] == pytest.approx(0.6)
    assert found["pause_takeovers"] == 0.5
    assert found["spoken_into"] == 0.5
    assert found["wer"] == pytest.approx(0.25)
    assert found["stop_p50"] == pytest.approx(0.52), "to the frame"
    assert found["goes_on"] == 0.5, "an answer to a nod is not going on"
    assert found["never_answered"] == 0.0


def test_a_talk_is_held_and_emptiness_sat_through() -> None:
    assistant = scripted_assistant()
    sound = np.concatenate(voice(0.8) + quiet(4.0))
    talk = hold(assistant, VoiceProbe("a", "request", "S", sound, 0.8, "What is it?"))
    assert talk.answer is not None
    assert talk.answer - 0.8 == pytest.approx(0.32, abs=0.03)
    assert figures([talk])["wer"] == 0.0
    assert sentences_a_minute(assistant, np.concatenate(quiet(20.0))) == 0.0
    assert self_answers(assistant, talk.probe) == 0


def test_a_reference_that_loops_is_cut_where_it_begins_again() -> None:
    said = "Make me a drip coffee with sugar."
    for more in ("", f" {said}", f" {said} {said} Make me a dr", " Make me a drip coffee with"):
        assert without_loop(f"{said}{more}".split()) == said

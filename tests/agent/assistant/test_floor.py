"""Who has the floor: each row of the table in `agent.assistant.floor`, by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.assistant.floor import Action, FloorState, Inputs, decide
from agent.assistant.manners import Manners
from agent.assistant.phrases import begins_with_stop, is_echo, is_hum, is_nod, is_stop, is_unfinished
from agent.listener import Cues


def cues(speech: float, turn_end: float = 0.0, backchannel: float = 0.0) -> Cues:
    """What a source says of a frame."""
    return Cues(speech, turn_end, 0.0, backchannel)


MANNERS = Manners(thresholds={0.2: 0.9, 0.5: 0.6}, patience=2.4)
ASKED = Inputs(cues(0.0, 0.95), "What time is it?", fresh=True)
READY = replace(ASKED, ready=True)
VOICE, QUIET = Inputs(cues(1.0)), Inputs(cues(0.0))


def run(state: FloorState, *inputs: Inputs, manners: Manners = MANNERS) -> tuple[FloorState, list[list[str]]]:
    """Several frames; what was done in each."""
    done = []
    for each in inputs:
        state, actions = decide(state, each, manners)
        done.append([action.kind for action in actions])
    return state, done


def test_a_likely_end_is_thought_about_and_begins_when_an_answer_has_sound() -> None:
    state, done = run(FloorState(), VOICE, VOICE, ASKED, ASKED, ASKED, ASKED, READY)
    assert done == [[], [], [], ["think"], [], [], ["begin"]]
    assert state.mode == "speaking"


def test_begin_waits_for_the_silence_at_which_the_chance_is_enough() -> None:
    unsure = replace(READY, cues=cues(0.0, 0.7))  # enough only after 0.5 s
    _, done = run(FloorState(), VOICE, *[unsure] * 7)
    assert done == [[], [], ["think"], [], [], [], [], ["begin"]]


def test_a_sentence_that_breaks_off_waits_for_patience() -> None:
    open_end = replace(READY, words="I would like a", cues=cues(0.0, 1.0))
    _, done = run(FloorState(), VOICE, *[open_end] * 30)
    assert done[6] == ["think"]
    assert done[30] == ["begin"], "2.4 s are 30 frames of silence"
    assert sum(map(len, done)) == 2


def test_thinking_is_thrown_away_without_trace_when_the_user_goes_on() -> None:
    state, done = run(FloorState(), VOICE, ASKED, ASKED, VOICE, VOICE)
    assert done[2:] == [["think"], [], ["discard"]]
    assert state.mode == "listening"
    assert state.thought == ""


def test_the_ears_second_thoughts_are_thought_about_anew() -> None:
    other = replace(ASKED, words="What time was it?")
    _, done = run(FloorState(), VOICE, ASKED, ASKED, other, replace(ASKED, words="what time was it"))
    assert done[2:] == [["think"], ["discard", "think"], []]


def test_nobody_is_answered_who_said_no_words() -> None:
    noise = [VOICE] * 20 + [replace(QUIET, cues=cues(0.0, 1.0), fresh=True, ready=True)] * 100
    _, done = run(FloorState(), *noise)
    assert not any(done)


def test_a_late_mind_is_covered_by_a_filler() -> None:
    state, done = run(FloorState(), VOICE, *[ASKED] * 15)
    assert done[-1] == ["fill"]
    assert done[:-1].count(["fill"]) == 0
    assert state.mode == "speaking"


SPEAKING = FloorState(mode="speaking", silent=50)
GOES_ON = Inputs(cues(0.0), ready=True, saying="the capital of France is Paris")


def test_a_voice_ducks_at_once_and_stops_after_four_frames() -> None:
    state, done = run(SPEAKING, *[replace(GOES_ON, cues=cues(1.0))] * 4)
    assert done == [["duck"], [], [], ["stop"]]
    assert state.mode == "stopped"


def test_what_sounds_like_a_sign_of_listening_does_not_stop() -> None:
    hum = replace(GOES_ON, cues=cues(1.0, backchannel=0.9))
    state, done = run(SPEAKING, *[hum] * 6, *[GOES_ON] * 3, replace(GOES_ON, words="Mhm.", fresh=True))
    assert done == [["duck"], *[[]] * 7, ["resume"], ["drop"]]
    assert state.mode == "speaking"


def test_a_cut_for_a_sign_of_listening_is_taken_back() -> None:
    heard = replace(GOES_ON, words="Yeah, right.", fresh=True)
    state, done = run(SPEAKING, *[replace(GOES_ON, cues=cues(1.0))] * 6, GOES_ON, GOES_ON, heard)
    assert done[3] == ["stop"]
    assert done[-1] == ["resume", "drop"]
    assert state.mode == "speaking"


def test_a_cough_that_cut_is_taken_back_as_well() -> None:
    _, done = run(SPEAKING, *[replace(GOES_ON, cues=cues(1.0))] * 5, *[GOES_ON] * 15)
    assert done[-1] == ["resume", "drop"]


@pytest.mark.parametrize("words", ["Stop!", "Wait.", "Hold on.", "please stop"])
@pytest.mark.parametrize("uninterruptible", [False, True])
def test_stop_always_works_and_holds(words: str, uninterruptible: bool) -> None:
    manners = replace(MANNERS, uninterruptible=uninterruptible)
    heard = replace(GOES_ON, words=words)
    state, done = run(SPEAKING, replace(GOES_ON, cues=cues(1.0)), heard, manners=manners)
    assert done[-1] == ["stop", "drop"]
    state, done = run(state, *[GOES_ON] * 50, manners=manners)
    assert state.mode == "holding"
    assert not any(done)
    _, done = run(state, VOICE, ASKED, ASKED, manners=manners)
    assert done[-1] == ["think"], "spoken to again, it answers"


def test_an_uninterruptible_answer_goes_on() -> None:
    manners = replace(MANNERS, uninterruptible=True)
    _, done = run(SPEAKING, *[replace(GOES_ON, cues=cues(1.0), words="But I wanted", fresh=True)] * 9, manners=manners)
    assert not any(done)


def test_an_interruption_with_words_becomes_the_next_turn() -> None:
    asks = replace(GOES_ON, cues=cues(0.0, 1.0), words="And of Spain?", fresh=True)
    state, done = run(SPEAKING, *[replace(GOES_ON, cues=cues(1.0))] * 5, asks, asks, asks)
    assert done[3] == ["stop"]
    assert done[-1] == ["think"]
    assert state.thought == "And of Spain?"


def test_ones_own_echo_is_not_the_user() -> None:
    echo = replace(GOES_ON, words="capital of France", fresh=True)
    state, done = run(SPEAKING, echo, echo, *[replace(echo, cues=cues(1.0))] * 20)
    assert ["stop"] not in done
    assert state.mode == "ducked"


def test_nods_come_in_a_breath_of_a_long_turn_and_never_unless_wished() -> None:
    breath = Inputs(cues(0.0, 0.05), can_nod=True)
    turn = [VOICE] * 40 + [breath] * 3
    assert run(FloorState(), *turn, manners=replace(MANNERS, nodding=1.0))[1][-1] == ["nod"]
    assert not any(run(FloorState(), *turn)[1])
    assert not any(run(FloorState(), *turn[20:], manners=replace(MANNERS, nodding=1.0))[1]), "too short a turn"


def test_a_longer_wait_after_a_question() -> None:
    manners = replace(MANNERS, after_question=1.6)
    said = replace(READY, asked=True)
    _, done = run(FloorState(), VOICE, *[said] * 20, manners=manners)
    assert done.index(["begin"]) == 20, "1.6 s are 20 frames of silence"


def test_told_to_speak_it_begins_without_words() -> None:
    _, done = run(FloorState(), replace(QUIET, wanted=True), replace(QUIET, ready=True))
    assert done == [["think"], ["begin"]]


SOME = st.builds(
    Inputs,
    cues=st.builds(Cues, *[st.sampled_from([0.0, 0.3, 0.7, 1.0])] * 4),
    words=st.sampled_from(["", "mhm", "stop", "what is", "What is it?", "the capital"]),
    fresh=st.booleans(),
    ready=st.booleans(),
    over=st.booleans(),
    saying=st.sampled_from(["", "the capital of France"]),
    can_nod=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(SOME, max_size=60), st.booleans())
def test_whatever_comes_the_floor_stays_sane(inputs: list[Inputs], uninterruptible: bool) -> None:
    manners = replace(MANNERS, nodding=1.0, uninterruptible=uninterruptible)
    state = FloorState()
    for each in inputs:
        before, (state, actions) = state, decide(state, each, manners)
        kinds = [action.kind for action in actions]
        speaks = state.mode in ("speaking", "ducked")
        assert speaks <= (before.mode in ("speaking", "ducked") or bool({"begin", "fill", "resume"} & set(kinds)))
        if "begin" in kinds:
            assert each.ready
            assert each.cues.speech < 0.5
            assert before.thought, "nobody told it to speak: there were words"
        if {"duck", "nod"} & set(kinds):
            assert not manners.uninterruptible or "duck" not in kinds
        assert kinds.count("think") <= 1
        assert Action("think") not in actions, "a thought is about words"


def test_what_words_tell() -> None:
    assert all(map(is_stop, ["stop", "Wait!", "Hold on.", "Okay, stop, please.", "stop stop"]))
    assert not any(map(is_stop, ["", "please", "stop the music", "bus stop"]))
    assert begins_with_stop("Stop, I meant Spain")
    assert not begins_with_stop("Where is the next stop?")
    assert all(map(is_nod, ["", "Mhm.", "Yeah, right.", "I see.", "uh-huh"]))
    assert not any(map(is_nod, ["And Spain?", "no", "I see a problem here"]))
    assert is_hum("Hmm.")
    assert not is_hum("yes")
    assert all(map(is_unfinished, ["I want a", "and then...", "on Monday,", "We could"]))
    assert not any(map(is_unfinished, ["", "Who is that?", "Yes please.", "Turn it on."]))
    assert is_echo("capital of france", "The capital of France is Paris.")
    assert not is_echo("What about Spain", "The capital of France is Paris.")

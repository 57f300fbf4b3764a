"""A talk with an assistant, on scripted parts: what is said and when, to the frame; the history is what was voiced."""

from __future__ import annotations

import json

import numpy as np
import pytest

from agent.assistant.parts import Message, Piece, Tool, ToolCall, Voiced
from agent.assistant.playout import DoneVoicing
from agent.assistant.session import FILLER, AssistantTalk
from agent.assistant.work import FrameExecutor
from agent.live.frame_out import FrameOut
from agent.live.talk_events import AgentEnded, Happening
from corpus.audio import FRAME_SECONDS, Samples
from tests.support.assistant_parts import ScriptedCues, quiet, scripted_talk, voice

ANSWER = ["It is Paris,", "as you know well."]


def hold(talk: AssistantTalk, executor: FrameExecutor, frames: list[Samples]) -> list[FrameOut]:
    """Push frames; what came out."""
    outs = []
    for frame in frames:
        executor.tick()
        outs.append(talk.push(frame))
    return outs


def happenings(outs: list[FrameOut]) -> list[tuple[str, str]]:
    """Kinds and texts of the events, without the single words."""
    events = [event for out in outs for event in out.events if isinstance(event, Happening)]
    return [(event.kind, event.text) for event in events if event.kind != "voiced"]


def words(outs: list[FrameOut]) -> str:
    """What was voiced."""
    return "".join(out.text for out in outs).strip()


def onset(outs: list[FrameOut]) -> int:
    """The first frame with sound."""
    return next(index for index, out in enumerate(outs) if out.audio.any())


def test_a_question_is_answered_and_both_sides_are_remembered() -> None:
    talk, executor, mind = scripted_talk(["What is the capital of France?"], [ANSWER])
    outs = hold(talk, executor, voice(1.6) + quiet(5.0))
    assert happenings(outs) == [
        ("heard", "What is the capital of France?"),
        ("think", "What is the capital of France?"),
        ("begin", ""),
    ]
    assert words(outs) == "It is Paris, as you know well."
    assert [message.role for message in mind.asked[0]] == ["system", "user"]
    assert talk.history.messages == (
        Message("user", "What is the capital of France?"),
        Message("assistant", "It is Paris, as you know well."),
    )
    assert (onset(outs) - 20) * FRAME_SECONDS == pytest.approx(0.24), "decided when the silence was long enough"


def test_the_words_of_an_answer_that_was_cut_end_with_the_cut() -> None:
    talk, executor, mind = scripted_talk(["What is it?", "And Spain?"], [ANSWER, ["Madrid."]])
    outs = hold(talk, executor, voice(0.8) + quiet(1.36) + voice(0.8) + quiet(3.0))
    kinds = [kind for kind, _ in happenings(outs)]
    assert kinds == ["heard", "think", "begin", "duck", "stop", "heard", "think", "begin"]
    first = next(event for out in outs for event in out.events if isinstance(event, AgentEnded))
    assert first.status == "interrupted"
    assert "It is Paris, as you know well.".startswith(first.text)
    assert 3 <= len(first.text.split()) < 7
    roles = [(message.role, message.text) for message in mind.asked[1][1:]]
    assert roles == [("user", "What is it?"), ("assistant", first.text), ("user", "And Spain?")]


def test_the_voice_is_softer_by_12_db_as_soon_as_the_user_speaks_and_loud_again_after_mhm() -> None:
    long = ["one two three four five six seven eight nine ten"]
    talk, executor, _ = scripted_talk(["Count!", "mhm"], [long], cues=ScriptedCues(backchannel=0.9))
    outs = hold(talk, executor, voice(0.8) + quiet(1.2) + voice(0.4) + quiet(3.0))
    kinds = [kind for kind, _ in happenings(outs)]
    assert kinds == ["heard", "think", "begin", "duck", "resume", "heard"] or kinds[-2:] == ["heard", "resume"]
    ducked = outs[10 + 15 + 2].audio
    assert 20 * np.log10(np.abs(ducked).max() / 0.5) == pytest.approx(-12, abs=0.1)
    assert words(outs) == long[0]
    assert np.abs(outs[45].audio).max() == pytest.approx(0.5)


def test_a_pause_costs_nothing_but_a_thought() -> None:
    talk, executor, mind = scripted_talk(
        ["Tell me about", "Tell me about Paris."], [ANSWER], cues=ScriptedCues(turn_end=0.5)
    )
    outs = hold(talk, executor, voice(0.8) + quiet(0.8) + voice(0.8) + quiet(4.0))
    kinds = [kind for kind, _ in happenings(outs)]
    assert kinds == ["heard", "think", "discard", "heard", "think", "begin"]
    assert not any(out.audio.any() for out in outs[:32])
    assert len(mind.asked) == 2
    assert talk.history.messages[0].text == "Tell me about Paris."


def test_a_late_mind_is_covered_and_a_dead_one_says_so() -> None:
    slow = FrameExecutor({"mind": 40, "mouth": 1})
    talk, executor, _ = scripted_talk(["Hello?"], [["Hi there."]], executor=slow)
    outs = hold(talk, executor, voice(0.8) + quiet(8.0))
    assert words(outs) == f"{FILLER} Hi there."
    assert ("fill", FILLER) in happenings(outs)
    talk, executor, _ = scripted_talk(["Hello?"], [[Piece("fault", "the mind's server answers 500")]])
    outs = hold(talk, executor, voice(0.8) + quiet(8.0))
    assert words(outs) == "I am sorry, I cannot think just now."
    assert ("fault", "the mind's server answers 500") in happenings(outs)


def test_a_mind_that_dies_in_mid_sentence_says_so_and_the_talk_goes_on() -> None:
    answers = [["It is Paris,", Piece("fault", "the line broke")], ["Madrid."]]
    talk, executor, _ = scripted_talk(["What is it?", "And Spain?"], answers)
    outs = hold(talk, executor, voice(0.8) + quiet(6.0) + voice(0.8) + quiet(3.0))
    assert words(outs) == "It is Paris, I am sorry, I cannot think just now. Madrid."
    ends = [event.status for out in outs for event in out.events if isinstance(event, AgentEnded)]
    assert ends == ["failed", "completed"]


def test_a_mouth_without_sound_is_a_fault_and_no_hang() -> None:
    talk, executor, _ = scripted_talk(["What is it?", "And Spain?"], [ANSWER])
    mute = Voiced(np.zeros(0, np.float32), (), True, "the mouth failed")
    talk.parts.mouth.say = lambda clause, speed: DoneVoicing(mute)  # type: ignore[method-assign]
    outs = hold(talk, executor, voice(0.8) + quiet(6.0))
    assert ("fault", "the mouth failed") in happenings(outs)
    assert talk.state.mode == "listening"


class SlowTool:
    """A tool that takes its time."""

    tools = (Tool("weather", "Tells the weather."),)

    def __init__(self, frames: int) -> None:
        self.left = frames

    def call(self, call: ToolCall) -> SlowTool:
        """Begin."""
        return self

    def result(self) -> str | None:
        """Sunny, in the end."""
        self.left -= 1
        return "sunny" if self.left < 0 else None


def test_a_slow_tool_does_not_mute() -> None:
    call = ToolCall("1", "weather", "{}")
    talk, executor, mind = scripted_talk(["What is the weather?"], [[call], ["It is sunny."]], tools=SlowTool(30))
    outs = hold(talk, executor, voice(0.8) + quiet(8.0))
    assert words(outs) == f"{FILLER} It is sunny."
    assert [text for kind, text in happenings(outs) if kind == "tool"] == ["weather({})", "weather: sunny"]
    assert [message.role for message in mind.asked[1][1:]] == ["user", "assistant", "tool"]


def test_it_says_nothing_into_silence_and_noise_and_greets_only_when_told() -> None:
    talk, executor, _ = scripted_talk([], [ANSWER])
    assert not any(out.audio.any() for out in hold(talk, executor, quiet(30.0) + voice(3.0) + quiet(30.0)))
    talk, executor, _ = scripted_talk([], [ANSWER], greeting="Good morning.")
    assert words(hold(talk, executor, quiet(3.0))) == "Good morning."


def test_sound_has_no_steps_where_it_is_cut() -> None:
    talk, executor, _ = scripted_talk(["What is it?", "And Spain?"], [ANSWER, ["Madrid."]])
    outs = hold(talk, executor, voice(0.8) + quiet(1.36) + voice(0.8) + quiet(3.0))
    sound = np.concatenate([out.audio for out in outs])
    assert np.abs(np.diff(sound)).max() < 0.005, "two fades of a level of 0.5 over 10 ms at once"


def test_the_same_talk_again_is_the_same_to_the_bit() -> None:
    talks = []
    for _ in range(2):
        talk, executor, _ = scripted_talk(["What is it?", "And Spain?"], [ANSWER, ["Madrid."]])
        outs = hold(talk, executor, voice(0.8) + quiet(1.36) + voice(0.8) + quiet(3.0))
        talks.append((b"".join(out.audio.tobytes() for out in outs), [out.events for out in outs]))
    assert talks[0] == talks[1]
    assert json.dumps([str(event) for event in talks[0][1]])

"""A taped talk is the same talk, and comes out again bit for bit without the parts that made it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agent.assistant.kept_talk import load_tape, outs, replay, save_tape
from agent.assistant.parts import Tool, ToolCall
from agent.assistant.session import AssistantTalk
from agent.assistant.tape import Tape
from agent.assistant.taped_parts import taped
from tests.support.assistant_parts import quiet, scripted_talk, voice

QUESTIONS = ["What is the capital of France?", "mhm", "And of Spain?"]
ANSWERS = [["It is Paris,", "as you know well."], [ToolCall("1", "look_up", '{"of": "Spain"}')], ["Madrid."]]
SOUND = voice(1.6) + quiet(1.2) + voice(0.4) + quiet(3.0) + voice(0.8) + quiet(4.0)


class OneTool:
    """Knows after three looks."""

    tools = (Tool("look_up", "a capital"),)

    def call(self, call: ToolCall) -> OneTool:
        self.looks = 0
        return self

    def result(self) -> str | None:
        self.looks += 1
        return "Madrid" if self.looks > 3 else None


def held(tape: Tape | None) -> tuple[AssistantTalk, list[np.ndarray]]:
    """A talk with two questions, a nod and a tool, on tape or not."""
    talk, executor, _ = scripted_talk(QUESTIONS, ANSWERS, tools=OneTool())
    if tape is not None:
        talk = AssistantTalk(taped(tape, talk.parts), talk.options)
    said = []
    for frame in SOUND:
        executor.tick()
        out = talk.push(frame)
        said.append(out.audio)
        if tape is not None:
            tape.frame(frame, out)
    return talk, said


def test_a_talk_is_had_again_from_its_tape(tmp_path: Path) -> None:
    plain, said = held(None)
    tape = Tape()
    talk, also = held(tape)
    np.testing.assert_array_equal(said, also)
    assert talk.history == plain.history
    assert len(plain.history.messages) > 4, "there were answers, and a tool"
    path = tmp_path / "talk.safetensors"
    save_tape(tape, path, talk.options)
    again, options = load_tape(path)
    assert options.manners == talk.options.manners
    assert replay(again, options) is None
    events = [out.events for out in outs(*load_tape(path))]
    assert sum(map(len, events)) > 10
    other, options = load_tape(path)
    other.said[30] = other.said[30] + np.float32(1e-7)
    assert replay(other, options) == 30


def test_what_is_no_tape_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nothing to keep"):
        save_tape(Tape(), tmp_path / "t", scripted_talk([], [])[0].options)
    (tmp_path / "text").write_text("hello")
    for name in ("text", "none"):
        with pytest.raises(ValueError, match=f"{name} is no kept talk of an assistant"):
            load_tape(tmp_path / name)

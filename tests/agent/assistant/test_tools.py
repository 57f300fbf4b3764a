"""Tools: signature and docstring become a schema, calls are checked, and none can hang or break a talk."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from agent.assistant.parts import ToolCall
from agent.assistant.tools import Toolbox, load_tools, tool_of
from agent.assistant.work import FrameExecutor, ThreadExecutor

FILE = '''
from __future__ import annotations
import json
from typing import Literal

LIGHTS = {"hall": False}

def light(room: str, on: bool = True, colour: Literal["warm", "cold"] = "warm") -> dict:
    """Switch a light.

    It is fast.
    room: where it is
    """
    LIGHTS[room] = on
    return {"room": room, "on": on, "colour": colour}

def broken(count: int) -> str:
    """Break."""
    raise RuntimeError("no such lamp")

def _private() -> None:
    pass
'''


def test_functions_of_a_file_become_tools_and_are_called(tmp_path: Path) -> None:
    path = tmp_path / "home.py"
    path.write_text(FILE)
    tools = load_tools(path)
    assert [tool.name for tool in tools] == ["light", "broken"]
    assert tools[0].description == "Switch a light. It is fast."
    assert tools[0].parameters == {
        "type": "object",
        "properties": {
            "room": {"type": "string", "description": "where it is"},
            "on": {"type": "boolean", "default": True},
            "colour": {"type": "string", "enum": ["warm", "cold"], "default": "warm"},
        },
        "required": ["room"],
    }
    box = Toolbox(tools, FrameExecutor())
    answers = {
        text: box.call(ToolCall("1", name, text)).result()
        for name, text in [
            ("light", '{"room": "hall", "on": "false"}'),
            ("light", "{"),
            ("light", "{}"),
            ("light", '{"room": "hall", "size": 3}'),
            ("light", '{"room": "hall", "colour": "blue"}'),
            ("broken", '{"count": "3"}'),
            ("lamp", "null"),
        ]
    }
    assert list(answers.values()) == [
        '{"room": "hall", "on": false, "colour": "warm"}',
        "Error: the arguments of light are not valid JSON",
        "Error: light needs 'room'",
        "Error: light takes no 'size'; it takes room, on, colour",
        "Error: light: colour: Input should be 'warm' or 'cold', got 'blue'",
        "Error: RuntimeError: no such lamp",
        "Error: there is no tool 'lamp'; there are light, broken.",
    ]


def test_a_tool_comes_after_its_frames_and_one_that_never_returns_is_given_up() -> None:
    held = threading.Event()

    def hang() -> str:
        """Wait."""
        held.wait(20)
        return "late"

    def quick() -> str:
        """Answer."""
        return "now"

    executor = FrameExecutor({"tool": 2})
    box = Toolbox([tool_of(quick, "here")], executor)
    run = box.call(ToolCall("1", "quick", ""))
    results = []
    for _ in range(3):
        results.append(run.result())
        executor.tick()
    assert results == [None, None, "now"]
    threads = ThreadExecutor()
    box = Toolbox([tool_of(hang, "here"), tool_of(quick, "here")], threads, timeout=0.05)
    slow, other = box.call(ToolCall("1", "hang", "{}")), box.call(ToolCall("2", "quick", "{}"))
    while slow.result() is None or other.result() is None:
        pass
    assert slow.result() == "Error: hang gave no answer within 0.05 seconds."
    assert other.result() == "now"
    held.set()
    threads.close()


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = 1", "has no public function"),
        ("def a(): pass", "a has no docstring"),
        ("def a(*b):\n    'Do.'", r"a takes \*b"),
        ("raise OSError('gone')", "cannot be run: OSError: gone"),
        ("import threading\ndef a(b: threading.Lock):\n    'Do.'", "a has a parameter that JSON cannot give"),
    ],
)
def test_a_file_that_holds_no_tools_says_why(tmp_path: Path, text: str, problem: str) -> None:
    path = tmp_path / "t.py"
    path.write_text(text)
    with pytest.raises(ValueError, match=problem):
        load_tools(path)

"""Minds for tests and for a first try: `echo` repeats what it heard, `script:FILE` answers from a file.

A script is a JSON object a line, tried in order: `{"if": REGULAR EXPRESSION, "say": TEXT}`; `{"say": TEXT}` answers
everything. In place of "say": "call" with a tool's name and "arguments", or "fault" with what to complain of. What a
tool answered is asked for like anything else that was said last; `{1}` stands for the expression's first group.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import Field, field_validator

from corpus.strict import Strict, load_lines

from ..parts import Message, Tool
from .chat_stream import CallPart, Delta, MindError, Stopped

_TOKEN = re.compile(r"\s*\S+|\s+$")


@dataclass
class EchoStream:
    """Says what the user said last; see `ChatStream`."""

    name: str = "echo"
    leaves: bool = False
    at_once: int = 1
    context: int = 4096
    opens_thought: bool = False

    def stream(
        self, messages: Sequence[Message], tools: Sequence[Tool], most_tokens: int, stopped: Stopped
    ) -> Iterator[Delta]:
        """See `ChatStream.stream`."""
        yield from words(last(messages))


class ScriptLine(Strict):
    """One line of a script."""

    when: str = Field(default="", alias="if")
    say: str = ""
    call: str = ""
    arguments: dict[str, object] = Field(default_factory=dict)
    fault: str = ""

    @field_validator("when")
    @classmethod
    def _valid(cls, when: str) -> str:
        try:
            re.compile(when)
        except re.error as error:
            raise ValueError(f"{when!r} is no regular expression: {error}") from None
        return when


@dataclass
class ScriptStream:
    """Answers by a script; see `ChatStream`."""

    name: str
    lines: tuple[ScriptLine, ...]
    leaves: bool = False
    at_once: int = 1
    context: int = 4096
    opens_thought: bool = False
    asked: list[str] = field(default_factory=list)  # what it was to answer, for tests

    def stream(
        self, messages: Sequence[Message], tools: Sequence[Tool], most_tokens: int, stopped: Stopped
    ) -> Iterator[Delta]:
        """See `ChatStream.stream`."""
        heard = last(messages)
        self.asked.append(heard)
        for line in self.lines:
            match = re.search(line.when, heard, re.IGNORECASE)
            if match is None:
                continue
            if line.fault:
                raise MindError(line.fault)
            if line.call:
                filled = {key: _filled(value, match) for key, value in line.arguments.items()}
                yield Delta(calls=(CallPart(0, "call-0", line.call, json.dumps(filled)),), finish="tool_calls")
                return
            yield from words(str(_filled(line.say, match)))
            return
        yield from words("I do not know.")


def read_script(name: str, path: Path) -> ScriptStream:
    """The script of a file. Raises ValueError with the line that is wrong."""
    lines = tuple(load_lines(path, ScriptLine, "script"))
    if not lines:
        raise ValueError(f'{path} holds no answer; write {{"if": "...", "say": "..."}} a line')
    return ScriptStream(name, lines)


def last(messages: Sequence[Message]) -> str:
    """The text of the last message of the user or a tool."""
    return next((message.text for message in reversed(messages) if message.role in ("user", "tool")), "")


def words(text: str) -> Iterator[Delta]:
    """A text a word at a time."""
    for token in _TOKEN.findall(text):
        yield Delta(token)
    yield Delta(finish="stop")


def _filled(value: object, match: re.Match[str]) -> object:
    if not isinstance(value, str):
        return value
    return re.sub(r"\{(\d)\}", lambda number: match[int(number[1])] or "", value)

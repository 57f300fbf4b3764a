"""What a language model is to a mind: messages in, pieces of one reply out as they are made."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from ..parts import Message, Tool, ToolCall

Stopped = Callable[[], bool]


class MindError(Exception):
    """A model gave up; the message is one line for the log."""


@dataclass(frozen=True)
class CallPart:
    """A part of a tool call; parts of one `index` belong together."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True)
class Delta:
    """What came next: text of the answer, parts of calls, and at the end why it ended ("stop", "length", ...)."""

    text: str = ""
    calls: tuple[CallPart, ...] = ()
    finish: str = ""


class ChatStream(Protocol):
    """A model; called from as many threads at once as `at_once` says.

    Attributes:
        name: as the user gave it.
        leaves: whether what it reads leaves this machine.
        at_once: conversations it can think for at the same time.
        context: tokens it can read and write together.
        opens_thought: whether its answers begin in the midst of a thought, which their text does not show.
    """

    name: str
    leaves: bool
    at_once: int
    context: int
    opens_thought: bool

    def stream(
        self, messages: Sequence[Message], tools: Sequence[Tool], most_tokens: int, stopped: Stopped
    ) -> Iterator[Delta]:
        """Answer. `stopped` is asked now and then; closing the iterator stops the model, too.

        Raises:
            MindError: it cannot, or cannot go on.
        """
        ...


@dataclass
class CallParts:
    """Tool calls put together from their parts."""

    parts: dict[int, list[CallPart]] = field(default_factory=dict)

    def take(self, calls: Sequence[CallPart]) -> None:
        """Add what came."""
        for part in calls:
            self.parts.setdefault(part.index, []).append(part)

    def whole(self) -> list[ToolCall]:
        """All calls, once nothing more comes; one without a name is none."""
        calls = []
        for index, parts in sorted(self.parts.items()):
            name = "".join(part.name for part in parts)
            id = next((part.id for part in parts if part.id), f"call-{index}")
            if name:
                calls.append(ToolCall(id, name, "".join(part.arguments for part in parts) or "{}"))
        return calls


def as_request(messages: Sequence[Message], tools: Sequence[Tool], most_tokens: int) -> dict[str, Any]:
    """The body of a chat completion, as OpenAI's endpoint takes it."""
    body: dict[str, Any] = {
        "messages": [_as_json(message) for message in messages],
        "max_tokens": most_tokens,
        "stream": True,
    }
    if tools:
        body["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool.name,
                    "description": tool.description,
                    "parameters": dict(tool.parameters),
                },
            }
            for tool in tools
        ]
    return body


def _as_json(message: Message) -> dict[str, Any]:
    shown: dict[str, Any] = {"role": message.role, "content": message.text}
    if message.calls:
        shown["tool_calls"] = [
            {"id": call.id, "type": "function", "function": {"name": call.name, "arguments": call.arguments}}
            for call in message.calls
        ]
    if message.role == "tool":
        shown["tool_call_id"] = message.call_id
    return shown


def read_chunk(chunk: object) -> Delta | None:
    """One chunk of a streamed completion, or a whole one that was not streamed; None for nothing that can be read.

    A model's reasoning that comes in fields of its own (`reasoning_content`, `reasoning`, ...) is left where it is.

    Raises:
        MindError: the chunk tells of an error.
    """
    if not isinstance(chunk, Mapping):
        return None
    if chunk.get("error"):
        raise MindError(f"it says: {_told(chunk['error'])}")
    choices = chunk.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, Mapping):
        return None
    held = choice.get("delta") or choice.get("message")
    held = held if isinstance(held, Mapping) else {}
    content = held.get("content")
    if isinstance(content, list):  # parts with types, of which the text is said and the reasoning is not
        content = "".join(
            str(part.get("text", ""))
            for part in content
            if isinstance(part, Mapping) and part.get("type") in ("text", "output_text")
        )
    text = content if isinstance(content, str) else ""
    return Delta(text, _call_parts(held.get("tool_calls")), str(choice.get("finish_reason") or ""))


def _call_parts(listed: object) -> tuple[CallPart, ...]:
    parts = []
    for number, call in enumerate(listed if isinstance(listed, list) else []):
        function = call.get("function") if isinstance(call, Mapping) else None
        if isinstance(function, Mapping):
            arguments = function.get("arguments") or ""
            if not isinstance(arguments, str):
                arguments = json.dumps(arguments)
            index = call.get("index")
            index = index if isinstance(index, int) else number
            parts.append(CallPart(index, str(call.get("id") or ""), str(function.get("name") or ""), arguments))
    return tuple(parts)


def _told(error: object) -> str:
    message = error.get("message", error) if isinstance(error, Mapping) else error
    return " ".join(str(message).split())[:200]

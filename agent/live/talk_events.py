"""What happens in a talk beside sound: turns begin and end, words are understood, a tool is called.

They travel in `FrameOut.events`, in the frame in which they happened. A user's turn and an agent's turn are numbered
each by itself, from 1. An agent's turn is a stretch of speech that belongs together: a "response" to OpenAI's clients.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

EndOfTurn = Literal["completed", "cancelled", "interrupted", "incomplete", "failed"]


@dataclass(frozen=True)
class UserBegan:
    """The user began to speak; sent by partners that find turns themselves (`About.finds_turns`)."""

    turn: int
    at_ms: float  # of the user's sound


@dataclass(frozen=True)
class UserEnded:
    """The user's turn is over."""

    turn: int
    at_ms: float


@dataclass(frozen=True)
class UserWords:
    """The words of a user's turn as understood so far: the whole of it, which may correct what came before."""

    turn: int
    text: str
    final: bool  # nothing more comes


@dataclass(frozen=True)
class AgentBegan:
    """The agent takes the floor; its sound and `FrameOut.text` belong to this turn until it ends."""

    turn: int
    wish: str = ""  # id of the `Respond` or `Utter` that it follows, "" for none


@dataclass(frozen=True)
class AgentWrites:
    """A piece of an answer that is not spoken: to a client that asked for words alone."""

    turn: int
    text: str


@dataclass(frozen=True)
class AgentEnded:
    """The agent's turn is over."""

    turn: int
    status: EndOfTurn = "completed"  # cancelled: by the client; interrupted: by the user; incomplete: too many tokens
    text: str = ""  # what was really voiced (or written)
    tokens_in: int = 0  # of the mind's prompt, 0 without one
    tokens_out: int = 0
    reason: str = ""  # why it failed


@dataclass(frozen=True)
class ToolWanted:
    """The mind calls a tool of the client, who answers with `ToolResult`."""

    turn: int
    call: str  # id
    name: str
    arguments: str  # JSON


@dataclass(frozen=True)
class Trouble:
    """Something went wrong that the user should know, such as a mind that cannot be reached; the talk goes on."""

    text: str
    part: str = field(default="")  # "ear", "mind", "mouth" or "" for the whole


@dataclass(frozen=True)
class Happening:
    """Something an assistant heard, thought, said or decided, for whoever wants to see why; wires may pass it over."""

    at: float  # seconds of the user's sound
    kind: str  # heard, think, discard, begin, voiced, nod, duck, stop, resume, fill, tool, fault
    text: str = ""


TalkEvent = UserBegan | UserEnded | UserWords | AgentBegan | AgentWrites | AgentEnded | ToolWanted | Trouble | Happening

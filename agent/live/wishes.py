"""What a client may ask of its partner beside talking to it. Wishes are heeded before the next frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal


@dataclass(frozen=True)
class TurnRules:
    """When the user's turn is over, and what follows. OpenAI's names and defaults."""

    kind: Literal["none", "server_vad", "semantic_vad"] = "server_vad"  # none: `EndTurn` and `Respond` alone say so
    threshold: float = 0.5  # 0..1, of the chance that this is speech
    silence_ms: float = 500.0
    eagerness: Literal["low", "medium", "high", "auto"] = "auto"
    responds: bool = True  # the agent may answer by itself
    interrupts: bool = True  # a user who speaks stops the agent


@dataclass(frozen=True)
class ToolSpec:
    """A function that the mind may call."""

    name: str
    description: str
    parameters: dict[str, Any]  # JSON schema


@dataclass(frozen=True)
class TalkSettings:
    """How a partner behaves from now on; None leaves it to the partner."""

    instructions: str | None = None
    voice: str | None = None
    speed: float = 1.0
    tools: tuple[ToolSpec, ...] = ()
    tool_choice: str = "auto"  # auto, none, required, or the name of a tool
    turns: TurnRules = TurnRules()
    most_tokens: int | None = None  # of an answer
    speaks: bool = True  # False: words alone, as `AgentWrites`


@dataclass(frozen=True)
class Respond:
    """Take the floor now, whoever has it."""

    id: str = ""  # comes back in `AgentBegan.wish`
    instructions: str | None = None  # of this answer alone
    speaks: bool | None = None
    remembered: bool = True  # False: the answer does not enter the history
    given: tuple[Write, ...] | None = None  # answer this instead of the history


@dataclass(frozen=True)
class Utter:
    """Say these words, to the word."""

    text: str
    id: str = ""


@dataclass(frozen=True)
class Cancel:
    """End the agent's turn, and nothing more: it may take the floor again."""


@dataclass(frozen=True)
class EndTurn:
    """The user's turn is over, whatever it sounds like."""


@dataclass(frozen=True)
class Write:
    """A message that becomes part of the history without being spoken."""

    id: str
    role: Literal["user", "assistant", "system"]
    text: str


@dataclass(frozen=True)
class ToolResult:
    """What a tool of the client answered."""

    id: str  # of this entry of the history
    call: str
    output: str


@dataclass(frozen=True)
class Truncate:
    """The client played only so much of the agent's turn: the history is to end there."""

    turn: int
    heard_ms: float


@dataclass(frozen=True)
class Forgotten:
    """An entry of the history is to be deleted: a `Write` or `ToolResult` by its id, a turn by side and number."""

    id: str = ""
    side: Literal["", "agent", "user"] = ""
    turn: int = 0


Wish = TalkSettings | Respond | Utter | Cancel | EndTurn | Write | ToolResult | Truncate | Forgotten


class RefusedError(ValueError):
    """A partner cannot do what it is asked; the message says why. The talk goes on."""

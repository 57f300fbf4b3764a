"""What an assistant is put together from: the protocols of ear, mind and mouth, and what they hand over.

All times are seconds of the user's sound since the session's start. No method of these protocols blocks: the heavy
work is done in lanes (see `work`), and what came of it is asked for once a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from corpus.audio import Samples


@dataclass(frozen=True)
class Encoded:
    """An ear's own features `[T, D]`, and the second of the sound that the last of them reaches to."""

    frames: npt.NDArray[np.float32]
    until: float


@dataclass(frozen=True)
class HeardWord:
    """One word of the user's, as written, with the seconds it was said in."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class Heard:
    """The words of one phrase so far.

    Attributes:
        words: all words of the phrase.
        final: the phrase is closed; nothing more comes of it. Without words: nothing was said in it.
        committed: so many first words will not change any more.
        phrase: counts the phrases of a session from 0.
        until: s of sound that were listened to for this.
        fault: what went wrong, for the log; the words are what is known in spite of it.
    """

    words: tuple[HeardWord, ...]
    final: bool
    committed: int
    phrase: int = 0
    until: float = 0.0
    fault: str = ""

    @property
    def text(self) -> str:
        """The words as one line."""
        return " ".join(word.text for word in self.words)


class EarStream(Protocol):
    """One user's ear."""

    def push(self, frame: Samples) -> None:
        """Take the next 80 ms, float32 `[1920]` at 24 kHz; a copy and no more."""
        ...

    def phrase_ends(self, at: float) -> None:
        """Close the phrase at `at` s: its final words come as soon as they can be had. A new one begins there."""
        ...

    def results(self) -> list[Heard]:
        """What is new since the last call, oldest first."""
        ...

    def encoder_frames(self) -> Encoded | None:
        """What the ear's encoder made of the sound up to the end of the last decoding; None without any."""
        ...

    def look(self, after: float) -> None:
        """Listen again soon, unless it already has, or does, to more than the first `after` s.

        Without effect on an ear that hears frame by frame, and where nothing is to be heard.
        """
        ...

    def close(self) -> None:
        """Forget the user; what is at work for it is dropped."""
        ...


class Ear(Protocol):
    """A recognizer, shared by sessions.

    Attributes:
        name: as the user gave it.
    """

    name: str

    def open(self) -> EarStream:
        """An ear for one more session."""
        ...


@dataclass(frozen=True)
class ToolCall:
    """A mind's wish to have a tool called, `arguments` as it wrote them (JSON text, perhaps not valid)."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True)
class Message:
    """One message of what a mind reads.

    Attributes:
        role: whose it is; `tool` answers one call.
        text: what it says; of a tool, its result.
        calls: of an assistant's message that calls tools.
        call_id: of a tool's message: which call it answers.
    """

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    calls: tuple[ToolCall, ...] = ()
    call_id: str = ""


@dataclass(frozen=True)
class Tool:
    """Something that a mind can have done.

    Attributes:
        name, description: as the mind reads them.
        parameters: JSON schema of an object.
        function: does it; None where somebody else does (a client of `/v1/realtime`).
    """

    name: str
    description: str
    parameters: Mapping[str, Any] = field(default_factory=lambda: {"type": "object", "properties": {}})
    function: Callable[..., object] | None = None


@dataclass(frozen=True)
class Piece:
    """What a mind hands on.

    Attributes:
        kind: a clause to say, a tool to call, the thought's regular end, or its failure. The last two end it.
        text: of a clause, as it can be spoken; of a fault, one line for the log.
        written: of a clause, as the mind wrote it, for the history and the screen.
        call: of a tool.
    """

    kind: Literal["clause", "tool", "done", "fault"]
    text: str = ""
    written: str = ""
    call: ToolCall | None = None


class Thought(Protocol):
    """An answer in the making."""

    def pieces(self) -> list[Piece]:
        """What is new since the last call, in order."""
        ...

    def cancel(self) -> None:
        """Stop thinking; no piece comes any more, and the mind keeps nothing of it."""
        ...


class Mind(Protocol):
    """A language model, shared by sessions.

    Attributes:
        name: as the user gave it.
        leaves: whether what it reads leaves this machine.
    """

    name: str
    leaves: bool

    def prepare(self, messages: Sequence[Message], tools: Sequence[Tool]) -> None:
        """Read what every conversation begins with, ahead of the first: instructions and tools."""
        ...

    def think(self, messages: Sequence[Message], tools: Sequence[Tool]) -> Thought:
        """Begin an answer to the messages."""
        ...


@dataclass(frozen=True)
class Voiced:
    """The sound of a clause so far.

    Attributes:
        samples: float32 `[T]` at 24 kHz; later ones begin with the same samples.
        words: the clause's words whose times are known, seconds within `samples`.
        done: nothing more comes.
        fault: why it is over early or silent, for the log.
    """

    samples: Samples
    words: tuple[HeardWord, ...]
    done: bool
    fault: str = ""


class Voicing(Protocol):
    """A clause on its way to sound."""

    def audio(self) -> Voiced | None:
        """All of it so far; None before the first sample."""
        ...

    def cancel(self) -> None:
        """Make no more of it."""
        ...


class Mouth(Protocol):
    """A voice, shared by sessions.

    Attributes:
        name: as the user gave it.
        paced: it heeds `speed`.
    """

    name: str
    paced: bool

    def say(self, clause: str, speed: float = 1.0) -> Voicing:
        """Begin to speak a clause, at so many times the usual speed; of several, the earlier are made first."""
        ...

    def nods(self) -> Mapping[str, Voiced]:
        """Short signs of listening in this voice, made ahead, by their text ("mhm"); empty while none is ready."""
        ...

"""One answer in the making: a thought's clauses go to the mouth as they come, its calls to the tools and back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from .parts import Message, Mind, Mouth, Piece, Thought, Tool, ToolCall
from .playout import Playout

AHEAD = 3  # clauses that the mouth makes ahead
ROUNDS = 5  # times that a mind may call tools for one answer
SORRY = "I am sorry, I cannot think just now."
Tell = Callable[[str, str], None]  # an event's kind and text


class CalledTool(Protocol):
    """A tool at work."""

    def result(self) -> str | None:
        """What it gave, as text; None while it works."""


class Tools(Protocol):
    """The tools that a mind may call."""

    @property
    def tools(self) -> Sequence[Tool]:
        """As the mind reads them."""

    def call(self, call: ToolCall) -> CalledTool:
        """Set a tool to work; returns at once."""


@dataclass
class Answer:
    """An answer to `words`; `pump` moves it on once a frame."""

    words: str
    mind: Mind
    mouth: Mouth
    tools: Tools
    messages: tuple[Message, ...]
    tell: Tell
    playout: Playout = field(default_factory=Playout)
    thought: Thought | None = None
    made: list[Message] = field(default_factory=list)  # calls and results, for the history
    speed: float = 1.0  # of the voice, times the usual one
    aloud: bool = True  # False: the clauses are written, not voiced
    most_words: int | None = None  # beyond which the answer breaks off
    clients: frozenset[str] = frozenset()  # names of tools that the client calls itself
    client_calls: list[ToolCall] = field(default_factory=list)  # that the client is to answer after this turn
    over: bool = False  # nothing more will be thought
    cut: bool = False  # it broke off
    failed: bool = False
    _clauses: deque[Piece] = field(default_factory=deque)  # not yet with the mouth
    _runs: list[tuple[ToolCall, CalledTool]] = field(default_factory=list)
    _rounds: int = 0
    _words: int = 0

    def begin(self) -> None:
        """Begin to think."""
        self.thought = self.mind.think(self.messages, self.tools.tools)

    def say(self, text: str) -> None:
        """Say this without a mind."""
        self._clauses.append(Piece("clause", text, text))
        self.over = True

    def pump(self) -> None:
        """Take what is new of the thought and of the tools, and keep the mouth busy."""
        for piece in self.thought.pieces() if self.thought is not None else ():
            self._take(piece)
        if self.thought is None and self._runs and all(run.result() is not None for _, run in self._runs):
            self._think_on()
        while self.aloud and self._clauses and self.playout.waiting < AHEAD:
            clause = self._clauses.popleft()
            self.playout.add(self.mouth.say(clause.text, self.speed), clause.written or clause.text)
        for fault in self.playout.faults:
            self.tell("fault", fault)
        self.playout.faults.clear()

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to voice, now and later."""
        return self.over and not self._clauses and not self.playout.waiting

    @property
    def ready(self) -> bool:
        """Whether there is something to begin with."""
        called = self.over and bool(self.client_calls)
        return self.playout.ready or called or (not self.aloud and bool(self._clauses))

    def written(self) -> list[str]:
        """Of an answer that is not voiced: what is new of it."""
        found = [] if self.aloud else [clause.written or clause.text for clause in self._clauses]
        self._clauses = self._clauses if self.aloud else deque()
        return found

    def cancel(self) -> None:
        """Think and make no more."""
        if self.thought is not None:
            self.thought.cancel()
        self.thought, self.over = None, True
        self._clauses.clear()
        self._runs.clear()
        self.playout.clear()

    def _take(self, piece: Piece) -> None:
        if piece.kind == "clause":
            self._clauses.append(piece)
            self._words += len(piece.text.split())
            if self.most_words is not None and self._words >= self.most_words and self.thought is not None:
                self.thought.cancel()
                self.thought, self.over, self.cut = None, True, True
        elif piece.kind == "tool" and piece.call is not None and piece.call.name in self.clients:
            self.client_calls.append(piece.call)
        elif piece.kind == "tool" and piece.call is not None:
            self.tell("tool", f"{piece.call.name}({piece.call.arguments})")
            self._runs.append((piece.call, self.tools.call(piece.call)))
        else:
            self.thought = None
            self.over = not self._runs or piece.kind == "fault"
            if piece.kind == "fault":
                self.tell("fault", piece.text)
                self.failed = True
                self._clauses.append(Piece("clause", SORRY, SORRY))

    def _think_on(self) -> None:
        """All tools have answered: the mind goes on with what they said."""
        calls = tuple(call for call, _ in self._runs)
        results = [Message("tool", run.result() or "", call_id=call.id) for call, run in self._runs]
        for (call, _), result in zip(self._runs, results, strict=True):
            self.tell("tool", f"{call.name}: {result.text}")
        self._runs.clear()
        self._rounds += 1
        self.made += [Message("assistant", "", calls), *results]
        tools = self.tools.tools if self._rounds < ROUNDS else ()
        self.thought = self.mind.think((*self.messages, *self.made), tools)

"""A mind on any chat model: its reasoning kept to itself, its answer cut into clauses that can be spoken.

One lane, as many threads as the model can think at once. A thought that is cancelled stops the model; a model that is
dead, slow or makes no sense ends its thought with a fault, and never waits for ever.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from synth.script.models.reasoning import ReasoningFilter

from ..parts import Message, Piece, Tool
from ..work import Executor, Job, Lane
from .chat_stream import CallParts, ChatStream, MindError
from .clauses import ClauseCutter
from .spoken import spoken
from .trim import fit

MOST_TOKENS = 400  # of an answer, reasoning included, unless more are given
PROBE_TOKENS = 200  # of the answer nobody hears
_PROBE = Message("user", "Say: hello.")


@dataclass(frozen=True)
class Manner:
    """How a mind is asked: tokens of an answer, the language it is spoken in."""

    most_tokens: int = MOST_TOKENS
    language: str = "en"


class ThinkingMind:
    """A mind on a chat model.

    Args:
        model: the model.
        executor: gives the lane `mind`.
        manner: how it is asked.
    """

    def __init__(self, model: ChatStream, executor: Executor, manner: Manner | None = None) -> None:
        self.name, self.leaves = model.name, model.leaves
        self._model, self._manner = model, manner or Manner()
        self._lane = executor.lane("mind", model.at_once)
        self._probe: _Thought | None = None

    def prepare(self, messages: Sequence[Message], tools: Sequence[Tool]) -> None:
        """See `Mind.prepare`: an answer that nobody hears makes the model load, and read what all talks begin with."""
        probe = [message for message in messages if message.role == "system"]
        self._probe = _Thought(self._model, Manner(PROBE_TOKENS, self._manner.language))
        self._probe.begin(self._lane, [*probe, _PROBE], tools)

    def think(self, messages: Sequence[Message], tools: Sequence[Tool]) -> _Thought:
        """See `Mind.think`."""
        if self._probe is not None:
            self._probe.cancel()  # what it has read is kept, and no user waits for the rest
            self._probe = None
        thought = _Thought(self._model, self._manner)
        room = self._model.context - self._manner.most_tokens
        thought.begin(self._lane, fit(messages, tools, room), tools)
        return thought


class _Thought:
    """See `Thought`."""

    def __init__(self, model: ChatStream, manner: Manner) -> None:
        self._model, self._manner = model, manner
        self._pieces: deque[Piece] = deque()
        self._cancelled = threading.Event()
        self._job: Job | None = None

    def begin(self, lane: Lane, messages: Sequence[Message], tools: Sequence[Tool]) -> None:
        """Queue the work."""
        self._job = lane.submit(self._work(messages, tools), self._failed)
        if self._job is None:
            self._pieces.append(Piece("fault", f"{self._model.name} is behind: too many thoughts wait for it"))

    def pieces(self) -> list[Piece]:
        """See `Thought.pieces`."""
        pieces = []
        while self._pieces and not self._cancelled.is_set():
            pieces.append(self._pieces.popleft())
        return pieces

    def cancel(self) -> None:
        """See `Thought.cancel`."""
        self._cancelled.set()
        if self._job is not None:
            self._job.cancel()

    def _failed(self, error: Exception) -> None:
        reason = " ".join(str(error).split())[:300] or type(error).__name__
        self._pieces.append(Piece("fault", f"{self._model.name}: {reason}"))

    def _work(self, messages: Sequence[Message], tools: Sequence[Tool]) -> Iterator[None]:
        reasoning = ReasoningFilter(inside=self._model.opens_thought)
        cutter, calls, finish, said = ClauseCutter(), CallParts(), "", False
        answer = self._model.stream(messages, tools, self._manner.most_tokens, self._cancelled.is_set)
        fault = ""
        try:
            for delta in answer:
                recalled = reasoning.recalled
                text = reasoning.feed(delta.text)
                if reasoning.recalled > recalled:  # what was said so far was a thought that had not shown itself
                    self._recall()
                    cutter = ClauseCutter()
                for clause in cutter.feed(text):
                    said |= self._hand_on(clause)
                calls.take(delta.calls)
                finish = delta.finish or finish
                yield
        except MindError as error:
            fault = str(error)
        finally:
            if close := getattr(answer, "close", None):
                close()
        if self._cancelled.is_set():
            return
        for clause in (*cutter.feed(reasoning.finish()), cutter.finish()):
            said |= self._hand_on(clause)
        wanted = [] if fault else calls.whole()
        self._pieces.extend(Piece("tool", call=call) for call in wanted)
        if not fault and not said and not wanted:
            fault = "it thought and did not answer" if finish == "length" else "it answered nothing"
        self._pieces.append(Piece("fault", f"{self._model.name}: {fault}") if fault else Piece("done"))

    def _recall(self) -> None:
        """The model begins inside a thought: forget what is not handed on yet, and know it from now on."""
        self._model.opens_thought = True
        self._pieces.clear()

    def _hand_on(self, clause: str) -> bool:
        """A clause as a piece, if there is anything to say in it."""
        text = spoken(clause, self._manner.language) if clause.strip() else ""
        if text:
            self._pieces.append(Piece("clause", text, clause))
        return bool(text)

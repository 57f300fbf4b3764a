"""Who may talk: seats, a queue, limits, and sessions kept for clients whose line broke. Time is injected.

The scheduler has an admission. It calls `settle` before every step, opens and closes what `Entry.slot` says, and hands
over `Entry.controls` and `Entry.wishes`, which are only what a client asked for since the last step.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from .controls import Controls
from .history import PastSessions, Picture
from .session import Clock, Session
from .ticket import Ticket, TicketState
from .wishes import EndTurn, Respond, ToolResult, Wish, Write

IN_ORDER = (EndTurn, Respond, ToolResult, Write)  # wishes that come after the sound that was sent before them
MOST_WISHES = 256  # of one client between two frames
RECENT = 0.2  # weight of the newest measurement in running means


class QueueFullError(ValueError):
    """Nobody more can wait; the message says so."""


@dataclass
class Entry:
    """A ticket with what the scheduler needs beyond it."""

    ticket: Ticket
    controls: Controls | None  # asked for and not handed over yet
    fills: bool = False  # silence is heard where the client sends nothing
    wishes: list[tuple[int, Wish]] = field(default_factory=list)  # not handed over yet, each after so many frames
    slot: int | None = None  # at the partner
    kept: Any = None  # a suspended conversation, as the partner gave it
    since: float = 0.0  # clock when suspended


@dataclass(frozen=True)
class SessionLimits:
    """Of an admission."""

    sessions: int  # conversations at once
    queue: int = 16  # clients that may wait, not counting those that come back
    idle_s: float = 300.0  # without the user speaking, after which a session ends
    total_s: float = 3600.0  # after which a session ends
    resume_s: float = 60.0  # for which a session whose line broke is kept; at most `sessions` are
    lag_ms: float = 400.0  # bound of the lag, see `agent.live.session`

    def __post_init__(self) -> None:
        if self.sessions < 1:
            raise ValueError(f"max_sessions must be at least 1, got {self.sessions}")
        if self.queue < 0 or min(self.idle_s, self.total_s) <= 0 or self.resume_s < 0:
            raise ValueError("queue_limit and resume_limit must not be negative, idle_limit and total_limit above 0")


class Admission:
    """Seats, and those who have, await or keep one. Any thread may call; nothing here computes or waits."""

    def __init__(
        self, limits: SessionLimits, clock: Clock, new_token: Callable[[], str] = secrets.token_urlsafe
    ) -> None:
        """Start with nobody; `new_token` makes resume tokens."""
        self.limits = limits
        self.wake: Callable[[], None] = lambda: None  # called when there is something to do
        self._clock, self._new_token = clock, new_token
        self._lock = threading.RLock()
        self._entries: dict[str, Entry] = {}  # by token, in order of admission; ended ones until their slot is free
        self._queue: list[Entry] = []
        self._history = PastSessions()

    # ---- for clients

    def admit(
        self, controls: Controls | None = None, on_change: Callable[[], None] | None = None, fills: bool = False
    ) -> Ticket:
        """Let a client in or have it wait; see `Session` for `fills`. A full queue raises QueueFullError."""
        with self._lock:
            if self._seats() < 1 and len(self._queue) >= self.limits.queue:
                self._history.refused += 1
                raise QueueFullError(f"all {self.limits.sessions} sessions are taken and the queue is full: try later")
            ticket = Ticket(self._new_token(), on_change=on_change)
            entry = Entry(ticket, controls or Controls(), fills)
            self._entries[ticket.token] = entry
            self._queue.append(entry)
            self._history.admitted += 1
            self._grant()
            return ticket

    def release(self, ticket: Ticket, reason: str = "released") -> None:
        """End a client's session or waiting; again is fine."""
        with self._lock:
            self._end(self._entries.get(ticket.token), reason)
            self._grant()

    def drop(self, ticket: Ticket) -> None:
        """The client's line broke: keep its session for a while, its seat is free. One that had none leaves."""
        with self._lock:
            entry = self._entries.get(ticket.token)
            if entry is None or entry.ticket.session is None or not self.limits.resume_s:
                self._end(entry, "left")
            elif entry.ticket.state in (TicketState.GRANTED, TicketState.WAITING):
                if entry in self._queue:
                    self._queue.remove(entry)
                entry.since = self._clock()
                self._move(entry, TicketState.SUSPENDED)
                kept = [each for each in self._entries.values() if each.ticket.state is TicketState.SUSPENDED]
                if len(kept) > self.limits.sessions:
                    self._end(min(kept, key=lambda each: each.since), "expired")
            self._grant()

    def resume(self, token: str, on_change: Callable[[], None] | None = None) -> Ticket:
        """Go on with a session, at once or first in the queue. Tokens of no living session raise ValueError."""
        with self._lock:
            entry = self._entries.get(token)
            if entry is None or entry.ticket.state is TicketState.ENDED:
                raise ValueError("there is no session to resume: it ended, or was away for too long")
            ticket, before = entry.ticket, entry.ticket.on_change
            ticket.line, ticket.on_change = ticket.line + 1, on_change
            if before is not None:
                before()
            if ticket.session is not None:
                ticket.session.restart_clock()
            if ticket.state is TicketState.SUSPENDED:
                self._queue.insert(0, entry)
                self._move(entry, TicketState.WAITING)
            self._grant()
            return ticket

    def set_controls(self, ticket: Ticket, controls: Controls) -> None:
        """Change a client's controls from its next frame on."""
        with self._lock:
            entry = self._entries.get(ticket.token)
            if entry is not None:
                entry.controls = controls

    def ask(self, ticket: Ticket, wish: Wish) -> None:
        """Hand over a wish that the partner's `check` let pass: at once, or behind the sound that was sent before it.

        Too many at a time raise ValueError.
        """
        with self._lock:
            entry = self._entries.get(ticket.token)
            if entry is None:
                return
            if len(entry.wishes) >= MOST_WISHES:
                raise ValueError("too many requests at once: wait for the answers")
            session = ticket.session
            behind = 0 if session is None or not isinstance(wish, IN_ORDER) else session.counters.frames_in
            entry.wishes.append((behind, wish))
            if session is not None and isinstance(wish, (EndTurn, Respond)):
                session.turn_over()
            self.wake()

    def shut_down(self) -> None:
        """End everybody, reason "shutdown"."""
        with self._lock:
            self._queue.clear()
            for entry in list(self._entries.values()):
                self._end(entry, "shutdown")

    # ---- for the scheduler

    def settle(self) -> list[Entry]:
        """Enforce the limits and give free seats away; all who are there."""
        with self._lock:
            self._enforce()
            self._grant()
            return list(self._entries.values())

    def asked(self, entry: Entry) -> tuple[Controls | None, list[Wish]]:
        """What a client asked for since the last call."""
        with self._lock:
            done = 0 if entry.ticket.session is None else entry.ticket.session.frames_done
            controls, due = entry.controls, [wish for behind, wish in entry.wishes if behind <= done]
            entry.controls, entry.wishes = None, [each for each in entry.wishes if each[0] > done]
            return controls, due

    def freed(self, entry: Entry) -> None:
        """The slot of an entry that has no seat any more is closed."""
        with self._lock:
            entry.slot = None
            if entry.ticket.state is TicketState.ENDED:
                self._entries.pop(entry.ticket.token, None)

    def fail(self, entry: Entry) -> None:
        """A conversation's step failed: it ends."""
        with self._lock:
            self._end(entry, "error")

    @property
    def filling(self) -> bool:
        """Whether silence may have to be heard for somebody."""
        with self._lock:
            return any(each.fills and each.ticket.state is TicketState.GRANTED for each in self._entries.values())

    def picture(self) -> Picture:
        """Who is where, and sums since the start."""
        with self._lock:
            tickets = [entry.ticket for entry in self._entries.values()]
            total = self._history.counters
            for ticket in tickets:
                if ticket.session is not None and ticket.state is not TicketState.ENDED:
                    total = total.plus(ticket.session.counters)
            talking = [each.session for each in tickets if each.state is TicketState.GRANTED]
            suspended = sum(each.state is TicketState.SUSPENDED for each in tickets)
            history = replace(self._history, counters=total, ended=dict(self._history.ended))
            return Picture([each for each in talking if each is not None], len(self._queue), suspended, history)

    # ---- inside, with the lock held

    def _seats(self) -> int:
        granted = sum(entry.ticket.state is TicketState.GRANTED for entry in self._entries.values())
        return self.limits.sessions - granted

    def _move(self, entry: Entry, state: TicketState) -> None:
        entry.ticket.move(state)
        self.wake()

    def _end(self, entry: Entry | None, reason: str) -> None:
        if entry is None or entry.ticket.state is TicketState.ENDED:
            return
        ticket, history = entry.ticket, self._history
        if entry in self._queue:
            self._queue.remove(entry)
        if ticket.session is not None:
            history.counters = history.counters.plus(ticket.session.counters)
            history.length_s += RECENT * (ticket.session.total_s - history.length_s)
        history.ended[reason] = history.ended.get(reason, 0) + 1
        ticket.reason, ticket.position, ticket.wait_s = reason, 0, 0.0
        entry.kept = None
        if entry.slot is None:
            del self._entries[ticket.token]
        self._move(entry, TicketState.ENDED)

    def _grant(self) -> None:
        """Seats to those who wait longest; everybody's place anew."""
        while self._queue and self._seats() > 0:
            entry = self._queue.pop(0)
            ticket = entry.ticket
            ticket.position, ticket.wait_s = 0, 0.0
            if ticket.session is None:
                ticket.session = Session(
                    ticket.token[:8], self._clock, self.limits.lag_ms, lambda: self.wake(), entry.fills
                )
            self._move(entry, TicketState.GRANTED)
        for place, entry in enumerate(self._queue, start=1):
            wait_s = place * min(self._history.length_s, self.limits.total_s) / self.limits.sessions
            entry.ticket.wait_s = wait_s
            if entry.ticket.position != place:
                entry.ticket.position = place
                entry.ticket.tell()

    def _enforce(self) -> None:
        for entry in list(self._entries.values()):
            ticket = entry.ticket
            if ticket.state is TicketState.GRANTED and ticket.session is not None:
                if ticket.session.total_s > self.limits.total_s:
                    self._end(entry, "total")
                elif ticket.session.idle_s > self.limits.idle_s:
                    self._end(entry, "idle")
            elif ticket.state is TicketState.SUSPENDED and self._clock() - entry.since > self.limits.resume_s:
                self._end(entry, "expired")

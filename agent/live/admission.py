"""Who may talk: admission, a queue, limits, and sessions kept for clients whose line broke. Time is injected."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from .batch import SessionState
from .controls import Controls
from .session import Clock, Counters, Session

Status = Literal["waiting", "granted", "suspended", "ended"]
GUESSED_SESSION_S = 120.0  # length of a conversation until some have ended
RECENT = 0.2  # weight of the newest measurement in running means


class QueueFullError(ValueError):
    """Nobody more can wait; the message says so."""


@dataclass
class Ticket:
    """A client's place: what it is told. The scheduler alone changes it, and calls `on_change` after it did."""

    token: str  # resumes the session; a secret of the client
    status: Status = "waiting"
    session: Session | None = None  # from being granted on
    position: int = 0  # in the queue, 1 is next; 0 when not waiting
    wait_s: float = 0.0  # guessed, till granted
    reason: str = ""  # why it ended: released, idle, total, expired, left, error, shutdown
    line: int = 0  # grows when a client resumes: a line that remembers a smaller number has been replaced
    on_change: Callable[[], None] | None = None  # news: frames to pull, or another status; from any thread


@dataclass
class Entry:
    """A ticket with what the scheduler knows beyond it."""

    ticket: Ticket
    controls: Controls
    applied: Controls | None = None  # what the batch has
    slot: int | None = None
    state: SessionState | None = None  # of a suspended session
    since: float = 0.0  # clock when suspended


@dataclass
class History:
    """Sums over sessions that are no more."""

    counters: Counters = field(default_factory=Counters)
    admitted: int = 0
    refused: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    length_s: float = GUESSED_SESSION_S


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
        self.limits, self.clock = limits, clock
        self.wake: Callable[[], None] = lambda: None  # called when there is something to do
        self._new_token = new_token
        self._lock = threading.RLock()
        self._entries: dict[str, Entry] = {}  # by token, in order of admission; ended ones until their slot is free
        self._queue: list[Entry] = []
        self._history = History()

    def admit(self, controls: Controls | None = None, on_change: Callable[[], None] | None = None) -> Ticket:
        """Let a client in or have it wait. A full queue raises QueueFullError."""
        with self._lock:
            if self._seats() < 1 and len(self._queue) >= self.limits.queue:
                self._history.refused += 1
                raise QueueFullError(f"all {self.limits.sessions} sessions are taken and the queue is full: try later")
            ticket = Ticket(self._new_token(), on_change=on_change)
            entry = Entry(ticket, controls or Controls())
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
            elif entry.ticket.status in ("granted", "waiting"):
                if entry in self._queue:
                    self._queue.remove(entry)
                entry.since = self.clock()
                self._set(entry, "suspended")
                kept = [each for each in self._entries.values() if each.ticket.status == "suspended"]
                if len(kept) > self.limits.sessions:
                    self._end(min(kept, key=lambda each: each.since), "expired")
            self._grant()

    def resume(self, token: str, on_change: Callable[[], None] | None = None) -> Ticket:
        """Go on with a session, at once or first in the queue. Tokens of no living session raise ValueError."""
        with self._lock:
            entry = self._entries.get(token)
            if entry is None or entry.ticket.status == "ended":
                raise ValueError("there is no session to resume: it ended, or was away for too long")
            ticket, before = entry.ticket, entry.ticket.on_change
            ticket.line, ticket.on_change = ticket.line + 1, on_change
            if before is not None:
                before()
            if ticket.session is not None:
                ticket.session.restart_clock()
            if ticket.status == "suspended":
                self._queue.insert(0, entry)
                self._set(entry, "waiting")
            self._grant()
            return ticket

    def set_controls(self, ticket: Ticket, controls: Controls) -> None:
        """Change a client's controls from its next frame on."""
        with self._lock:
            entry = self._entries.get(ticket.token)
            if entry is not None:
                entry.controls = controls

    def shut_down(self) -> None:
        """End everybody, reason "shutdown"."""
        with self._lock:
            self._queue.clear()
            for entry in list(self._entries.values()):
                self._end(entry, "shutdown")

    def _seats(self) -> int:
        return self.limits.sessions - sum(entry.ticket.status == "granted" for entry in self._entries.values())

    def _set(self, entry: Entry, status: Status) -> None:
        entry.ticket.status = status
        self._tell(entry)
        self.wake()

    def _tell(self, entry: Entry) -> None:
        if entry.ticket.on_change is not None:
            entry.ticket.on_change()

    def _end(self, entry: Entry | None, reason: str) -> None:
        if entry is None or entry.ticket.status == "ended":
            return
        ticket, history = entry.ticket, self._history
        if entry in self._queue:
            self._queue.remove(entry)
        if ticket.session is not None:
            history.counters = history.counters.plus(ticket.session.counters)
            history.length_s += RECENT * (ticket.session.total_s - history.length_s)
        history.ended[reason] = history.ended.get(reason, 0) + 1
        ticket.reason, ticket.position, ticket.wait_s = reason, 0, 0.0
        entry.state = None
        if entry.slot is None:
            del self._entries[ticket.token]
        self._set(entry, "ended")

    def _grant(self) -> None:
        """Seats to those who wait longest; everybody's place anew."""
        while self._queue and self._seats() > 0:
            entry = self._queue.pop(0)
            ticket = entry.ticket
            ticket.position, ticket.wait_s = 0, 0.0
            if ticket.session is None:
                ticket.session = Session(ticket.token[:8], self.clock, self.limits.lag_ms, on_frame=lambda: self.wake())
            self._set(entry, "granted")
        for place, entry in enumerate(self._queue, start=1):
            wait_s = place * min(self._history.length_s, self.limits.total_s) / self.limits.sessions
            entry.ticket.wait_s = wait_s
            if entry.ticket.position != place:
                entry.ticket.position = place
                self._tell(entry)

    def _enforce(self) -> None:
        for entry in list(self._entries.values()):
            ticket = entry.ticket
            if ticket.status == "granted" and ticket.session is not None:
                if ticket.session.total_s > self.limits.total_s:
                    self._end(entry, "total")
                elif ticket.session.idle_s > self.limits.idle_s:
                    self._end(entry, "idle")
            elif ticket.status == "suspended" and self.clock() - entry.since > self.limits.resume_s:
                self._end(entry, "expired")

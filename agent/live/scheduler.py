"""Who may talk and whose turn it is: admission, a queue, limits, resumption, and one deterministic `tick` for all.

    scheduler = Scheduler(batch, clock, max_sessions=4)
    ticket = scheduler.admit(Controls())         # ticket.session, or ticket.position and ticket.wait_s in the queue
    ticket.session.push(pcm)
    scheduler.tick()                             # computes a frame for every session that has one
    for out in ticket.session.pull(): ...

`tick` alone touches the batch, so only one thread may call it; everything else returns at once and may be called from
any thread, such as an event loop's. `runner` runs the ticks in a thread of their own. Nothing here sleeps, and
time is the injected clock's.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from corpus.audio import Samples

from .admission import Admission, Entry, QueueFullError, SessionLimits, Ticket
from .batch import Batch
from .frame_out import FrameOut
from .metrics import FrameTimes, Metrics
from .session import Clock

__all__ = ["QueueFullError", "Scheduler", "Ticket"]
RECENT = 0.2  # weight of the newest measurement in the running mean
log = logging.getLogger("agent.live.scheduler")


class Scheduler(Admission):
    """Shares a batch among clients."""

    def __init__(
        self,
        batch: Batch,
        clock: Clock,
        max_sessions: int | None = None,
        queue_limit: int = 16,
        idle_limit: float = 300.0,
        total_limit: float = 3600.0,
        resume_limit: float = 60.0,
        bound_ms: float = 400.0,
        new_token: Callable[[], str] = secrets.token_urlsafe,
    ) -> None:
        """Start with nobody.

        Args:
            batch: of at least `max_sessions` slots; nobody else may use it.
            clock: seconds, injected.
            max_sessions: conversations at once; the batch's slots if None.
            queue_limit: clients that may wait, not counting those that come back.
            idle_limit: seconds without the user speaking after which a session ends.
            total_limit: seconds after which a session ends.
            resume_limit: seconds for which a session whose line dropped is kept; at most `max_sessions` are.
            bound_ms: lag of a session, see `agent.live.session`.
            new_token: makes resume tokens.
        """
        sessions = batch.slots if max_sessions is None else max_sessions
        if sessions > batch.slots:
            raise ValueError(f"max_sessions must lie in 1..{batch.slots}, the batch's slots, got {sessions}")
        limits = SessionLimits(sessions, queue_limit, idle_limit, total_limit, resume_limit, bound_ms)
        super().__init__(limits, clock, new_token)
        self.batch = batch
        self.pace_ms = 0.0  # expected time of a step
        self._times = FrameTimes()

    @property
    def max_sessions(self) -> int:
        """Conversations at once."""
        return self.limits.sessions

    def tick(self) -> int:
        """Enforce the limits, then compute one frame for every session that has one; returns how many had."""
        with self._lock:
            self._enforce()
            self._grant()
            entries = list(self._entries.values())
        self._reconcile(entries)
        frames, turns = {}, {}
        for entry in entries:
            session = entry.ticket.session
            if entry.slot is None or session is None or entry.ticket.status != "granted":
                continue
            samples = session.take(self.pace_ms)
            if samples is not None:
                frames[entry.slot], turns[entry.slot] = samples, entry
        if not frames:
            return 0
        began = self.clock()
        outs, failed = self._step(frames)
        took = 1e3 * (self.clock() - began)
        self.pace_ms = max(took, RECENT * took + (1 - RECENT) * self.pace_ms)
        self._times.add(took)
        for slot, out in outs.items():
            self._deliver(turns[slot], out)
        for slot, reason in failed.items():
            with self._lock:
                self._end(turns[slot], reason)
        return len(frames)

    def metrics(self) -> Metrics:
        """A picture of now, and sums since the start."""
        with self._lock:
            entries, history = list(self._entries.values()), self._history
            sessions = [entry.ticket.session for entry in entries if entry.ticket.status == "granted"]
            kept = [entry.ticket.session for entry in entries if entry.ticket.status in ("suspended", "waiting")]
            total = history.counters
            for session in (*sessions, *kept):
                total = total if session is None else total.plus(session.counters)
            lags = {session.id: session.lag_ms for session in sessions if session is not None}
            delays = {session.id: session.delay_ms for session in sessions if session is not None}
            suspended = sum(entry.ticket.status == "suspended" for entry in entries)
            return Metrics(
                len(sessions),
                len(self._queue),
                suspended,
                history.admitted,
                history.refused,
                dict(history.ended),
                total,
                lags,
                delays,
                self.pace_ms,
                self._times.picture(),
            )

    def _reconcile(self, entries: list[Entry]) -> None:
        """Give the batch the sessions it should have; slots are freed before others are opened."""
        for entry in entries:
            if entry.slot is None or entry.ticket.status == "granted":
                continue
            if entry.ticket.status != "ended":
                entry.state = self.batch.snapshot(entry.slot)
            self.batch.close(entry.slot)
            entry.slot = None
            with self._lock:
                if entry.ticket.status == "ended":
                    self._entries.pop(entry.ticket.token, None)
        for entry in entries:
            if entry.ticket.status != "granted":
                continue
            if entry.slot is None:
                opened = entry.state is None
                entry.slot = self.batch.open(entry.controls) if entry.state is None else self.batch.restore(entry.state)
                entry.state, entry.applied = None, entry.controls if opened else None
            if entry.applied is not entry.controls:
                entry.applied = entry.controls
                self.batch.set_controls(entry.slot, entry.applied)

    def _step(self, frames: dict[int, Samples]) -> tuple[dict[int, FrameOut], dict[int, str]]:
        """Answers by slot, and what went wrong by slot; one conversation's failure leaves the others whole."""
        try:
            return self.batch.step(frames), {}
        except Exception:
            log.exception("a step of %d sessions failed; trying each alone", len(frames))
        outs: dict[int, FrameOut] = {}
        failed = {}
        for slot, samples in frames.items():
            try:
                outs |= self.batch.step({slot: samples})
            except Exception:
                log.exception("slot %d failed", slot)
                failed[slot] = "error"
        return outs, failed

    def _deliver(self, entry: Entry, out: FrameOut) -> None:
        if entry.ticket.session is not None:
            entry.ticket.session.put(out)
            self._tell(entry)

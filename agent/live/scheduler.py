"""Whose turn it is: one deterministic `tick` for all conversations of a partner.

    scheduler = Scheduler(partner, clock, max_sessions=4)
    ticket = scheduler.admission.admit(Controls())   # ticket.session, or ticket.position and ticket.wait_s in the queue
    ticket.session.push(pcm)
    scheduler.tick()                                 # computes a frame for every session that has one
    for out in ticket.session.pull(): ...

`tick` alone touches the partner, so only one thread may call it; the admission's calls return at once and may come from
any thread, such as an event loop's. `runner` runs the ticks in a thread of their own. Nothing here sleeps, and
time is the injected clock's.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from corpus.audio import Samples

from .admission import Admission, Entry, SessionLimits
from .frame_out import FrameOut
from .metrics import Metrics, StepHistogram, expected_ms
from .partner import Partner
from .session import Clock
from .ticket import TicketState

HOUSEKEEPING_S = 0.25  # limits are looked at this often when no sound comes
SILENCE_S = 0.02
log = logging.getLogger("agent.live.scheduler")


class Scheduler:
    """Shares a partner among clients."""

    def __init__(
        self,
        partner: Partner,
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
            partner: of at least `max_sessions` slots; nobody else may use it.
            clock: seconds, injected.
            max_sessions: conversations at once; the partner's slots if None.
            queue_limit: clients that may wait, not counting those that come back.
            idle_limit: seconds without the user speaking after which a session ends.
            total_limit: seconds after which a session ends.
            resume_limit: seconds for which a session whose line dropped is kept; at most `max_sessions` are.
            bound_ms: lag of a session, see `agent.live.session`.
            new_token: makes resume tokens.
        """
        sessions = partner.slots if max_sessions is None else max_sessions
        if sessions > partner.slots:
            raise ValueError(f"max_sessions must lie in 1..{partner.slots}, the batch's slots, got {sessions}")
        limits = SessionLimits(sessions, queue_limit, idle_limit, total_limit, resume_limit, bound_ms)
        self.partner, self.clock = partner, clock
        self.admission = Admission(limits, clock, new_token)
        self.pace_ms = 0.0  # expected time of a step
        self._times = StepHistogram()
        self._moved = 0  # slots that had a frame, summed over all steps

    def tick(self) -> int:
        """Enforce the limits, then compute one frame for every session that has one; returns how many had."""
        entries = self.admission.settle()
        self._reconcile(entries)
        frames, turns = {}, {}
        for entry in entries:
            session = entry.ticket.session
            if entry.slot is None or session is None or entry.ticket.state is not TicketState.GRANTED:
                continue
            samples = session.take(self.pace_ms)
            if samples is not None:
                frames[entry.slot], turns[entry.slot] = samples, entry
        if not frames:
            return 0
        began = self.clock()
        outs, failed = self._step(frames)
        took = 1e3 * (self.clock() - began)
        self.pace_ms = expected_ms(self.pace_ms, took)
        self._times.add(took)
        self._moved += len(frames)
        for slot, out in outs.items():
            ticket = turns[slot].ticket
            if ticket.session is not None:
                ticket.session.put(out)
                ticket.tell()
        for slot in failed:
            self.admission.fail(turns[slot])
        return len(frames)

    @property
    def patience_s(self) -> float:
        """Seconds after which to tick again though no sound came: there is silence to be heard, or a limit reached."""
        return SILENCE_S if self.admission.filling else HOUSEKEEPING_S

    def metrics(self) -> Metrics:
        """A picture of now, and sums since the start."""
        picture, times, slots = self.admission.picture(), self._times.picture(), self.partner.slots
        return Metrics(
            len(picture.talking),
            picture.waiting,
            picture.suspended,
            picture.history.admitted,
            picture.history.refused,
            picture.history.ended,
            picture.history.counters,
            {session.id: session.lag_ms for session in picture.talking},
            {session.id: session.delay_ms for session in picture.talking},
            self.pace_ms,
            times,
            slots,
            self._moved,
            max(0, times.count * slots - self._moved),
        )

    def _reconcile(self, entries: list[Entry]) -> None:
        """Give the partner the sessions it should have; slots are freed before others are opened."""
        for entry in entries:
            if entry.slot is not None and entry.ticket.state is not TicketState.GRANTED:
                if entry.ticket.state is not TicketState.ENDED:
                    entry.kept = self.partner.snapshot(entry.slot)
                self.partner.close(entry.slot)
                self.admission.freed(entry)
        for entry in entries:
            if entry.ticket.state is TicketState.GRANTED:
                try:
                    self._hand_over(entry)
                except Exception:
                    log.exception("a conversation could not be opened, restored or told what its client wants")
                    self.admission.fail(entry)

    def _hand_over(self, entry: Entry) -> None:
        """Open or restore a conversation, and pass on what its client asked for."""
        controls, wishes = self.admission.asked(entry)
        if entry.slot is None and entry.kept is None:
            entry.slot, controls = self.partner.open(controls), None
        elif entry.slot is None:
            entry.slot, entry.kept = self.partner.restore(entry.kept), None
        if controls is not None:
            self.partner.set_controls(entry.slot, controls)
        for wish in wishes:
            self.partner.ask(entry.slot, wish)

    def _step(self, frames: dict[int, Samples]) -> tuple[dict[int, FrameOut], list[int]]:
        """Answers by slot, and the slots that failed; one conversation's failure leaves the others whole."""
        try:
            return self.partner.step(frames), []
        except Exception:
            log.exception("a step of %d sessions failed; trying each alone", len(frames))
        outs: dict[int, FrameOut] = {}
        failed = []
        for slot, samples in frames.items():
            try:
                outs |= self.partner.step({slot: samples})
            except Exception:
                log.exception("slot %d failed", slot)
                failed.append(slot)
        return outs, failed

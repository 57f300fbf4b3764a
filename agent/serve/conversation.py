"""One client's connection: messages in through its wire to a session, answers out, until one side ends it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import WSCloseCode, WSMsgType, web

from ..live.admission import QueueFullError
from ..live.runner import AsyncSignal
from ..live.scheduler import Scheduler
from ..live.session import Session
from ..live.ticket import Ticket, TicketState
from .access import ConnectionLimits, RateLimit
from .event_log import tell
from .prometheus import Traffic
from .recording import RecordedConversation, Recorder
from .wires.wire import Ask, End, Forget, Input, Message, Opening, ServerFacts, Status, ToClient, UserSound, Wire

NEWS_OF_QUEUE_S = 5.0  # a waiting client hears at least this often; Moshi's web client gives up after 10 s
TIME_TO_SEE_S = 0.5
REASONS = {
    "idle": "the conversation ended: nobody spoke for a long time",
    "total": "the conversation ended: it reached the longest time allowed",
    "shutdown": "the server is shutting down",
    "error": "the conversation ended: the model failed",
    "expired": "the conversation ended: its line was broken for too long",
    "released": "the conversation ended",
    "left": "the conversation ended",
    "replaced": "the conversation goes on in another connection",
}
GONE = (WSCloseCode.OK, 1005, 0)  # closed on purpose, with a code or without one
MOST_EARLY = 4096  # messages of a client that has no place yet
CODES = {"shutdown": WSCloseCode.GOING_AWAY, "error": WSCloseCode.INTERNAL_ERROR}


@dataclass
class ServerState:
    """What all conversations of a server share."""

    scheduler: Scheduler
    host: ServerFacts
    limits: ConnectionLimits
    recorder: Recorder | None = None
    traffic: Traffic = field(default_factory=Traffic)


class EndedError(Exception):
    """The server ends the connection, with a reason that the client is told."""

    def __init__(self, reason: str, code: int = WSCloseCode.OK) -> None:
        super().__init__(reason)
        self.code = code


class Conversation:
    """A connection that stands; `run` is its whole life."""

    def __init__(self, house: ServerState, wire: Wire, name: str, socket: web.WebSocketResponse) -> None:
        """`name` is the wire's, for metrics and logs."""
        self.house, self.wire, self.name, self.socket = house, wire, name, socket
        self.admission = house.scheduler.admission
        self.signal = AsyncSignal(asyncio.get_running_loop())
        self.applied = wire.controls
        self.opened = False
        self.early: list[Input] = []  # asked for before there was a place
        self.frame_ms = 0.0
        self.recording: RecordedConversation | None = None

    async def run(self, resume: str) -> None:
        """Talk until an end; `resume` is the token of a session to go on with, or ""."""
        try:
            ticket = self._enter(resume)
        except ValueError as error:
            code = WSCloseCode.TRY_AGAIN_LATER if isinstance(error, QueueFullError) else WSCloseCode.POLICY_VIOLATION
            await self._part(str(error), code)
            return
        line = ticket.line
        tasks = [asyncio.create_task(self._listen(ticket)), asyncio.create_task(self._answer(ticket, line, resume))]
        try:
            done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if any(isinstance(task.exception(), OSError) for task in done):  # a send failed: see how the client left
                done, _ = await asyncio.wait(tasks, timeout=TIME_TO_SEE_S)
            await self._end(ticket, line, [task.exception() for task in done])
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if ticket.line == line:
                self.admission.drop(ticket)  # does nothing to one that ended
            if self.recording is not None:
                self.recording.close()

    def _enter(self, resume: str) -> Ticket:
        if not resume:
            return self.admission.admit(self.wire.controls, self.signal.notify, self.wire.fills_silence)
        ticket = self.admission.resume(resume, self.signal.notify)
        self.admission.set_controls(ticket, self.wire.controls)
        self.signal.notify()
        return ticket

    async def _listen(self, ticket: Ticket) -> None:
        """Take the client's messages until it leaves."""
        limits, clock = self.house.limits, time.monotonic
        pace = RateLimit(limits.messages_per_second, limits.burst_seconds, clock)
        volume = RateLimit(limits.bytes_per_second, limits.burst_seconds, clock)
        waited = 0.0  # seconds, since the client last kept to the limits
        async for message in self.socket:
            if message.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return
            wait = max(pace.take(1), volume.take(len(message.data)))
            waited = waited + wait if wait else 0.0
            if waited > limits.seconds_slowed:
                raise EndedError("too many messages, or too long ones", WSCloseCode.POLICY_VIOLATION)
            if wait:
                await asyncio.sleep(wait)
            await self._take(message.data, ticket)

    async def _take(self, message: Message, ticket: Ticket) -> None:
        try:
            inputs = self.wire.receive(message)
        except ValueError as error:
            self.house.traffic.malformed[self.name] += 1
            await self._send(self.wire.failed(error))
            return
        for item in inputs:
            await self._heed(item, ticket)
        self._apply_controls(ticket)

    async def _heed(self, item: Input, ticket: Ticket) -> None:
        if isinstance(item, ToClient):
            await self._send([item.message])
        elif isinstance(item, End):
            self.admission.release(ticket, "left")
        elif ticket.session is None or not self.opened:
            if self.wire.fills_silence and len(self.early) < MOST_EARLY:
                self.early.append(item)  # other clients send on and on: what they say without a place is not heard
        elif isinstance(item, UserSound):
            ticket.session.push(item.samples)
            if self.recording is not None:
                self.recording.hear(item.samples)
        elif isinstance(item, Forget):
            ticket.session.restart_clock()
        elif isinstance(item, Ask):
            try:
                self.house.scheduler.partner.check(item.wish)
                self.admission.ask(ticket, item.wish)
            except ValueError as error:
                await self._send(self.wire.failed(error))

    async def _answer(self, ticket: Ticket, line: int, resume: str) -> None:
        """Tell the client everything there is to tell, until the session ends."""
        self.signal.notify()
        told = (0, 0.0)
        while True:
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(
                    self.signal.wait(), NEWS_OF_QUEUE_S if ticket.state is TicketState.WAITING else None
                )
            if ticket.line != line:
                raise EndedError(REASONS["replaced"])
            if ticket.session is not None and ticket.state is not TicketState.WAITING:
                if not self.opened:
                    await self._open(ticket, ticket.session, bool(resume))
                await self._tell(ticket, ticket.session)
            if ticket.state is TicketState.ENDED:
                raise EndedError(REASONS.get(ticket.reason, ticket.reason), CODES.get(ticket.reason, WSCloseCode.OK))
            now = (ticket.position, time.monotonic())
            if ticket.state is TicketState.WAITING and (now[0] != told[0] or now[1] - told[1] >= NEWS_OF_QUEUE_S):
                told = now
                await self._send(self.wire.waiting(ticket.position, ticket.wait_s))

    async def _open(self, ticket: Ticket, session: Session, resumed: bool) -> None:
        recorder = self.house.recorder
        if recorder is not None:
            facts = {"model": self.house.host.model, "wire": self.name, "controls": vars(self.wire.controls)}
            self.recording = recorder.begin(session.id, session.bound_ms, facts)
        opening = Opening(session.id, self.house.host.model, ticket.token, resumed, recorder is not None)
        tell("session began", session=session.id, wire=self.name, resumed=resumed, recorded=opening.recorded)
        await self._send(self.wire.opened(opening))
        self.opened, early, self.early = True, self.early, []
        for item in early:
            await self._heed(item, ticket)

    async def _tell(self, ticket: Ticket, session: Session) -> None:
        heard = session.pull_events()
        for event in heard if not self.house.scheduler.partner.about.finds_turns else ():
            await self._send(self.wire.speech(event))
        for out in session.pull():
            counters = session.counters
            dropped = counters.dropped_silent + counters.dropped_speech + counters.output_dropped
            status = Status(session.lag_ms, out.ms.total, dropped)
            if self.recording is not None:
                self.recording.say(out.audio, out.text, out.user_text)
            await self._send(self.wire.frame(out, status))
        self._apply_controls(ticket)

    def _apply_controls(self, ticket: Ticket) -> None:
        if self.wire.controls != self.applied:
            self.applied = self.wire.controls
            self.admission.set_controls(ticket, self.applied)

    async def _end(self, ticket: Ticket, line: int, causes: Sequence[BaseException | None]) -> None:
        """After one of the two tasks ended: part with the client, or keep its session for its return."""
        ended = next((cause for cause in causes if isinstance(cause, EndedError)), None)
        failure = next((cause for cause in causes if cause is not None and not isinstance(cause, OSError)), None)
        session = ticket.session.id if ticket.session else "-"
        if ended is not None:
            await self._part(str(ended), ended.code)
            if ended.code == WSCloseCode.POLICY_VIOLATION and ticket.line == line:
                self.admission.release(ticket, "refused")
        elif failure is not None:
            self.admission.release(ticket, "error")
            await self._part(REASONS["error"], WSCloseCode.INTERNAL_ERROR)
            raise failure
        elif ticket.line == line and (self.socket.close_code in GONE or not self.wire.resumable):
            self.admission.release(ticket, "left")
        reason = str(ended) if ended is not None else "the client left"
        tell("connection ended", session=session, wire=self.name, reason=reason, code=self.socket.close_code)

    async def _send(self, messages: Sequence[Message]) -> None:
        for message in messages:
            if isinstance(message, bytes):
                await self.socket.send_bytes(message)
            else:
                await self.socket.send_str(message)

    async def _part(self, reason: str, code: int) -> None:
        async def farewell() -> None:
            await self._send(self.wire.closing(reason))
            await self.socket.close(code=code, message=reason.encode()[:120])

        with contextlib.suppress(OSError, asyncio.TimeoutError):
            await asyncio.wait_for(farewell(), self.house.limits.seconds_to_close)

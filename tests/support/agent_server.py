"""A real server on a free port with the tiny model, for tests that talk to it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, cast

import aiohttp
import numpy as np

from agent.assistant.partner import Assistant
from agent.live.bare import BareModel
from agent.live.batch import Batch
from agent.live.controls import Controls
from agent.live.frame_out import FrameOut, PartTimes
from agent.live.partner import Partner
from agent.live.runner import Runner
from agent.live.scheduler import Scheduler
from agent.serve.access import Access, ConnectionLimits
from agent.serve.conversation import ServerState
from agent.serve.recording import Recorder
from agent.serve.server import Server, serving
from agent.serve.wires.wire import ServerFacts
from corpus.audio import FRAME_SAMPLES, Samples

FRAME_BYTES = 2 * FRAME_SAMPLES
SILENCE = bytes(FRAME_BYTES)
CLOSED = (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.CLOSING)
FAST = ConnectionLimits(messages_per_second=1e6, bytes_per_second=1e9)


@dataclass
class Place:
    """Where a server listens."""

    server: Server
    port: int

    def url(self, path: str, scheme: str = "http") -> str:
        return f"{scheme}://127.0.0.1:{self.port}{path}"


Client = Callable[[Place, aiohttp.ClientSession], Coroutine[Any, Any, None]]


def a_server_object(
    batch: Batch | ParrotBatch | Assistant,
    token: str | None = None,
    limits: ConnectionLimits = FAST,
    recorder: Recorder | None = None,
    **settings: Any,
) -> Server:
    """A server that does not listen yet; `settings` are the scheduler's."""
    scheduler = Scheduler(as_partner(batch), time.monotonic, bound_ms=5000, **settings)
    facts = ServerFacts("tiny", scheduler.admission.limits.sessions, scheduler.partner.about)
    house = ServerState(scheduler, facts, limits, recorder)
    return Server(house, Access(token, limits), Runner(scheduler))


@asynccontextmanager
async def a_server(batch: Batch | ParrotBatch | Assistant, **settings: Any) -> AsyncIterator[Place]:
    """A server that lives as long as the block; `settings` are those of `a_server_object`."""
    server = a_server_object(batch, **settings)
    async with serving(server, "127.0.0.1", 0) as port:
        yield Place(server, port)


async def next_json(socket: aiohttp.ClientWebSocketResponse, key: str, seconds: float = 10.0) -> Any:
    """The value of the next text message that has this key; what comes before is passed over."""
    while True:
        message = await socket.receive(timeout=seconds)
        assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), f"closed: {message}"
        if message.type == aiohttp.WSMsgType.TEXT and key in (content := json.loads(message.data)):
            return content[key]


async def next_sound(socket: aiohttp.ClientWebSocketResponse, seconds: float = 10.0) -> np.ndarray[Any, Any]:
    """The next binary message as int16; what comes before is passed over."""
    while True:
        message = await socket.receive(timeout=seconds)
        assert message.type in (aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.BINARY), f"closed: {message}"
        if message.type == aiohttp.WSMsgType.BINARY:
            return np.frombuffer(message.data, "<i2")


def as_partner(batch: Batch | ParrotBatch | Assistant) -> Partner:
    """Whom the clients of a test talk to."""
    return batch if isinstance(batch, Assistant) else BareModel(cast(Batch, batch))


class ParrotBatch:
    """A batch that costs nothing: says every frame back at half the level, with a word in every fifth."""

    slots = 4

    def __init__(self, slots: int = 4) -> None:
        self.slots = slots
        self.rows: dict[int, tuple[int, Controls]] = {}  # frames so far, controls

    def open(self, controls: Controls | None = None) -> int:
        return self.restore((0, Controls()), controls or Controls())

    def close(self, slot: int) -> None:
        del self.rows[slot]

    def snapshot(self, slot: int) -> tuple[int, Controls]:
        return self.rows[slot]

    def restore(self, state: tuple[int, Controls], controls: Controls) -> int:
        slot = next(slot for slot in range(self.slots) if slot not in self.rows)
        self.rows[slot] = (state[0], controls)
        return slot

    def controls(self, slot: int) -> Controls:
        return self.rows[slot][1]

    def set_controls(self, slot: int, controls: Controls) -> None:
        self.rows[slot] = (self.rows[slot][0], controls)

    def step(self, frames: Mapping[int, Samples]) -> dict[int, FrameOut]:
        return {slot: self.answer(slot, frame) for slot, frame in frames.items()}

    def answer(self, slot: int, frame: Samples) -> FrameOut:
        count, controls = self.rows[slot]
        self.rows[slot] = (count + 1, controls)
        quiet = controls.hold
        text = "" if quiet or count % 5 else f" said{count}"
        user_text = f" heard{count}" if count % 5 == 2 else ""
        audio = np.zeros_like(frame) if quiet else frame * np.float32(0.5)
        return FrameOut(audio, text, user_text, np.array([count]), True, PartTimes(1.0, 2.0, 3.0))


class Line:
    """A network between a client and a server that can be cut."""

    def __init__(self, server_port: int) -> None:
        self.server_port = server_port
        self.writers: set[asyncio.StreamWriter] = set()

    def cut(self) -> None:
        """Every connection breaks, without a goodbye."""
        for writer in self.writers:
            writer.transport.abort()

    async def carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Both directions of one connection."""
        there, back = await asyncio.open_connection("127.0.0.1", self.server_port)
        self.writers |= {writer, back}
        with contextlib.suppress(OSError):
            await asyncio.gather(pump(reader, back), pump(there, writer))
        self.writers -= {writer, back}
        writer.close()
        back.close()


async def pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """Bytes from one side to the other, its end too."""
    while data := await source.read(65536):
        sink.write(data)
        await sink.drain()
    sink.close()


@asynccontextmanager
async def a_line(server_port: int) -> AsyncIterator[tuple[Line, int]]:
    """A line to a server, and the port at its other end."""
    line = Line(server_port)
    listener = await asyncio.start_server(line.carry, "127.0.0.1", 0)
    try:
        yield line, listener.sockets[0].getsockname()[1]
    finally:
        listener.close()
        line.cut()
        await asyncio.sleep(0)


def talk(client: Client, **settings: Any) -> None:
    """Run a client against a server."""

    async def both() -> None:
        batch = settings.pop("batch", None) or ParrotBatch()
        async with a_server(batch, **settings) as place, aiohttp.ClientSession() as http:
            await asyncio.wait_for(client(place, http), 30)

    asyncio.run(both())


async def ending(socket: aiohttp.ClientWebSocketResponse) -> aiohttp.WSMessage:
    """The message with which the server closes; what comes before is passed over."""
    while (message := await socket.receive(timeout=10)).type not in CLOSED:
        pass
    return message

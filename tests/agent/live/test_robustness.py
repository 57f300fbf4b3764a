"""Thousands of malformed messages, broken frames and a client that never reads: nobody else is disturbed."""

from __future__ import annotations

import asyncio
import base64
import random

import aiohttp
import pytest

from corpus.audio import FRAME_SAMPLES
from tests.support.agent_server import SILENCE, Place, next_json, next_sound, talk
from tests.support.malformed import malformed


@pytest.mark.parametrize("path", ["/ws/pcm", "/api/chat", "/v1/realtime"])
def test_ten_thousand_malformed_messages_disturb_nobody(path: str) -> None:
    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        rng, unread = random.Random(8), 0
        quiet = await http.ws_connect(place.url("/ws/pcm", "ws"))
        await next_json(quiet, "session")
        loud = await http.ws_connect(place.url(path, "ws"))

        async def drain() -> None:
            nonlocal unread
            async for _ in loud:
                unread += 1

        reading = asyncio.create_task(drain())
        for index in range(10_000):
            if loud.closed:  # such as by {"end": ...}
                reading.cancel()
                loud = await http.ws_connect(place.url(path, "ws"))
                reading = asyncio.create_task(drain())
            message = malformed(rng)
            await (loud.send_bytes(message) if isinstance(message, bytes) else loud.send_str(message))
            if index % 100 == 0:
                await quiet.send_bytes(SILENCE)
                assert len(await next_sound(quiet, 5)) == FRAME_SAMPLES
        await loud.close()
        reading.cancel()
        assert place.server.house.traffic.malformed
        assert unread > 200
        assert "error" not in place.server.house.scheduler.metrics().ended

    talk(client)


@pytest.mark.parametrize(
    "frame",
    [
        b"\x82\xff" + b"\xff" * 8 + b"mask",  # 2^64 bytes are announced
        b"\x82\xff\x00\x00\x00\x00\x7f\xff\xff\xffmask",  # 2 GiB
        b"\x82\x7e\xff\xff",  # not masked, and then nothing
        b"\x81\x84\x00\x00\x00\x00\xff\xfe\xfd\xfc",  # a text that is not UTF-8
        b"\x8f\x80\x00\x00\x00\x00",  # an unknown operation
        b"\x02\x81\x00\x00\x00\x00a" * 50,  # fragments begun anew
        b"\x88\x81\x00\x00\x00\x00a",  # half a close code
        b"\x00" * 3000,
        b"GET / HTTP/1.1\r\n\r\n",
    ],
)
def test_broken_websocket_frames_close_their_own_line_only(frame: bytes) -> None:
    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        async with http.ws_connect(place.url("/ws/pcm", "ws")) as quiet:
            await next_json(quiet, "session")
            reader, writer = await asyncio.open_connection("127.0.0.1", place.port)
            key = base64.b64encode(bytes(16)).decode()
            upgrade = (
                f"Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}"
            )
            writer.write(f"GET /ws/pcm HTTP/1.1\r\nHost: localhost\r\n{upgrade}\r\n\r\n".encode() + frame)
            writer.write_eof()
            while await asyncio.wait_for(reader.read(65536), 10):
                pass
            writer.close()
            await quiet.send_bytes(SILENCE)
            assert len(await next_sound(quiet)) == FRAME_SAMPLES

    talk(client)


def test_a_client_that_never_reads_holds_up_nobody() -> None:
    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        deaf = await http.ws_connect(place.url("/ws/pcm?stats=1", "ws"))
        deaf._response.connection.transport.pause_reading()
        async with http.ws_connect(place.url("/ws/pcm", "ws")) as quiet:
            await next_json(quiet, "session")
            for _ in range(300):
                await asyncio.gather(deaf.send_bytes(SILENCE), quiet.send_bytes(SILENCE))
                await next_sound(quiet)
        deaf._response.connection.transport.abort()

    talk(client)

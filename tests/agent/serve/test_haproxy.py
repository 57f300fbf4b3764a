"""Several processes behind haproxy: clients come back to theirs, and one that dies takes only its own talks along."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from agent.serve.haproxy import configuration, ports
from tests.support.agent_server import CLOSED, SILENCE, next_json, next_sound
from tests.support.places import ROOT

HAPROXY = shutil.which("haproxy") or shutil.which("haproxy", path="/usr/sbin")
needs_haproxy = pytest.mark.skipif(HAPROXY is None, reason="needs the program haproxy (apt install haproxy)")
PROCESS = """
import asyncio, sys
from agent.serve.server import serving
from tests.support.agent_server import ParrotBatch, a_server_object
async def main():
    async with serving(a_server_object(ParrotBatch()), "127.0.0.1", int(sys.argv[1])):
        print("ready", flush=True)
        await asyncio.sleep(600)
asyncio.run(main())
"""


def test_ports_are_read_and_mistakes_told() -> None:
    assert ports("9001, 9002", 8998) == [9001, 9002]
    for wrong, message in (("9001,x", "takes the ports"), ("70000", "takes the ports"), ("9001,9001", "differ"),
                           ("8998,9001", "differ")):  # fmt: skip
        with pytest.raises(ValueError, match=message):
            ports(wrong, 8998)
    assert "bind [::1]:8998" in configuration("::1", 8998, [9001])


def free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        return [stack.enter_context(socket.create_server(("127.0.0.1", 0))).getsockname()[1] for _ in range(count)]


@contextmanager
def running(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    """A program while the block lasts."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


@needs_haproxy
def test_one_of_two_processes_dies_in_mid_talk(tmp_path: Path) -> None:
    front, *backs = free_ports(3)
    file = tmp_path / "haproxy.cfg"
    file.write_text(configuration("127.0.0.1", front, backs))
    subprocess.run([str(HAPROXY), "-c", "-f", str(file)], check=True, capture_output=True)
    with ExitStack() as stack:
        servers = {
            f"talk{port}": stack.enter_context(running([sys.executable, "-c", PROCESS, str(port)])) for port in backs
        }
        assert all(server.stdout is not None and server.stdout.readline() == "ready\n" for server in servers.values())
        stack.enter_context(running([str(HAPROXY), "-db", "-f", str(file)]))
        asyncio.run(asyncio.wait_for(talks(front, servers), 60))


async def talks(front: int, servers: dict[str, Any]) -> None:
    url = f"http://127.0.0.1:{front}"
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as one:
        while True:  # till haproxy listens
            try:
                async with one.get(f"{url}/healthz") as answer:
                    assert answer.status == 200
                    break
            except aiohttp.ClientConnectorError:
                await asyncio.sleep(0.02)
        mine = one.cookie_jar.filter_cookies(answer.url)["DUOLOGUE"].value  # type: ignore[attr-defined]
        async with one.ws_connect(f"{url}/ws/pcm") as line, aiohttp.ClientSession() as other:
            token = (await next_json(line, "session"))["resume"]
            async with other.ws_connect(f"{url}/ws/pcm") as second:
                theirs = (await next_json(second, "session"))["resume"]
                assert theirs != token
                line._response.connection.transport.abort()  # type: ignore[union-attr]
                async with one.ws_connect(f"{url}/ws/pcm?resume={token}") as again:
                    assert (await next_json(again, "session"))["resumed"] is True, "the cookie leads to its process"
                    servers[mine].send_signal(signal.SIGKILL)
                    assert (await again.receive(timeout=10)).type in CLOSED or again.closed
                await second.send_bytes(SILENCE)
                await next_sound(second)
        async with one.ws_connect(f"{url}/ws/pcm") as new:  # the cookie's process is gone: the other takes it
            await next_json(new, "session")
            await new.send_bytes(SILENCE)
            await next_sound(new)

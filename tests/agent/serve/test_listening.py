"""Connections that say nothing, and the certificate that the server makes for itself."""

from __future__ import annotations

import asyncio
import datetime
import ssl
from pathlib import Path

import aiohttp
import pytest

from agent.commands.serve import OWN_CERTIFICATE, certificates
from agent.serve.access import tls_context
from agent.serve.listening import listening
from agent.serve.own_certificate import RENEWED, VALID, own_certificate
from agent.serve.server import serving
from tests.support.agent_server import ParrotBatch, a_server_object, next_json, next_sound

PATIENCE = 0.3  # s, in place of ten


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\nGET /heal",  # the first is answered, the second never ends
    ],
)
def test_half_a_request_is_dropped_and_a_talk_is_not(said: bytes) -> None:
    async def run() -> None:
        application = a_server_object(ParrotBatch()).application()
        async with (
            listening(application, "127.0.0.1", 0, None, PATIENCE) as port,
            aiohttp.ClientSession() as http,
            http.ws_connect(f"ws://127.0.0.1:{port}/ws/pcm") as talk,
        ):
            await next_json(talk, "session")
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(said)
            began = asyncio.get_running_loop().time()
            try:
                answer = await asyncio.wait_for(reader.read(-1), 20)
            except ConnectionError:
                answer = b""
            assert asyncio.get_running_loop().time() - began > 0.9 * PATIENCE
            assert answer.count(b"200 OK") == said.count(b"\r\n\r\n")
            writer.close()
            await talk.send_bytes(bytes(3840))
            await next_sound(talk)

    asyncio.run(run())


def test_tls_self(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Made once, kept, renewed before its end, private; a client that trusts it talks, one that does not is refused."""
    pytest.importorskip("cryptography", reason="the wheel cryptography is not installed")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = certificates(OWN_CERTIFICATE)
    assert folder == tmp_path / "duologue" / "tls"
    assert (folder / "key.pem").stat().st_mode & 0o777 == 0o600
    first = (folder / "cert.pem").read_bytes()
    now = datetime.datetime.now(datetime.timezone.utc)
    assert certificates(OWN_CERTIFICATE) == folder
    assert (folder / "cert.pem").read_bytes() == first
    assert certificates(Path("certs")) == Path("certs")

    async def run() -> None:
        server = a_server_object(ParrotBatch())
        async with serving(server, "127.0.0.1", 0, tls_context(folder)) as port, aiohttp.ClientSession() as http:
            trusting = ssl.create_default_context(cafile=str(folder / "cert.pem"))
            for name in ("localhost", "127.0.0.1"):
                async with http.ws_connect(f"wss://{name}:{port}/v1/realtime", ssl=trusting) as socket:
                    assert (await next_json(socket, "session"))["model"] == "tiny"
            with pytest.raises(aiohttp.ClientConnectorCertificateError):
                await http.get(f"https://localhost:{port}/")

    asyncio.run(run())
    assert not own_certificate(folder, now + VALID - RENEWED - datetime.timedelta(days=1))
    assert own_certificate(folder, now + VALID - RENEWED + datetime.timedelta(days=1))
    (folder / "cert.pem").write_text("nonsense")
    assert own_certificate(folder, now)
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match="--tls self cannot write"):
        own_certificate(tmp_path / "file", now)

"""Who may talk and how much: token, origin, limits, TLS, over real sockets where it counts."""

from __future__ import annotations

import asyncio
import ssl
import subprocess
from pathlib import Path

import aiohttp
import pytest

from agent.serve.access import Access, ConnectionLimits, RateLimit, check_listening, tls_context
from agent.serve.server import serving
from tests.support.agent_fixtures import FakeClock
from tests.support.agent_server import ParrotBatch, Place, a_server_object, ending, next_json, talk


def test_messages_that_are_too_long_too_many_or_from_too_many() -> None:
    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        async with http.ws_connect(place.url("/ws/pcm", "ws")) as socket:
            await socket.send_bytes(bytes(10_000))
            assert (await ending(socket)).data == 1009
        async with http.ws_connect(place.url("/ws/pcm", "ws")) as socket:
            for _ in range(200):  # slowed down at first
                await socket.send_bytes(b"ab")
            assert (await ending(socket)).data == 1008
        sockets = [await http.ws_connect(place.url("/ws/pcm", "ws")) for _ in range(2)]
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await http.ws_connect(place.url("/ws/pcm", "ws"))
        assert caught.value.status == 429
        for socket in sockets:
            await socket.close()

    limits = ConnectionLimits(
        message_bytes=9000,
        messages_per_second=10,
        seconds_slowed=0.5,
        bytes_per_second=1e9,
        burst_seconds=1,
        per_address=2,
    )
    talk(client, limits=limits)


def test_pace_is_a_token_bucket() -> None:
    clock = FakeClock()
    pace = RateLimit(10.0, 2.0, clock)
    assert [pace.take(1) for _ in range(20)] == [0.0] * 20
    assert pace.take(5) == pytest.approx(0.5)
    clock.forward(10.0)
    assert pace.take(20) == 0.0
    assert pace.take(1) == pytest.approx(0.1)


def test_token_origin_and_host() -> None:
    access = Access("secret", origins=("https://friend.example",))
    ours = "127.0.0.1:8998"
    for headers, query in (
        ({"Authorization": "Bearer secret"}, {}),
        ({}, {"token": "secret"}),
        ({}, {"worker_auth_id": "secret"}),
        ({}, {"auth_id": "secret"}),
        ({"Sec-WebSocket-Protocol": "realtime, openai-insecure-api-key.secret"}, {}),
        ({"Authorization": "bearer secret", "Origin": "http://127.0.0.1:8998"}, {}),
        ({"Authorization": "Bearer secret", "Origin": "https://friend.example"}, {}),
    ):
        assert access.refuse(headers, query, ours) is None, (headers, query)
    for headers, query, status in (
        ({}, {}, 401),
        ({"Authorization": "Bearer secret2"}, {}, 401),
        ({"Authorization": "Basic secret"}, {}, 401),
        ({}, {"token": "sécret"}, 401),
        ({"Authorization": "Bearer secret", "Origin": "https://evil.example"}, {}, 403),
        ({"Authorization": "Bearer secret", "Origin": "null"}, {}, 403),
    ):
        refusal = access.refuse(headers, query, ours)
        assert refusal is not None
        assert refusal.status == status
    rebound = Access(None).refuse({"Origin": "http://evil.example:8998"}, {}, "evil.example:8998")
    assert rebound is not None
    assert Access(None).refuse({}, {}, "[::1]:8998") is None


def test_refusals_over_http() -> None:
    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        async def status(path: str, **headers: str) -> int:
            async with http.get(place.url(path), headers=headers) as answer:
                assert "Traceback" not in await answer.text()
                return answer.status

        for path in ("/ws/pcm", "/api/chat", "/v1/realtime", "/metrics"):
            assert await status(path) == 401
        assert await status("/ws/pcm", Authorization="Bearer t") == 426
        assert await status("/ws/pcm?text_top_k=x&token=t") == 400
        assert await status("/api/chat?voice_prompt=../x&token=t") == 400
        assert await status("/v1/realtime?seed=1.5&token=t") == 400
        assert await status("/healthz") == 200
        assert await status("/../pyproject.toml") == 404
        assert await status("/%2e%2e/pyproject.toml") == 404
        async with http.get(place.url("/metrics"), headers={"Authorization": "Bearer t"}) as answer:
            text = await answer.text()
        assert 'duologue_requests_refused_total{status="401"} 4.0' in text
        assert "duologue_frame_seconds_bucket" in text

    talk(client, token="t")


def test_listening_beyond_this_computer_needs_a_token(tmp_path: Path) -> None:
    assert check_listening("127.0.0.1", None, None) is None
    assert check_listening("::1", None, None) is None
    assert check_listening("localhost", "t", None) is None
    for host in ("0.0.0.0", "::", "192.168.1.5", "example.org", ""):
        with pytest.raises(ValueError, match="--auth-token"):
            check_listening(host, None, None)
        assert "plain http" in str(check_listening(host, "t", None))
        assert check_listening(host, "t", tmp_path) is None
    with pytest.raises(ValueError, match="empty"):
        check_listening("0.0.0.0", " ", None)
    with pytest.raises(ValueError, match=r"key\.pem"):
        tls_context(tmp_path)


def test_tls(tmp_path: Path) -> None:
    write_certificate(tmp_path)
    context = tls_context(tmp_path)

    async def run() -> None:
        async with serving(a_server_object(ParrotBatch()), "127.0.0.1", 0, context) as port:
            trusting = ssl.create_default_context(cafile=str(tmp_path / "cert.pem"))
            url = f"wss://localhost:{port}/ws/pcm"
            async with aiohttp.ClientSession() as http, http.ws_connect(url, ssl=trusting) as socket:
                assert (await next_json(socket, "session"))["model"] == "tiny"

    asyncio.run(run())
    (tmp_path / "key.pem").write_text("nonsense")
    with pytest.raises(ValueError, match="no certificate"):
        tls_context(tmp_path)


def write_certificate(folder: Path) -> None:
    """A certificate of localhost for a day, by the `openssl` program."""
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=DNS:localhost", "-keyout", "key.pem", "-out", "cert.pem"]
    try:
        subprocess.run([*command.split(), *names], cwd=folder, check=True, capture_output=True)
    except FileNotFoundError:
        pytest.skip("the openssl program is not installed")

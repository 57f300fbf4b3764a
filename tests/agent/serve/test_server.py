"""The server on real sockets: the wires, queue and resumption, the command from start to goodbye."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from socket import create_server

import aiohttp
import numpy as np
import pytest
import sphn  # type: ignore[import-untyped]

from agent import LanguageModel
from agent.commands.serve import check_start
from agent.files.bundle import save_bundle
from agent.files.codec_identity import CodecIdentity
from agent.files.vocabulary import train_vocabulary
from agent.model.presets import tiny
from agent.serve.access import ConnectionLimits
from agent.serve.conversation import REASONS
from agent.serve.event_log import JsonLines, Readable, start_logging, tell
from agent.serve.prometheus import Traffic, exposition
from agent.serve.wires.wire import pcm_of
from codec import Codec
from codec.config import tiny as tiny_codec
from corpus.audio import FRAME_SAMPLES
from tests.support.agent_fixtures import noise, tiny_batch
from tests.support.agent_server import (
    SILENCE,
    ParrotBatch,
    Place,
    a_server,
    a_server_object,
    ending,
    next_json,
    next_sound,
    talk,
)
from tests.support.places import ROOT
from tests.support.speechlike import speech_like


def test_pcm_gives_a_frame_for_a_frame() -> None:
    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        sound = pcm_of(noise(6))
        async with http.ws_connect(place.url("/ws/pcm", "ws")) as socket:
            await next_json(socket, "session")
            for at in range(0, len(sound), 1000):  # pieces that are no frames
                await socket.send_bytes(sound[at : at + 1000])
            heard = np.concatenate([await next_sound(socket) for _ in range(6)])
            assert np.abs(heard - np.frombuffer(sound, "<i2") / 2).max() <= 1
            await socket.send_str('{"controls": {"hold": true}}')
            assert (await next_json(socket, "controls"))["hold"] is True
            await socket.send_bytes(sound[:3840])
            assert not (await next_sound(socket)).any()
            await socket.send_str('{"end": true}')
            assert (await ending(socket)).data == 1000

    talk(client)


def test_same_bytes_same_answer_with_the_real_model() -> None:
    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        async def once(others: int) -> bytes:
            sockets = [await http.ws_connect(place.url(f"/ws/pcm?seed={3 + each}", "ws")) for each in range(others + 1)]
            heard = b""
            for index in range(4):
                for socket in sockets:
                    await socket.send_bytes(pcm_of(noise(1, seed=index)))
                heard += (await next_sound(sockets[0])).tobytes()
            for socket in sockets:
                await socket.close()
            return heard

        alone = await once(0)
        assert any(alone)
        assert await once(2) == alone

    talk(client, batch=tiny_batch(3))


def test_moshi_wire() -> None:
    """Handshake at once, empty audio taken, audio answered by audio, first text as sent."""

    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        writer, reader = sphn.OpusStreamWriter(24_000), sphn.OpusStreamReader(24_000)
        query = "voice_prompt=NATF2.pt&text_prompt=hello&seed=-1&email=&unknown=1"
        async with http.ws_connect(place.url(f"/api/chat?{query}", "ws")) as socket:
            assert socket._response.headers["Duologue-Ignored"] == "voice_prompt, text_prompt"
            await socket.send_bytes(b"\x01")
            await socket.send_bytes(b"\x09junk")
            for sound in speech_like(0.8, 1).reshape(-1, FRAME_SAMPLES):
                await socket.send_bytes(b"\x01" + writer.append_pcm(sound))
            messages = [(await socket.receive(timeout=10)).data for _ in range(13)]
        assert messages[0] == b"\x00"
        assert [each[0] for each in messages[1:]] == [1, 2, 1, 1, 1, 1, 1, 2, 1, 1, 1, 1]
        assert messages[2] == b"\x02 said0"
        assert messages[1].startswith(b"\x01OggS")
        sounds = [reader.append_bytes(each[1:]) for each in messages if each[0] == 1]
        assert [len(sound) for sound in sounds] == [FRAME_SAMPLES] * 10

    talk(client)


@pytest.mark.parametrize("path", ["/ws/pcm", "/api/chat", "/v1/realtime"])
def test_place_in_the_queue_is_told_on_every_wire(path: str) -> None:
    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        first = await http.ws_connect(place.url("/ws/pcm", "ws"))
        await next_json(first, "session")
        async with http.ws_connect(place.url(path, "ws")) as second:
            message = await second.receive(timeout=5)
            content = json.loads(message.data[1:] if path == "/api/chat" else message.data)
            assert content["queue"]["place"] == 1
            assert content["queue"]["wait_s"] > 0
            third = await http.ws_connect(place.url(path, "ws"))
            with_code = await ending(third)
            assert (with_code.data, "queue is full" in str(with_code.extra)) == (1013, True)
            await third.close()
            await first.close()
            begun = await second.receive(timeout=5)
            assert begun.data == b"\x00" if path == "/api/chat" else "session" in json.loads(begun.data)

    talk(client, max_sessions=1, queue_limit=1)


def test_a_broken_line_is_resumed() -> None:
    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        first = await http.ws_connect(place.url("/ws/pcm", "ws"))
        token = (await next_json(first, "session"))["resume"]
        for _ in range(7):
            await first.send_bytes(SILENCE)
            await next_sound(first)
        first._response.connection.transport.abort()  # no closing handshake: the network is gone
        async with http.ws_connect(place.url(f"/ws/pcm?resume={token}", "ws")) as second:
            session = await next_json(second, "session")
            assert session["resumed"]
            for _ in range(4):
                await second.send_bytes(SILENCE)
            assert await next_json(second, "text") == " said10"  # the parrot counted on
            async with http.ws_connect(place.url(f"/ws/pcm?resume={token}", "ws")) as third:
                await next_json(third, "session")
                assert "another connection" in str((await ending(second)).extra)
        async with http.ws_connect(place.url("/ws/pcm?resume=guess", "ws")) as stranger:
            assert "no session to resume" in await next_json(stranger, "end")
            assert (await ending(stranger)).data == 1008

    talk(client)


def test_a_client_that_leaves_frees_its_seat_at_once() -> None:
    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        for path in ("/ws/pcm", "/api/chat", "/v1/realtime"):
            async with http.ws_connect(place.url(path, "ws")) as socket:
                await socket.receive(timeout=5)
        async with http.ws_connect(place.url("/ws/pcm", "ws")) as socket:
            await next_json(socket, "session")
        while place.server.house.scheduler.metrics().sessions:
            await asyncio.sleep(0.01)
        found = place.server.house.scheduler.metrics()
        assert (found.suspended, found.ended) == (0, {"left": 4})

    talk(client, max_sessions=1)


def test_idle_and_total_limits_are_told() -> None:
    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        async with http.ws_connect(place.url("/ws/pcm", "ws")) as socket:
            assert "nobody spoke" in await next_json(socket, "end")
            assert (await ending(socket)).data == 1000

    async def moshi_client(place: Place, http: aiohttp.ClientSession) -> None:
        async with http.ws_connect(place.url("/api/chat", "ws")) as socket:
            messages = [message.data async for message in socket]
            assert messages == [b"\x00", b"\x05" + REASONS["total"].encode()]

    talk(client, idle_limit=0.2)
    talk(moshi_client, total_limit=0.2)


def test_shutting_down_tells_everybody() -> None:
    async def run() -> None:
        async with aiohttp.ClientSession() as http:
            limits = ConnectionLimits(seconds_to_close=0.5)
            async with a_server(ParrotBatch(), limits=limits, max_sessions=2, queue_limit=2) as place:
                deaf = await http.ws_connect(place.url("/v1/realtime", "ws"))
                deaf._response.connection.transport.pause_reading()  # never answers
                sockets = [await http.ws_connect(place.url("/ws/pcm", "ws")) for _ in range(3)]  # two wait
                await next_json(sockets[0], "session")
                endings = [asyncio.create_task(ending(socket)) for socket in sockets]
                began = asyncio.get_running_loop().time()
            assert asyncio.get_running_loop().time() - began < 3
            deaf._response.connection.transport.abort()
            assert [(each.data, each.extra) for each in await asyncio.gather(*endings)] == [
                (1001, "the server is shutting down")
            ] * 3
            await asyncio.sleep(0)
            assert len(asyncio.all_tasks()) == 1

    before = threading.active_count()
    asyncio.run(run())
    assert threading.active_count() <= before + 1  # asyncio's own executor


@pytest.fixture
def model_folder(tmp_path: Path) -> Path:
    """A tiny model with codec and vocabulary, as `agent train` leaves one."""
    vocabulary = train_vocabulary(["a few words, for the tiniest of all models"], 280)
    codec = Codec(tiny_codec(2))
    codec.save(tmp_path / "codec.safetensors")
    model = LanguageModel(dataclasses.replace(tiny(2), text_card=vocabulary.size))
    save_bundle(tmp_path, model, vocabulary, CodecIdentity.of(codec, "codec.safetensors"))
    return tmp_path


def test_the_command_serves_until_sigterm(model_folder: Path) -> None:
    """The whole of it in a process of its own: loads, listens, talks, says goodbye, exits with 0."""

    async def run(url: str, process: subprocess.Popen[str]) -> None:
        async with aiohttp.ClientSession() as http, http.ws_connect(f"{url}api/chat") as socket:
            assert (await socket.receive(timeout=10)).data == b"\x00"
            sound = sphn.OpusStreamWriter(24_000).append_pcm(noise(5))
            await socket.send_bytes(b"\x01" + sound)
            assert (await socket.receive(timeout=10)).data.startswith(b"\x01OggS")
            process.send_signal(signal.SIGTERM)
            assert (await ending(socket)).data == 1001

    program = "import typer; from agent.commands.serve import serve; from corpus.command import run;"
    program += "app = typer.Typer(pretty_exceptions_enable=False); app.command()(serve); run(app, 'serve')"
    options = ["--model", str(model_folder), "--runtime", "torch", "--port", "0", "--log-json", "--lag-ms", "5000"]
    command = [sys.executable, "-c", program, *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as process:
        assert process.stderr is not None
        events = []
        for line in process.stderr:
            assert line.startswith("{"), line + process.stderr.read()
            events.append(json.loads(line))
            if events[-1]["event"] == "listening":
                asyncio.run(run(events[-1]["url"].replace("http", "ws"), process))
        assert process.wait(5) == 0
    assert [each["event"] for each in events if each["level"] == "info"] == [
        "loading",
        "model ready",
        "listening",
        "connection opened",
        "session began",
        "stopping",
        "connection ended",
        "stopped",
    ]
    assert events[-2]["reason"] == "the server is shutting down"


def test_a_start_that_must_fail_fails_before_anything_is_loaded() -> None:
    with create_server(("127.0.0.1", 0)) as taken, pytest.raises(ValueError, match="give another --port"):
        check_start("127.0.0.1", taken.getsockname()[1], 400.0)
    with pytest.raises(ValueError, match="--lag-ms must be at least 160"):
        check_start("127.0.0.1", 0, 100.0)
    check_start("127.0.0.1", 0, 160.0)


def test_prometheus_buckets_are_cumulative() -> None:
    """By hand: three steps of 4, 5 and 30 ms and one of 2 s; bounds are 5, 10, 20, 30, 40, ... 640 ms."""
    scheduler = a_server_object(ParrotBatch()).house.scheduler
    for took in (4.0, 5.0, 30.0, 2000.0):
        scheduler._times.add(took)
    lines = exposition(scheduler.metrics, Traffic()).decode().splitlines()
    buckets = re.findall(r'duologue_frame_seconds_bucket\{le="([^"]+)"\} (\S+)', "\n".join(lines))
    assert [(bound, float(count)) for bound, count in buckets] == [
        ("0.005", 2), ("0.01", 2), ("0.02", 2), ("0.03", 3), ("0.04", 3), ("0.06", 3), ("0.08", 3), ("0.12", 3),
        ("0.16", 3), ("0.32", 3), ("0.64", 3), ("+Inf", 4),
    ]  # fmt: skip
    assert "duologue_frame_seconds_count 4.0" in lines
    assert "duologue_frame_seconds_sum 2.039" in lines


def test_metrics_tell_the_slots_that_had_nothing_to_do() -> None:
    scheduler = a_server_object(ParrotBatch()).house.scheduler
    slots = scheduler.partner.slots
    ticket = scheduler.admission.admit()
    for _ in range(3):
        scheduler.tick()
        assert ticket.session is not None
        ticket.session.push(np.zeros(FRAME_SAMPLES, np.float32))
    lines = exposition(scheduler.metrics, Traffic()).decode().splitlines()
    assert f"duologue_slots {float(slots)}" in lines
    assert 'duologue_slot_steps_total{kind="moved"} 2.0' in lines
    assert f'duologue_slot_steps_total{{kind="idle"}} {float(2 * (slots - 1))}' in lines
    assert any(line.startswith("duologue_pace_seconds ") for line in lines)


def test_log_lines(capsys: pytest.CaptureFixture[str]) -> None:
    record = logging.LogRecord("agent", logging.INFO, "", 0, "session ended", (), None)
    vars(record)["fields"] = {"session": "a1", "reason": "idle"}
    assert Readable().format(record).endswith(" session ended session=a1 reason=idle")
    content = json.loads(JsonLines().format(record))
    assert content["event"] == "session ended"
    assert (content["level"], content["session"], content["reason"]) == ("info", "a1", "idle")
    handler = start_logging(as_json=True)
    tell("something", number=3)
    logging.getLogger("agent").removeHandler(handler)
    assert json.loads(capsys.readouterr().err)["number"] == 3

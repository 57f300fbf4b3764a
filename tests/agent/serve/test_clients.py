"""Clients that others wrote, and the one in the README, talk to the server unchanged."""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import shutil
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import aiohttp
import numpy as np
import openai
import pytest
import soundfile  # type: ignore[import-untyped]

from agent.serve.wires.wire import pcm_of
from corpus.audio import FRAME_SAMPLES
from tests.support.agent_server import SILENCE, Place, talk
from tests.support.places import ROOT
from tests.support.speechlike import speech_like


def test_moshis_own_client(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m moshi.client`, with a sound card of which only the callbacks exist."""
    streams: list[Any] = []

    class Stream:
        def __init__(self, callback: Callable[..., None], **settings: Any) -> None:
            self.callback = callback
            streams.append(self)

        def __enter__(self) -> Stream:
            return self

        def __exit__(self, *error: object) -> None:
            pass

    card = types.ModuleType("sounddevice")
    monkeypatch.setattr(card, "InputStream", Stream, raising=False)
    monkeypatch.setattr(card, "OutputStream", Stream, raising=False)
    monkeypatch.setitem(sys.modules, "sounddevice", card)
    monkeypatch.delitem(sys.modules, "moshi.client", raising=False)
    moshi_client = pytest.importorskip("moshi.client")
    from moshi.client_utils import RawPrinter  # type: ignore[import-untyped]

    played: list[np.ndarray[Any, Any]] = []

    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        arguments = argparse.Namespace(url=None, https=False, host="localhost", port=place.port)
        running = asyncio.create_task(moshi_client.run(RawPrinter(), arguments))
        while len(streams) < 2:
            await asyncio.sleep(0.01)
        for sound in speech_like(0.8, 2).reshape(-1, FRAME_SAMPLES):
            streams[0].callback(sound[:, None], FRAME_SAMPLES, None, None)
            await asyncio.sleep(0.02)
            out = np.zeros((FRAME_SAMPLES, 1), np.float32)
            streams[1].callback(out, FRAME_SAMPLES, None, None)
            played.append(out)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    talk(client)
    shown = capsys.readouterr()
    assert shown.out.startswith(" said0")
    assert sum(bool(np.abs(each).max() > 0.01) for each in played) >= 5
    assert "Lost connection" not in shown.err


@pytest.mark.parametrize("beta", [False, True])
def test_openais_own_client(beta: bool) -> None:
    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        ours = openai.AsyncOpenAI(api_key="the-token", websocket_base_url=place.url("/v1", "ws"))
        resource: Any = ours.beta.realtime if beta else ours.realtime
        async with ours, resource.connect(model="tiny") as connection:
            created = await connection.recv()
            assert created.type == "session.created"
            await connection.session.update(session={"type": "realtime", "duologue": {"controls": {"seed": 2}}})
            assert (await connection.recv()).session.duologue["controls"]["seed"] == 2
            sound = pcm_of(speech_like(1.6, 4))
            for at in range(0, len(sound), 3840):
                await connection.input_audio_buffer.append(audio=base64.b64encode(sound[at : at + 3840]).decode())
            kinds, said, heard = set(), "", b""
            wanted = {"input_audio_buffer.speech_started", "response.created", "error"}
            while not wanted <= kinds or len(heard) < 5 * 3840:
                event = await connection.recv()
                kinds.add(event.type)
                if event.type.endswith("audio_transcript.delta"):
                    said += event.delta
                if event.type == ("response.audio.delta" if beta else "response.output_audio.delta"):
                    heard += base64.b64decode(event.delta)
                    if "error" not in kinds:
                        await connection.send({"type": "response.dance"})
            await connection.session.update(session={"type": "realtime", "duologue": {"controls": {"hold": True}}})
            await connection.input_audio_buffer.append(audio=base64.b64encode(15 * SILENCE).decode())
            while (await connection.recv()).type != "response.done":
                pass
            assert said.startswith(" said0")
            assert np.abs(np.frombuffer(heard, "<i2")).max() > 300

    talk(client, token="the-token")


def test_openais_client_pushes_to_talk() -> None:
    """turn_detection null: append a whole utterance at once, commit, ask; the server hears silence meanwhile."""

    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        ours = openai.AsyncOpenAI(api_key="x", websocket_base_url=place.url("/v1", "ws"))
        async with ours, ours.realtime.connect(model="tiny") as connection:
            turns: Any = {"type": "realtime", "instructions": "Be kind.", "audio": {"input": {"turn_detection": None}}}
            await connection.session.update(session=turns)
            sound = pcm_of(speech_like(3.2, 4))
            await connection.input_audio_buffer.append(audio=base64.b64encode(sound).decode())
            await connection.input_audio_buffer.commit()
            await connection.response.create(response={"metadata": {"number": "1"}})
            kinds: list[str] = []
            mine, event = None, await connection.recv()
            while event.type != "response.done" or event.response.id != mine:  # what it said unasked ends before
                event = await connection.recv()
                kinds.append(event.type)
                if event.type == "response.created" and event.response.metadata == {"number": "1"}:
                    mine = event.response.id
                if event.type == "response.output_audio_transcript.delta" and event.response_id == mine:
                    await connection.response.cancel()
            assert event.response.status == "cancelled"
            assert "error" not in kinds
            assert "duologue.refused" in kinds
            assert kinds.index("input_audio_buffer.committed") < kinds.index("response.created")

    talk(client)


def test_openais_javascript_client(tmp_path: Path) -> None:
    """`@openai/agents-realtime` in Node: a whole talk, from the first words on, with an interruption."""
    node, modules = shutil.which("node"), ROOT / "tests" / "node_modules"
    if node is None or not (modules / "@openai" / "agents-realtime").is_dir():
        pytest.skip("needs node and: npm install --prefix tests @openai/agents-realtime")
    shutil.copy(ROOT / "tests" / "assets" / "realtime_client.mjs", tmp_path)
    (tmp_path / "node_modules").symlink_to(modules)
    (tmp_path / "speech.raw").write_bytes(pcm_of(speech_like(1.6, 4)))

    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        process = await asyncio.create_subprocess_exec(
            node,
            "realtime_client.mjs",
            place.url("/v1/realtime", "ws"),
            "speech.raw",
            cwd=tmp_path,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        out, error = await process.communicate()
        assert process.returncode == 0, error.decode()
        told = json.loads(out.decode().splitlines()[-1])
        assert told["errors"] == []
        assert told["transcript"].startswith(" said0")
        assert told["audio"] > 20_000
        assert told["events"]["input_audio_buffer.speech_started"] >= 1
        assert told["events"]["response.done"] >= 1

    talk(client)


def test_readme_example(tmp_path: Path) -> None:
    """The client of fifteen lines answers a file with a file."""
    example = (ROOT / "tests" / "assets" / "pcm_client.py").read_text()
    assert len([line for line in example.splitlines() if line]) <= 15
    sound = speech_like(1.6, 7)
    soundfile.write(tmp_path / "user.wav", sound, 24_000, subtype="PCM_16")

    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        (tmp_path / "client.py").write_text(example.replace("localhost:8998", f"localhost:{place.port}"))
        process = await asyncio.create_subprocess_exec(
            sys.executable, "client.py", cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        out, error = await process.communicate()
        assert process.returncode == 0, error.decode()
        assert out.decode().startswith(" said0")

    talk(client)
    answer = soundfile.read(tmp_path / "agent.wav", dtype="float32")[0]
    assert np.abs(answer - sound[: len(answer)] / 2).max() < 1e-3
    assert len(answer) == len(sound)

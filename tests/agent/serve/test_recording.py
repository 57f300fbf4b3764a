"""Recordings: announced on every wire, aligned, in a layout that training reads; none unasked."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import aiohttp
import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from agent.serve.recording import PIECE, Recorder
from agent.serve.wires.wire import pcm_of
from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE, read
from corpus.layouts import detect
from tests.support.agent_server import SILENCE, Place, next_json, next_sound, talk
from tests.support.speechlike import speech_like


def test_recording_is_announced_and_lies_in_a_known_layout(tmp_path: Path) -> None:
    sound = speech_like(4.0, 9)

    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        async with http.ws_connect(place.url("/api/chat", "ws")) as socket:
            messages = [(await socket.receive(timeout=5)).data for _ in range(3)]
            assert messages[:2] == [b"\x00", b'\x04{"recorded": true}']
            assert b"recorded" in messages[2]
        async with http.ws_connect(place.url("/v1/realtime", "ws")) as socket:
            assert (await next_json(socket, "session"))["duologue"]["recorded"] is True
        async with http.ws_connect(place.url("/ws/pcm", "ws")) as socket:
            assert (await next_json(socket, "session"))["recorded"] is True
            for frame in sound.reshape(-1, FRAME_SAMPLES):
                await socket.send_bytes(pcm_of(frame))
                await next_sound(socket)

    talk(client, recorder=Recorder(tmp_path))
    recordings = list(tmp_path.glob("*.flac"))
    assert len(recordings) == 1, "conversations without sound leave no file"
    both = read(recordings[0])
    assert both.shape == (2, len(sound))
    assert np.abs(both[1] - sound).max() < 1e-4
    assert np.abs(both[0] - sound / 2).max() < 1e-4
    content = json.loads(recordings[0].with_suffix(".json").read_text())
    assert content["alignments"][0] == ["said0", [0.0, 0.08], "SPEAKER_MAIN"]
    assert content["alignments"][1] == ["heard2", [0.16, 0.24], "SPEAKER_USER"]
    assert content["duration"] == 4.0
    assert {path.stat().st_mode & 0o777 for path in tmp_path.iterdir()} == {0o600}
    assert detect(tmp_path).layout == "moshi-finetune"


def test_nothing_is_recorded_unasked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def client(place: Place, http: aiohttp.ClientSession) -> None:
        async with http.ws_connect(place.url("/ws/pcm", "ws")) as socket:
            assert (await next_json(socket, "session"))["recorded"] is False
            await socket.send_bytes(SILENCE)
            await next_sound(socket)

    talk(client)
    assert not list(tmp_path.iterdir())


def test_frames_left_out_leave_silence_in_the_recording(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recording = recorder.begin("id", 400.0, {})
    frame = np.full(FRAME_SAMPLES, 0.5, np.float32)
    for index in range(50):
        recording.hear(frame)
        if not 10 <= index < 40:
            recording.say(frame, "", "")
    recording.close()
    recorder.close()
    agent = soundfile.read(next(tmp_path.glob("*.flac")))[0][:, 0].reshape(50, FRAME_SAMPLES).max(axis=1)
    assert [bool(level) for level in agent] == [True] * 10 + [False] * 30 + [True] * 10


def test_a_killed_recorder_leaves_all_but_the_last_seconds(tmp_path: Path) -> None:
    """What is on disk after kill -9 can be read as it lies; the next recorder makes whole recordings of it."""
    seconds, word = 11.2, FRAME_SAMPLES / SAMPLE_RATE
    child = os.fork()
    if not child:
        recorder = Recorder(tmp_path)
        recording = recorder.begin("id", 400.0, {"model": "tiny"})
        for index in range(round(seconds / word)):
            level = np.full(FRAME_SAMPLES, index / 200, np.float32)
            recording.hear(level)
            recording.say(level / 2, f" word{index}", "")
        recorder.close()
        os.kill(os.getpid(), signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    (folder,) = tmp_path.glob("*.pieces")
    assert folder.stat().st_mode & 0o777 == 0o700
    pieces = [read(path) for path in sorted(folder.glob("*.flac"))]
    kept = sum(piece.shape[1] for piece in pieces)
    assert seconds * SAMPLE_RATE - kept < PIECE
    (folder / "00009.part").write_bytes(b"fLaC half a piece")
    (folder / "00001.json").write_text("{")  # the kill came while it was written
    recorder = Recorder(tmp_path)
    assert recorder.joined == 1
    recorder.close()
    (whole,) = tmp_path.glob("*.flac")
    both = read(whole)
    np.testing.assert_array_equal(both, np.concatenate(pieces, axis=1))
    np.testing.assert_allclose(both[1, ::FRAME_SAMPLES], np.arange(kept // FRAME_SAMPLES) / 200, atol=1e-4)
    content = json.loads(whole.with_suffix(".json").read_text())
    assert (content["model"], content["duration"]) == ("tiny", kept / SAMPLE_RATE)
    assert content["alignments"][0] == ["word0", [0.0, 0.08], "SPEAKER_MAIN"]
    assert [path for path in tmp_path.iterdir() if path.suffix not in (".flac", ".json", ".jsonl")] == []
    assert Recorder(tmp_path).joined == 0
    assert len((tmp_path / "data.jsonl").read_text().splitlines()) == 1
    assert detect(tmp_path).layout == "moshi-finetune"


def test_pieces_that_somebody_writes_are_left_alone(tmp_path: Path) -> None:
    """A second server on the folder, while the first one records."""
    recorder = Recorder(tmp_path)
    recording = recorder.begin("id", 400.0, {})
    silence = np.zeros(PIECE, np.float32)
    recording.hear(silence)
    recording.say(silence, "", "")
    while not list(tmp_path.glob("*.pieces/*.flac")):
        time.sleep(0.005)
    assert Recorder(tmp_path).joined == 0
    recording.close()
    recorder.close()
    assert len(list(tmp_path.glob("*.flac"))) == 1

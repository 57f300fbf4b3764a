"""Talking: the line's resampling and rings, echo cancellation, files, kept conversations, choosing devices."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import typer
from rich.console import Console
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

from agent import LanguageModel, tiny
from agent.commands.bench import bench as bench_command
from agent.commands.sharpen import sharpen as sharpen_command
from agent.commands.talk import talk as talk_command
from agent.desk.line import AudioLine, PlayoutBuffer
from agent.desk.microphone import device_table, pick_device, tones
from agent.desk.screen import view
from agent.desk.talk import BothSides, talk_to_file, talk_to_file_live, write_transcript
from agent.files.bundle import load_bundle, save_bundle
from agent.files.codec_identity import CodecIdentity
from agent.files.vocabulary import train_vocabulary
from agent.live.bare import BareModel
from agent.live.batch import Batch
from agent.live.controls import Controls
from agent.live.replay import RecordingBatch, load_recording, replay
from agent.live.voice_activity import level
from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE, Samples, read, write_flac
from tests.support.agent_fixtures import noise, tiny_batch, tiny_bundle
from tests.support.speechlike import speech_like


def tone(hertz: float, seconds: float, rate: int) -> Samples:
    return (0.3 * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def best_match(part: Samples, whole: Samples) -> float:
    """The largest normalised correlation of a part at any place."""
    products = np.correlate(whole, part, "valid")
    energy = np.convolve(np.square(whole), np.ones(len(part)), "valid")
    return float((products / np.sqrt(energy * np.dot(part, part) + 1e-12)).max())


# --- the line -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rate", [16_000, 24_000, 44_100, 48_000])
def test_a_line_carries_sound_both_ways_at_any_rate(rate: int) -> None:
    line = AudioLine(rate, cushion_s=0.02)
    said, wanted = tone(523.0, 1.0, SAMPLE_RATE), tone(523.0, 1.0, rate)
    spoken, rest, played, heard, far = tone(311.0, 1.5, rate), said, [], [], []
    for block in np.array_split(spoken, 173):  # blocks of an odd size, as devices may have
        if len(rest) and len(line.playback) < 0.1 * rate:
            line.play(rest[:FRAME_SAMPLES])
            rest = rest[FRAME_SAMPLES:]
        played.append(line.exchange(block))
        near, out = line.receive()
        heard.append(near)
        far.append(out)
    near, out = np.concatenate(heard), np.concatenate(far)
    assert len(near) == len(out)
    assert 0 <= 1.5 * SAMPLE_RATE - len(near) < 0.02 * SAMPLE_RATE
    assert best_match(near[2000:12_000], tone(311.0, 1.0, SAMPLE_RATE)) > 0.999
    assert best_match(np.concatenate(played)[rate // 4 : rate // 2], wanted) > 0.999
    assert best_match(out[SAMPLE_RATE // 4 : SAMPLE_RATE // 2], said) > 0.999
    assert (line.playback.dropped, line.dropped) == (0, 0)


def test_playback_waits_for_its_cushion_and_drops_the_oldest() -> None:
    playback = PlayoutBuffer(cushion=100, room=250)
    playback.put(np.full(99, 0.5, np.float32))
    assert not playback.take(50).any()
    playback.put(np.full(1, 0.5, np.float32))
    assert playback.take(60).all()
    dry = playback.take(60)
    assert (playback.ran_dry, dry[40], abs(dry[39])) == (1, 0, 0)  # faded out, not cut off
    playback.put(np.arange(1, 301, dtype=np.float32))
    assert playback.dropped == 50
    assert playback.take(1)[0] == 51


def test_a_stalled_loop_loses_sound_but_no_memory() -> None:
    line = AudioLine(48_000)
    for _ in range(300):
        line.exchange(np.ones(480, np.float32))
    assert line.dropped == 2 * 48_000
    assert len(line.receive()[0]) == pytest.approx(SAMPLE_RATE, abs=480)


def test_garbage_from_a_driver_is_made_sound() -> None:
    line = AudioLine(SAMPLE_RATE)
    line.exchange(np.array([np.nan, np.inf, -1e30, 0.5], np.float32))
    np.testing.assert_array_equal(line.receive()[0], np.array([0, 1, -1, 0.5], np.float32))


# --- echo -----------------------------------------------------------------------------------------------------------


def test_the_loudspeaker_is_taken_out_of_the_microphone() -> None:
    pytest.importorskip("livekit", reason="the wheel livekit is not installed")
    from agent.desk.echo import EchoCanceller

    far = np.concatenate([speech_like(6.0, seed) for seed in (1, 2)])
    user = speech_like(12.0, 9, pitch=210.0)
    user[: 8 * SAMPLE_RATE] = 0  # the user speaks in the last four seconds
    late = round(0.07 * SAMPLE_RATE)
    echo = 0.4 * np.pad(far, (late, 0))[: len(far)] + 0.1 * np.pad(far, (3 * late, 0))[: len(far)]
    near = (echo + user + noise(len(far) // FRAME_SAMPLES + 1, level=1e-4)[: len(far)]).astype(np.float32)
    canceller = EchoCanceller()
    pieces = np.array_split(np.arange(len(far)), 331)
    cleaned = np.concatenate([canceller.clean(near[part], far[part]) for part in pieces])
    assert 0 <= len(near) - len(cleaned) < 240
    alone = slice(4 * SAMPLE_RATE, 8 * SAMPLE_RATE)
    removed = 10 * np.log10(np.mean(near[alone] ** 2) / np.mean(cleaned[alone] ** 2))
    assert removed > 20
    both = slice(9 * SAMPLE_RATE, len(cleaned) - 2400)
    assert abs(level(cleaned[both]) - level(user[both])) < 3  # dB: the user is still there
    assert best_match(cleaned[both][2400 : 2400 + SAMPLE_RATE], user[both]) > 0.4


# --- files ----------------------------------------------------------------------------------------------------------


def test_talking_to_a_file_is_the_batch_frame_by_frame(tmp_path: Path) -> None:
    user = noise(20)[:-500]
    both = BothSides(tmp_path / "both.wav")
    talk = talk_to_file(BareModel(tiny_batch()), Controls(seed=3), user, both)
    both.close()
    batch = tiny_batch()
    slot = batch.open(Controls(seed=3))
    padded = np.pad(user, (0, 500)).reshape(-1, FRAME_SAMPLES)
    outs = [batch.step({slot: frame})[slot] for frame in padded]
    agent, heard = read(tmp_path / "both.wav")
    np.testing.assert_allclose(heard, np.clip(padded.reshape(-1), -1, 1), atol=2**-15)
    answered = np.concatenate([np.zeros(FRAME_SAMPLES), *(out.audio for out in outs[:-1])])
    np.testing.assert_allclose(agent, answered, atol=2**-15)  # the answer to a frame plays in the next
    said = talk.transcript()
    assert said["agent"] == "".join(out.text for out in outs) != ""
    assert said["user"] == "".join(out.user_text for out in outs) != ""
    assert said["frames"]["frames_out"] == 20
    write_transcript(tmp_path / "said.json", talk)
    assert json.loads((tmp_path / "said.json").read_text())["pieces"][0].keys() == {"at", "speaker", "text"}


def test_a_file_in_real_time_is_the_same_conversation() -> None:
    user, seen = noise(6), BothSides(None)
    live = talk_to_file_live(BareModel(tiny_batch()), Controls(seed=3), user, seen, bound_ms=4000.0)
    quick = talk_to_file(BareModel(tiny_batch()), Controls(seed=3), user, seen)
    assert live.session.counters == quick.session.counters
    assert live.pieces == quick.pieces != []


def test_a_recording_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"use a \.wav or \.flac name"):
        BothSides(tmp_path / "both.docx")
    with pytest.raises(ValueError, match="cannot write"):
        BothSides(tmp_path / "nowhere" / "both.wav")


# --- kept conversations ---------------------------------------------------------------------------------------------


def kept(path: Path) -> None:
    batch = RecordingBatch(tiny_bundle(), 2, runtime="torch")
    other, slot = batch.open(Controls(seed=9)), batch.open(Controls(seed=4))
    for index, frame in enumerate(noise(15).reshape(-1, FRAME_SAMPLES)):
        if index == 6:
            batch.set_controls(slot, Controls(audio_temperature=0.0, pad_bias=1.0))
        batch.step({slot: frame, other: frame} if index % 2 else {slot: frame})
    batch.recordings[slot].save(path)


def test_a_kept_conversation_repeats_bit_for_bit(tmp_path: Path) -> None:
    path = tmp_path / "kept.safetensors"
    kept(path)
    batch = tiny_batch(1)
    assert replay(load_recording(path), batch) is None
    assert batch.free == 1
    tensors = load_file(str(path))
    tensors["tokens"][11, 1] += 1
    save_file(tensors, str(path))
    assert replay(load_recording(path), batch) == 11
    changed = load_recording(path)
    changed.controls[1] = (7, changed.controls[1][1])  # a frame later
    first = replay(changed, batch)
    assert first is not None
    assert first in (6, 7, 8)


def test_what_is_no_kept_conversation_is_told(tmp_path: Path) -> None:
    path = tmp_path / "kept.safetensors"
    with pytest.raises(ValueError, match="cannot read"):
        load_recording(path)
    kept(path)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ValueError, match="cannot read"):
        load_recording(path)
    path.write_bytes(whole)
    tensors = load_file(str(path))
    save_file({**tensors, "tokens": tensors["tokens"][:-1].clone()}, str(path))
    with pytest.raises(ValueError, match="do not fit"):
        load_recording(path)
    with pytest.raises(ValueError, match="heard no frame"):
        RecordingBatch(tiny_bundle(), 1, runtime="torch").recordings.setdefault(0, load_empty()).save(path)


def load_empty() -> Any:
    from agent.live.replay import Replay

    return Replay()


# --- devices and the terminal ---------------------------------------------------------------------------------------

DEVICES: list[dict[str, Any]] = [
    {"name": "HDA Intel: ALC257", "max_input_channels": 2, "max_output_channels": 2, "default_samplerate": 48000.0},
    {"name": "USB headset", "max_input_channels": 1, "max_output_channels": 2, "default_samplerate": 44100.0},
    {"name": "USB loudspeaker", "max_input_channels": 0, "max_output_channels": 2, "default_samplerate": 44100.0},
]


def test_devices_are_chosen_by_number_or_name() -> None:
    assert pick_device(DEVICES, None, "input") is None
    assert pick_device(DEVICES, "1", "input") == 1
    assert pick_device(DEVICES, "usb", "input") == 1
    with pytest.raises(ValueError, match=r"2 output device fits 'usb'.*--list-devices"):
        pick_device(DEVICES, "usb", "output")
    for wanted in ("2", "17", "bluetooth"):
        with pytest.raises(ValueError, match="no input device fits"):
            pick_device(DEVICES, wanted, "input")
    console = Console(width=90)
    with console.capture() as capture:
        console.print(device_table(DEVICES, (0, 2)))
    shown = capture.get()
    assert "0 <" in shown
    assert "2 >" in shown
    assert "USB headset" in shown


def test_tones_are_soft() -> None:
    assert 0.05 < np.abs(tones(24_000)).max() <= 0.1


def test_the_terminal_shows_levels_words_and_lag() -> None:
    talk = talk_to_file(BareModel(tiny_batch()), Controls(seed=3), noise(12), BothSides(None))
    console = Console(width=100)
    with console.capture() as capture:
        console.print(view(talk))
    shown = capture.get()
    assert "lag" in shown
    assert "dBFS" in shown
    assert "█" in shown
    assert talk.pieces[-1].text in shown


# --- the commands ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder as `agent train` leaves one, with its codec in it."""
    vocabulary = train_vocabulary(["one two three four five"] * 9, 300)
    place = tmp_path_factory.mktemp("trained")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = LanguageModel(dataclasses.replace(tiny(2), text_card=vocabulary.pieces.size)).eval()
    file = tiny_bundle().codec.save(place / "codec.safetensors")
    save_bundle(place / "model", model, vocabulary, CodecIdentity.of(tiny_bundle().codec, str(file)))
    return place / "model"


def command(*arguments: object) -> str:
    """What a command line prints; a user's mistake is raised as it is."""
    app = typer.Typer()
    app.command("talk")(talk_command)
    app.command("bench")(bench_command)
    app.command("sharpen")(sharpen_command)
    result = CliRunner().invoke(app, [str(each) for each in arguments])
    if isinstance(result.exception, ValueError):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.stdout


def test_the_command_talks_to_files_and_repeats_a_conversation(folder: Path, tmp_path: Path) -> None:
    write_flac(tmp_path / "user.flac", noise(12)[None].clip(-1, 1))
    names = {name: tmp_path / name for name in ("both.wav", "said.json", "kept.safetensors")}
    common = ("--model", folder, "--runtime", "torch", "--threads", 1)
    files = ("--input", tmp_path / "user.flac", "--output", names["both.wav"], "--transcript", names["said.json"])
    printed = command("talk", *common, *files, "--keep", names["kept.safetensors"], "--pad-bias", -9, "--seed", 5)
    assert read(names["both.wav"]).shape == (2, 12 * FRAME_SAMPLES)
    said = json.loads(names["said.json"].read_text())
    assert said["agent"] != ""
    assert f"agent:{said['agent']}" in printed
    assert "all 12 frames came out the same" in command("talk", *common, "--replay", names["kept.safetensors"])
    with pytest.raises(ValueError, match=r"needs both --input user\.wav and --output both\.wav"):
        command("talk", *common, "--input", tmp_path / "user.flac")
    with pytest.raises(ValueError, match="pad_bias: "):
        command("talk", *common, *files, "--pad-bias", 1000)


def test_the_command_sharpens_a_model(folder: Path, tmp_path: Path) -> None:
    command("sharpen", folder, "--out", tmp_path / "sharp", "--text", 2.0, "--audio", 4.0)
    user = noise(12)
    hot = Controls(text_temperature=1.0, text_top_k=9, audio_temperature=1.0, audio_top_k=7, seed=3)
    cold = hot.changed(text_temperature=0.5, audio_temperature=0.25)
    said = [
        talk_to_file(BareModel(Batch(load_bundle(place), 1, runtime="torch")), controls, user, BothSides(None)).pieces
        for place, controls in ((tmp_path / "sharp", hot), (folder, cold))
    ]
    assert said[0] == said[1] != []
    with pytest.raises(ValueError, match="name another folder"):
        command("sharpen", folder, "--out", folder)


def test_the_bench_reports_frames_parts_and_sessions(folder: Path) -> None:
    printed = command(
        "bench", "--model", folder, "--runtime", "fused", "--frames", 20, "--sessions", 2, "--threads", 1, "--json"
    )
    (report,) = json.loads(printed)
    assert [each["sessions"] for each in report["sessions"]] in ([1, 2], [1])  # [1] where that alone takes over 80 ms
    assert report["wheel"] is None  # it has no model with two codebooks
    frame = report["frame_ms"]
    assert 0 < frame["p50"] <= frame["p95"] <= frame["p99"]
    assert report["real_time_factor"] == pytest.approx(frame["p50"] / 80, abs=1e-3)
    parts = [report["sessions"][0][part]["p50"] for part in ("encode_ms", "step_ms", "decode_ms")]
    assert sum(parts) == pytest.approx(frame["p50"], rel=0.3)
    with pytest.raises(ValueError, match="--threads takes numbers"):
        command("bench", "--model", folder, "--threads", "many")

"""Judging codecs: metrics at their ceiling for the original, known error counts, peers, named skips."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import torch

from codec import metrics
from codec.config import tiny
from codec.device import pick_device
from codec.judging.evaluate import JudgedClip, choose_clips, evaluate
from codec.judging.peers import Decoded, Opus, OurCodec, aligned, peer
from codec.judging.probe import fitted_guesses
from codec.metrics import Skipped
from codec.model import Codec
from codec.training.clips import find_clips
from codec.training.data import Audio
from corpus.audio import SAMPLE_RATE, Samples
from tests.support.places import ROOT
from tests.support.speechlike import speech_like


class Attenuated:
    """Half the amplitude: nothing but the level changes."""

    name = "half"

    def process(self, audio: Samples) -> Decoded:
        return Decoded(np.float32(0.5) * audio, 1000.0 * len(audio) / SAMPLE_RATE, [2.0, 4.0, 9.0])


@pytest.fixture(scope="module")
def clips() -> list[JudgedClip]:
    return [JudgedClip(speech_like(3.0, seed), f"speaker{seed}", None) for seed in (1, 2)]


def test_the_original_scores_the_ceiling_and_skips_are_named(clips: list[JudgedClip], tmp_path: Path) -> None:
    skip = Skipped("codec2:3.2", "pycodec2 is not installed")
    report = evaluate(clips, [Attenuated(), skip], listen=tmp_path)
    found, _ = metrics.load_metrics()
    original, half = report.systems["original"], report.systems["half"]
    ceilings = {"pesq": (4.64, 0.02), "stoi": (1.0, 1e-3), "speaker": (1.0, 1e-3)}
    for name in found.keys() & ceilings.keys():
        assert original[name] == pytest.approx(ceilings[name][0], abs=ceilings[name][1])
        assert half[name] == pytest.approx(ceilings[name][0], abs=0.05)
    assert original["kbps"] == pytest.approx(384.0)
    assert half["kbps"] == pytest.approx(1.0)
    assert half["frame_ms"] == 4.0
    names = {skipped.name for skipped in report.skipped}
    assert {"wer", "codec2:3.2"} <= names
    assert set(metrics.PACKAGES) == found.keys() | names - {"wer", "codec2:3.2"}
    assert json.loads(json.dumps(report.as_json()))["systems"]["half"]["kbps"] == pytest.approx(1.0)
    assert {path.name for path in tmp_path.iterdir()} == {f"{i}-{s}.flac" for i in (0, 1) for s in ("original", "half")}
    assert report.table().row_count == 2


def test_damage_lowers_every_metric() -> None:
    clean = speech_like(3.0, 3)
    noisy = clean + 0.3 * np.random.default_rng(0).standard_normal(len(clean)).astype(np.float32)
    found, _ = metrics.load_metrics(("pesq", "stoi", "speaker"))
    for metric in found.values():
        good, bad = metric(clean, clean), metric(clean, noisy)
        assert good is not None
        assert bad is not None
        assert bad < good - 0.05
    silence = np.zeros(SAMPLE_RATE, np.float32)
    for name in found.keys() & {"pesq", "stoi"}:
        assert found[name](silence, silence) is None


def test_a_missing_package_is_a_named_skip(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(metrics.PACKAGES, "pesq", ("no_such_package", lambda: metrics.pesq_wb))
    found, skipped = metrics.load_metrics(("pesq",))
    assert found == {}
    assert [skip.name for skip in skipped] == ["pesq"]
    assert "pip install" in skipped[0].reason
    nothing = metrics.load_recognizer(None)
    assert isinstance(nothing, Skipped)
    assert "--whisper" in nothing.reason


def test_word_errors_by_hand() -> None:
    assert metrics.word_errors("The cat sat, on the mat.", "the cat sat on the mat") == (0, 6)
    assert metrics.word_errors("a b c d", "a x c") == (2, 4)  # one substitution, one deletion
    assert metrics.word_errors("a b", "a q b z") == (2, 2)  # two insertions
    assert metrics.word_errors("", "x") == (1, 0)
    assert metrics.words_of("It’s  HIS—“dog”!") == ["it's", "his", "dog"]


def test_alignment_finds_a_delay() -> None:
    sound = speech_like(1.0, 4)
    for delay in (0, 137, 960):
        late = np.concatenate([np.zeros(delay, np.float32), sound])
        assert np.array_equal(aligned(sound, late), sound)
    early = aligned(sound, sound[200:])
    assert np.array_equal(early[200:], sound[200:])
    assert len(early) == len(sound)


def test_opus_keeps_its_bitrate() -> None:
    pytest.importorskip("av")
    sound = speech_like(2.0, 5)
    low, high = Opus(6).process(sound), Opus(24).process(sound)
    assert low.bits / 2000 == pytest.approx(6.0, rel=0.1)
    assert high.bits / 2000 == pytest.approx(24.0, rel=0.1)
    assert len(low.audio) == len(sound)
    error = [float(np.mean((item.audio - sound) ** 2)) for item in (low, high)]
    assert error[1] < error[0]
    assert error[1] < 0.2 * float(np.mean(sound**2))


@pytest.mark.parametrize("spec", ["opus", "opus:x", "mp3:64"])
def test_an_unknown_peer_is_refused(spec: str) -> None:
    with pytest.raises(ValueError, match="opus:KBPS"):
        peer(spec)


def test_our_codec_streams_to_what_it_decodes_offline() -> None:
    torch.manual_seed(0)
    codec = Codec(tiny()).eval()
    sound = speech_like(0.9, 6)
    two = OurCodec(codec, "tiny", 2).process(sound)
    codes = codec.encode(torch.from_numpy(sound)[None, None])[:, :2]
    assert np.abs(two.audio - codec.decode(codes)[0, 0].numpy()[: len(sound)]).max() < 1e-4
    assert two.bits == 12 * 2 * 5
    assert len(two.frame_ms) == 12


def test_clips_take_speakers_in_turn(tmp_path: Path) -> None:
    for name, seconds in (("a", (2.0, 1.5)), ("b", (1.2,)), ("c", (0.5,))):
        (tmp_path / name).mkdir()
        for take, length in enumerate(seconds):
            soundfile.write(tmp_path / name / f"{take}.wav", speech_like(length, take), SAMPLE_RATE)
    audio = Audio(find_clips([tmp_path]))
    assert [clip.speaker for clip in choose_clips(audio, 3, 10.0)] == ["a", "b", "a"]
    assert len(choose_clips(audio, 1, 1.0)[0].audio) == SAMPLE_RATE
    with pytest.raises(ValueError, match="nothing to evaluate"):
        choose_clips(Audio(find_clips([tmp_path / "c"])), 1, 10.0)


def test_the_phone_probe_reads_labels_off_entries_it_never_saw_a_code_of() -> None:
    draw = torch.Generator().manual_seed(0)
    entries = torch.randn(300, 8, generator=draw)
    truth = (entries[:, 3] > 0).long() + 2 * (entries[:, 5] > 0).long()  # four labels, told by two of the numbers
    seen = np.arange(200)
    codes = np.concatenate([seen, seen])
    guesses = fitted_guesses(entries, codes, truth[codes].numpy(), 5)
    assert guesses.shape == (300,)
    assert (guesses[200:] == truth[200:].numpy()).mean() > 0.9
    noise = fitted_guesses(entries, codes, torch.randint(4, (400,), generator=draw).numpy(), 5)
    assert (noise[200:] == truth[200:].numpy()).mean() < 0.4


def test_the_command_round_trips_and_its_errors_are_one_line(tmp_path: Path) -> None:
    torch.manual_seed(0)
    weights = Codec(tiny()).save(tmp_path / "tiny.safetensors")
    soundfile.write(tmp_path / "in.wav", speech_like(0.5, 7), SAMPLE_RATE)
    script = (
        "import sys; from codec.cli import main\n"
        "for line in sys.stdin:\n"
        "    sys.argv = ['codec', *line.split()]\n"
        "    try: main()\n"
        "    except SystemExit as stop: print('exit', stop.code, flush=True)\n"
    )
    lines = [
        f"encode {tmp_path}/in.wav {tmp_path}/codes.npz --codec {weights}",
        f"decode {tmp_path}/codes.npz {tmp_path}/out.flac",
        f"encode {tmp_path}/missing.wav {tmp_path}/codes.npz --codec {weights}",
        f"decode {tmp_path}/in.wav {tmp_path}/out.flac",
        f"train --data {tmp_path}/nowhere",
    ]
    done = subprocess.run(
        [sys.executable, "-c", script], input="\n".join(lines), capture_output=True, text=True, timeout=60, check=True,
        cwd=ROOT,
    )  # fmt: skip
    assert [line for line in done.stdout.splitlines() if line.startswith("exit")] == [
        "exit 0", "exit 0", "exit 2", "exit 2", "exit 2",
    ]  # fmt: skip
    errors = done.stderr.splitlines()
    assert len(errors) == 3, done.stderr
    assert all(line.startswith("codec: ") for line in errors)
    decoded, rate = soundfile.read(tmp_path / "out.flac")
    assert (rate, len(decoded)) == (SAMPLE_RATE, SAMPLE_RATE // 2)
    with pytest.raises(ValueError, match="no device"):
        pick_device("abacus")

"""A codec's run from what it is given to its end: bad manifests and audio, held-out crops, interrupted saves."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import torch
from safetensors import SafetensorError

from codec.commands.train import train
from codec.config import tiny
from codec.model import Codec
from codec.training.clips import find_clips, without_twins
from codec.training.data import Audio
from codec.training.held_out import HeldOut
from codec.training.progress import CodecProgress
from codec.training.reading import with_sound
from codec.training.recipe import CodecRecipe
from codec.training.run import CodecOrder, RunAudio
from codec.training.teacher import StoredTeacher
from corpus.durable import DiskFullError, replacing
from tests.support.speechlike import speech_like

SMALL = """
steps = 4
continuous_steps = 2
adversarial_steps = 0
batch = 1
frames = 4
kmeans_batches = 16
validate_every = 2
checkpoint_every = 2
log_every = 1
"""


@pytest.fixture
def speech(tmp_path: Path) -> Path:
    """Four files of 1.5 s, and manifests for training and validation."""
    folder = tmp_path / "speech"
    folder.mkdir()
    for number, name in enumerate("abcd"):
        soundfile.write(folder / f"{name}.wav", speech_like(1.5, number, 110 + 20 * number), 24_000)
    lists = {"train": "abc", "eval": "d"}
    for manifest, names in lists.items():
        rows = [{"path": f"{name}.wav", "seconds": 1.5, "licence": "CC0"} for name in names]
        (folder / f"{manifest}.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    (tmp_path / "small.toml").write_text(SMALL)
    return folder


def order(speech: Path, **changes: Any) -> CodecOrder:
    return CodecOrder([speech], speech.parent / "run", CodecRecipe(), **changes)


def go(speech: Path, **more: Any) -> None:
    train([speech], speech.parent / "run", "tiny", speech.parent / "small.toml", device="cpu", **more)


def test_manifests_are_used_for_what_they_are_called(speech: Path, capsys: pytest.CaptureFixture[str]) -> None:
    go(speech)
    said = capsys.readouterr().out
    assert "3 clips to train on, 0.00 h; 1 held out, 0.00 h" in said
    assert "validation at 4: mel" in said
    lines = (speech.parent / "run" / "validation.jsonl").read_text().splitlines()
    assert [json.loads(line)["step"] for line in lines] == [2, 4]
    (speech / "eval.jsonl").unlink()  # a folder is its audio then; one manifest may be named
    assert [clip.held_out for clip in find_clips([speech])] == [False] * 4
    assert len(find_clips([speech / "train.jsonl"])) == 3


def test_a_twin_of_what_is_held_out_is_not_trained_on(speech: Path) -> None:
    sound, rate = soundfile.read(speech / "d.wav")
    soundfile.write(speech / "c.flac", sound, rate)  # the same samples in another file, called otherwise
    (speech / "train.jsonl").write_text('{"path": "a.wav", "seconds": 1.5}\n{"path": "c.flac", "duration": 1.5}\n')
    data = RunAudio.open(order(speech))
    assert [clip.path.name for clip in data.training.clips] == ["a.wav"]
    assert [clip.path.name for clip in data.held_out.clips] == ["d.wav"]
    assert list(data.told) == ["1 clips sound like another one and were left out"]
    (kept, *_), gone = without_twins(find_clips([speech / "train.jsonl", speech / "eval.jsonl"]))
    assert (kept.path.name, gone) == ("a.wav", 1)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('{"path": "a.wav"}', r"train\.jsonl:2: seconds is missing"),
        ('{"path": "a.wav", "seconds": 0}', r"train\.jsonl:2: seconds: Input should be greater than 0, got 0"),
        ('{"path": "a.wav", "seconds": -1.5}', r"seconds: Input should be greater than 0, got -1\.5"),
        ('{"path": "a.wav", "seconds": "1.5"}', r"seconds: Input should be a valid number, got '1\.5'"),
        ('{"path": "a.wav", "seconds": 1500}', r"a\.wav has 1\.50 s, its manifest says 1500: .*milliseconds"),
        ('{"path": "a.wav", "seconds": 3.0}', r"a\.wav has 1\.50 s, its manifest says 3$"),
        ('{"path": "no.wav", "seconds": 1.5}', r"cannot read .*no\.wav as audio"),
        ('{"path": 3, "seconds": 1.5}', r"train\.jsonl:2: path: Input should be a valid string, got 3"),
        ('{"path": "a.wav", "second": 1.5}', r"train\.jsonl:2: unknown key 'second'; did you mean 'seconds'\?"),
        ('{"path": "a.wav", "seconds": 1.5, "speeker": "x"}', r"unknown key 'speeker'; did you mean 'speaker'\?"),
        ("nonsense", r"train\.jsonl:2: "),
    ],
)
def test_a_bad_line_of_a_manifest_is_told_before_the_first_step(speech: Path, line: str, message: str) -> None:
    (speech / "train.jsonl").write_text(f'{{"path": "b.wav", "seconds": 1.5, "text": null}}\n{line}\n')
    with pytest.raises(ValueError, match=message) as caught:
        go(speech)
    assert "\n" not in str(caught.value)
    assert not (speech.parent / "run").exists()


def test_what_holds_no_sound_is_counted_and_left_out(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 24_000)
    soundfile.write(tmp_path / "silent.wav", np.zeros(60_000), 24_000)
    with pytest.raises(ValueError, match=r"nothing is left .*1 of 2 clips are empty .*1 of 2 clips hold only silence"):
        with_sound(find_clips([tmp_path]))
    late = np.concatenate([np.zeros(60_000), speech_like(0.5, 1)])
    soundfile.write(tmp_path / "speech.wav", late, 24_000)
    clips, lines = with_sound(find_clips([tmp_path]))
    assert [clip.path.name for clip in clips] == ["speech.wav"]
    assert lines == ["1 of 3 clips are empty and were left out", "1 of 3 clips hold only silence and were left out"]
    (tmp_path / "torn.wav").write_bytes(b"RIFF")
    with pytest.raises(ValueError, match=r"cannot read .*torn\.wav as audio"):
        find_clips([tmp_path])


@pytest.mark.parametrize("damage", ["gone", "shorter", "torn"])
def test_audio_lost_in_mid_run_is_named_and_the_checkpoint_stays(speech: Path, damage: str) -> None:
    go(speech)
    checkpoint = speech.parent / "run" / "checkpoint.safetensors"
    whole = checkpoint.read_bytes()

    def spoil(line: str) -> None:
        for name in "abc":
            path = speech / f"{name}.wav"
            if damage == "gone":
                path.unlink(missing_ok=True)
            elif damage == "shorter":
                soundfile.write(path, np.ones(2_000) * 0.1, 24_000)
            else:
                path.write_bytes(b"RIFF")

    def say(line: str) -> None:
        if line.startswith("5/"):
            spoil(line)

    from codec.training.run import train as run

    recipe = CodecRecipe(
        steps=90, continuous_steps=2, adversarial_steps=0, batch=1, frames=4, kmeans_batches=16, log_every=1,
        checkpoint_every=50,
    )  # fmt: skip
    wanted = CodecOrder([speech], speech.parent / "run", recipe, "tiny", resume=True)
    with pytest.raises(ValueError, match=r"(cannot read .*[abc]\.wav as audio|[abc]\.wav ends before the 1\.50 s)"):
        run(wanted, torch.device("cpu"), say)
    assert checkpoint.read_bytes() == whole


def test_held_out_crops_cover_clips_once_and_count_by_their_length(tmp_path: Path) -> None:
    for name, seconds in (("long", 13.0), ("short", 2.0), ("blip", 0.05)):
        soundfile.write(tmp_path / f"{name}.wav", speech_like(seconds, len(name)), 24_000)
    audio = Audio(find_clips([tmp_path]))
    crops = HeldOut(audio)
    assert [len(crop) for crop in crops] == [144_000, 144_000, 24_000, 48_000]  # a clip of less than a frame has none
    parts = np.concatenate([crops[0], crops[1], crops[2]])
    assert np.array_equal(parts, audio.whole(1))
    assert [len(crop) for crop in HeldOut(audio, 2)] == [144_000, 24_000]
    torch.manual_seed(0)
    codec, found = Codec(tiny()).eval(), []
    for one in ([crops[0]], [crops[2]], [crops[0], crops[2]]):
        found.append(CodecProgress(tmp_path, one, lambda line: None).validate(1, codec)["mel"])
    assert found[2] == pytest.approx((144 * found[0] + 24 * found[1]) / 168)


def test_a_full_disk_and_a_kill_leave_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "codec.safetensors"
    codec = Codec(tiny())
    before = os.umask(0o027)
    try:
        codec.save(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640
    whole = path.read_bytes()
    scratch = tmp_path / ".codec.safetensors.saving"  # as a kill while safetensors wrote leaves it
    scratch.mkdir()
    (scratch / ".tmpXyZ").write_bytes(b"half")
    codec.save(path)
    assert [each.name for each in tmp_path.iterdir()] == [path.name]

    def full(*_: object) -> None:
        raise SafetensorError("I/O error: No space left on device (os error 28)")

    monkeypatch.setattr("codec.tensor_file.save_file", full)
    with pytest.raises(DiskFullError, match=r"disk full while writing .*codec\.safetensors"):
        codec.save(path)
    assert path.read_bytes() == whole
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    orphan = tmp_path / ".cache.i16.999999999.part"
    orphan.write_bytes(b"half")
    with replacing(tmp_path / "cache.i16", shared=True) as mine:
        mine.write_bytes(b"whole")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["cache.i16", path.name]


def test_a_teachers_features_are_of_the_sound_and_checked_when_read(tmp_path: Path) -> None:
    folder, cache, asked = tmp_path / "speech", tmp_path / "cache", []
    folder.mkdir()

    def sizes(sound: np.ndarray, text: str | None) -> np.ndarray:
        asked.append(len(sound))
        return np.full((len(sound) // 480, 2), float(np.abs(sound).max()), np.float16)

    def features(seed: int = 1) -> float:
        teacher = StoredTeacher(Audio(find_clips([folder])), sizes, "sizes", cache)
        return float(teacher._features[0, 0])

    soundfile.write(folder / "a.wav", 0.5 * speech_like(1.0, 1), 24_000)
    first = features()
    assert features() == first
    assert len(asked) == 1
    (values,) = cache.glob("*.npy")
    os.truncate(values, 300)
    assert features() == first
    assert len(asked) == 2
    soundfile.write(folder / "a.wav", 0.25 * speech_like(1.0, 1), 24_000)  # another sound under the same name
    os.utime(folder / "a.wav", ns=(1, 1))
    assert features() == pytest.approx(first / 2, rel=0.01)


def test_a_base_that_is_cut_off_is_named(speech: Path, tmp_path: Path) -> None:
    path = Codec(tiny()).save(tmp_path / "base.safetensors")
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(ValueError, match=r"base\.safetensors"):
        go(speech, init=str(path))
    path = Codec(tiny()).save(path)
    go(speech, init=str(path))
    with pytest.raises(ValueError, match=r"begun with something else: init was \"\w+\.\.\.\", is null"):
        go(speech, resume=True)
    with pytest.raises(ValueError, match="has taken 4 steps already; 3 are asked for"):
        go(speech, init=str(path), resume=True, steps=3)
    go(speech, init=str(path), resume=True)
    shutil.rmtree(speech)
    with pytest.raises(ValueError, match="neither a folder of audio"):
        go(speech, init=str(path), resume=True)
    with pytest.raises(ValueError, match=r"small\.toml is no folder"):
        train([speech], tmp_path / "small.toml", "tiny", device="cpu")

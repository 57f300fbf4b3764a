"""What travels: tokens, recordings and results come out as they went in, in files no larger than was asked for."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from agent.commands.pack import pack as pack_command
from agent.commands.unpack import unpack as unpack_command
from agent.files.vocabulary import train_vocabulary
from agent.tokens.shards import open_shard, read_manifest
from agent.training.pack import pack, unpack
from codec.training.clips import find_clips
from corpus.audio import read_mono
from tests.agent.tokens.test_streaming import folder as streaming_folder  # noqa: F401 (a fixture: twelve shards)
from tests.support.agent_training import write_tokens
from tests.support.speechlike import speech_like


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_tokens_come_out_as_they_went_in(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    vocabulary = train_vocabulary(["hello there my friend"] * 9, 270)
    tokens = write_tokens(tmp_path / "tokens", vocabulary)
    write_tokens(tokens / "validation", vocabulary)
    (tmp_path / "r.toml").write_text("steps = 1")
    pack_command([tokens, tmp_path / "r.toml"], tmp_path / "pack.zip")
    assert "pack.zip 0.0 MiB" in capsys.readouterr().out
    unpack_command(tmp_path / "pack.zip", tmp_path / "there")
    mine = {name: data for name, data in contents(tokens).items() if ".work" not in name}
    assert contents(tmp_path / "there" / "tokens") == mine
    assert (tmp_path / "there" / "r.toml").read_text() == "steps = 1"
    with pytest.raises(ValueError, match=r"r\.toml is there already"):
        unpack(tmp_path / "pack.zip", tmp_path / "there")
    with pytest.raises(ValueError, match=r"pack\.zip is there already"):
        pack([tokens], tmp_path / "pack.zip")
    pack([tokens, tmp_path / "r.toml"], tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (tmp_path / "pack.zip").read_bytes()
    damaged = bytearray((tmp_path / "pack.zip").read_bytes())
    damaged[len(damaged) // 2] ^= 255
    (tmp_path / "damaged.zip").write_bytes(damaged)
    with pytest.raises(ValueError, match=r"damaged\.zip is damaged"):
        unpack(tmp_path / "damaged.zip", tmp_path / "elsewhere")
    assert not [path for path in (tmp_path / "elsewhere").glob("*") if not path.name.startswith(".")]


def test_too_much_is_refused_with_the_hours_that_fit(streaming_folder: Path, tmp_path: Path) -> None:  # noqa: F811
    manifest = read_manifest(streaming_folder)
    hours = manifest.frames / 12.5 / 3600
    size = pack([streaming_folder], tmp_path / "whole.zip")[0].stat().st_size
    told = r"more than 0\.\d+ MiB at t/shards/.*: some 0\.0\d+ of 0\.0\d+ h fit: add --hours 0\.0\d+"
    with pytest.raises(ValueError, match=told):
        pack([streaming_folder], tmp_path / "large.zip", limit=0.6 * size / 2**20)
    assert [path.name for path in tmp_path.iterdir()] == ["whole.zip"]
    pack([streaming_folder], tmp_path / "some.zip", hours=hours / 2)
    (there,) = unpack(tmp_path / "some.zip", tmp_path / "there")
    some = read_manifest(there)
    assert 0.3 * hours < some.frames / 12.5 / 3600 <= hours / 2
    assert some.shards == manifest.shards[: len(some.shards)]
    for entry in some.shards:
        open_shard(there, entry)


def test_recordings_become_opus_with_a_manifest(tmp_path: Path) -> None:
    for speaker in ("ann", "bob"):
        (tmp_path / "people" / speaker).mkdir(parents=True)
        sound = speech_like(2.0, len(speaker) + ord(speaker[0]))
        soundfile.write(tmp_path / "people" / speaker / "one.wav", np.stack([sound, sound], axis=1), 24000)
    pack([tmp_path / "people"], tmp_path / "pack.zip")
    size = (tmp_path / "pack.zip").stat().st_size
    assert size < 0.25 * sum(path.stat().st_size for path in tmp_path.rglob("*.wav")) / 2
    (there,) = unpack(tmp_path / "pack.zip", tmp_path / "there")
    before, after = find_clips([tmp_path / "people"]), find_clips([there / "train.jsonl"])
    assert [(clip.speaker, round(clip.seconds, 2)) for clip in after] == [("ann", 2.0), ("bob", 2.0)]
    for one, other in zip(before, after, strict=True):
        original, heard = read_mono(one.path), read_mono(other.path)
        assert abs(len(original) - len(heard)) <= 1
        length = min(len(original), len(heard))
        assert np.corrcoef(original[:length], heard[:length])[0, 1] > 0.8


def test_a_result_comes_back_in_parts(tmp_path: Path) -> None:
    run = tmp_path / "run"
    (run / "best").mkdir(parents=True)
    (run / "shards-000010").mkdir()
    weights = np.random.default_rng(0).bytes(300_000)
    files = {"config.json": b"{}", "model.safetensors": weights, "best/model.safetensors": weights[::-1]}
    left = {"checkpoint.safetensors": weights, "shards-000010/a.safetensors": weights, "events.out.tfevents.1": b"x"}
    for name, data in {**files, **left}.items():
        (run / name).write_bytes(data)
    written = pack([run], tmp_path / "result.zip", parts=0.25)
    assert [path.name for path in written] == ["result.zip.001", "result.zip.002", "result.zip.003"]
    assert all(path.stat().st_size <= 0.25 * 2**20 for path in written)
    assert not (tmp_path / "result.zip").exists()
    unpack(written[0], tmp_path / "back")
    assert contents(tmp_path / "back" / "run") == files
    written[1].unlink()
    with pytest.raises(ValueError, match="damaged, or a part is missing"):
        unpack(written[0], tmp_path / "again")


def test_a_name_that_leads_out_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "bad.zip", "w") as archive:
        archive.writestr("../out.txt", "x")
    with pytest.raises(ValueError, match=r"'\.\./out\.txt' leads out of the folder"):
        unpack(tmp_path / "bad.zip", tmp_path / "there")
    with pytest.raises(ValueError, match="there is no"):
        pack([tmp_path / "nothing"], tmp_path / "p.zip")

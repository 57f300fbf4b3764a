"""Tokens read shard by shard: every dialogue in an epoch, the same crop for the same row and step, from any store."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agent.commands.train import train
from agent.tokens.shard_store import ShardStore
from agent.tokens.shard_writer import ShardWriter
from agent.tokens.shards import Shard, TokenManifest, TokenShard, VocabularyIdentity, read_manifest
from agent.tokens.streaming import WINDOW, StreamedTokens
from agent.tokens.text_stream import Placement
from agent.training.trainer import AgentTrainer
from tests.agent.tokens.test_crops import CODEC, CONFIG, VOCABULARY, dialogue, write

fsspec = pytest.importorskip("fsspec", reason="needs the extra 'ray'")
FRAMES, SHARDS, LANES = 20, 12, 2
LENGTHS = [20 + 10 * (number % 3) for number in range(2 * SHARDS)]  # frames; two dialogues a shard
DIALOGUES = [replace(dialogue(number, frames), placement=Placement(words=6)) for number, frames in enumerate(LENGTHS)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("stream") / "t"
    with ShardWriter(place) as writer:
        about = VocabularyIdentity.of(VOCABULARY)
        writer.begin(TokenManifest(codec=CODEC, vocabulary=about, variants=2, seed=0), VOCABULARY)
        for number in range(SHARDS):
            writer.append(DIALOGUES[2 * number : 2 * number + 2])
        writer.finish()
    return place


def opened(place: Path | str, copies: Path = Path("unused"), seed: int = 1, lanes: int = LANES) -> StreamedTokens:
    return StreamedTokens([ShardStore(place, copies)], CONFIG, lanes=lanes, frames=FRAMES, seed=seed, hints=0.5)


def number_of(codes: torch.Tensor) -> int:
    """Which dialogue a crop is of, by the agent's codes."""
    rows = codes[1:3].numpy()
    for number, each in enumerate(DIALOGUES):
        for start in range(each.frames - FRAMES + 1):
            if np.array_equal(each.agent[:, start : start + FRAMES], rows):
                return number
    raise AssertionError("these codes are in no dialogue")


def test_an_epoch_has_every_dialogue_and_lanes_share_no_shard(folder: Path) -> None:
    data = opened(folder)
    assert (len(data), data.hours) == (len(LENGTHS), sum(LENGTHS) / 12.5 / 3600)
    drawn: list[list[int]] = [[], []]
    steps = [data._window(0, lane) for lane in range(LANES)]
    ends = [0, 0]
    for lane in range(LANES):
        window = steps[lane]
        while window.epoch == 0:
            ends[lane] = window.end
            assert len(window.shards) <= WINDOW
            window = data._window(window.end, lane)
    for step in range(max(ends)):
        codes = data.batch(step, LANES, FRAMES).codes
        for lane in range(LANES):
            if step < ends[lane]:
                drawn[lane].append(number_of(codes[lane]))
    assert {number // 2 for number in drawn[0]}.isdisjoint(number // 2 for number in drawn[1])
    every = Counter(drawn[0] + drawn[1])
    assert set(every) == set(range(len(LENGTHS)))
    assert max(every.values()) <= 2  # of 20, 30 or 40 frames
    assert drawn[0] != sorted(drawn[0])


def test_a_crop_depends_on_seed_step_and_row_alone(folder: Path) -> None:
    straight = opened(folder)
    batches = [straight.batch(step, 2, FRAMES) for step in range(40)]
    for step in (33, 7, 39, 0):  # resumed anywhere, and gone back
        again = opened(folder).batch(step, 2, FRAMES)
        assert torch.equal(again.codes, batches[step].codes)
        assert torch.equal(straight.batch(step, 2, FRAMES).codes, batches[step].codes)
    halves = [opened(folder).batch(7, 1, FRAMES, part, 2).codes for part in (0, 1)]
    assert torch.equal(torch.cat(halves), batches[7].codes)
    assert not torch.equal(opened(folder, seed=2).batch(7, 2, FRAMES).codes, batches[7].codes)
    text = straight.text_batch(7, 2, FRAMES)
    assert torch.equal(opened(folder).text_batch(7, 1, FRAMES, 1).codes[0], text.codes[1])
    assert (text.codes[:, 0] >= 0).all()
    assert (text.codes[:, 1:] == -1).all()


def test_a_process_reads_the_shards_of_its_own_rows(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: set[str] = set()
    plain = ShardStore.shard

    def seen(self: ShardStore, entry: TokenShard) -> Shard:
        read.add(entry.file)
        return plain(self, entry)

    monkeypatch.setattr(ShardStore, "shard", seen)
    by_part = []
    for part in (0, 1):
        read.clear()
        data = opened(folder)
        for step in range(6):  # within the first epoch
            data.batch(step, 1, FRAMES, part, 2)
        data._readers.shutdown()
        by_part.append(set(read))
    assert by_part[0].isdisjoint(by_part[1])
    assert all(WINDOW <= len(files) <= 2 * WINDOW for files in by_part)


def test_any_store_gives_the_same_and_is_asked_again(folder: Path, tmp_path: Path) -> None:
    expected = opened(folder).batch(3, 2, FRAMES).codes
    store = fsspec.filesystem("memory")
    store.put(str(folder), "/tokens", recursive=True)
    for url in ("memory://tokens", f"file://{folder}", f"simplecache::file://{folder}"):
        assert torch.equal(opened(url, tmp_path / "copies").batch(3, 2, FRAMES).codes, expected)
    waits: list[float] = []
    shaky = ShardStore("memory://tokens", tmp_path / "copies", waits.append)
    plain, failures = shaky._files, 2

    class Shaky:
        def cat_file(self, path: str) -> bytes:
            nonlocal failures
            failures -= 1
            if failures >= 0:
                raise OSError("try again")
            return bytes(plain.cat_file(path))

    shaky._files = Shaky()
    entry = shaky.manifest.shards[0]
    assert shaky.shard(entry).ids == ("d0", "d1")
    assert waits == [1.0, 2.0]
    store.pipe(f"/tokens/shards/{entry.file}", b"x" * 99)
    with pytest.raises(ValueError, match=r"memory://tokens/shards/000000\.safetensors is truncated or changed"):
        ShardStore("memory://tokens", tmp_path / "copies").shard(entry)
    store.rm(f"/tokens/shards/{entry.file}")
    with pytest.raises(ValueError, match=r"cannot read shards/000000\.safetensors of the tokens in memory://tokens"):
        ShardStore("memory://tokens", tmp_path / "copies").shard(entry)


def test_what_cannot_be_streamed_is_said(folder: Path) -> None:
    with pytest.raises(ValueError, match="a step has 16 rows and each streams shards of its own, but there are 12"):
        opened(folder, lanes=16)
    with pytest.raises(ValueError, match="nothing is held out of what is streamed: give --validation"):
        train(out=folder / "run", stream=[str(folder)])
    with pytest.raises(ValueError, match="Give --data, or --stream"):
        train(out=folder / "run")


RECIPE = """
steps = 6
checkpoint_every = 3
batch = 2
frames = 20
held_out = 0
text_only = 0.3
[model]
preset = "tiny"
"""


def killed(_: AgentTrainer) -> None:
    raise KeyboardInterrupt


def test_the_command_streams_and_goes_on_to_the_bit(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "r.toml").write_text(RECIPE)
    store = fsspec.filesystem("memory")
    store.put(str(folder), "/run", recursive=True)
    validation = write(tmp_path / "validation")

    def go(name: str, **more: Any) -> bytes:
        order: dict[str, Any] = {"recipe": tmp_path / "r.toml", "validation": [validation], "stream": ["memory://run"]}
        train(out=tmp_path / name, device="cpu", **order, **more)
        return (tmp_path / name / "model.safetensors").read_bytes()

    expected = go("straight")
    assert read_manifest(tmp_path / "straight" / "streamed" / "0") == read_manifest(folder)
    assert (tmp_path / "straight" / "validation.jsonl").is_file()
    with monkeypatch.context() as patch:
        patch.setattr(AgentTrainer, "judge", killed)  # after step 6, of which the checkpoint is then of step 3
        with pytest.raises(KeyboardInterrupt):
            go("broken")
    assert go("broken", resume=True) == expected

"""A model shared among processes: the losses of one, also after a checkpoint of shares that others go on with."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from agent import LanguageModel, tiny
from agent.training.finetune import adapt
from agent.training.recipe import AgentRecipe
from agent.training.trainer import AgentTrainer
from codec.training import parallel
from tests.support.agent_training import CPU, SHARED, RandomCodes, everything
from tests.support.processes import fork, group, run_module

ROWS, BREAK, END = 4, 3, 6  # rows of a step, in all; steps before and after which it is gone on
FLOAT = SHARED.changed(steps=END, warmup=2)
SHORT = FLOAT.changed(precision="bfloat16")


def trainer_of(
    folder: Path, recipe: AgentRecipe, sharded: bool = False, lora: bool = False, seed: int = 0
) -> AgentTrainer:
    """One that learns from `ROWS` rows a step, in as many processes as there are; `lora`: adapters on bfloat16."""
    torch.manual_seed(seed)
    config = tiny()
    model = LanguageModel(config)
    if lora:
        adapt(model.bfloat16(), 2, 2.0, seed)
    recipe = recipe.changed(batch=ROWS // parallel.world_size())
    folder.mkdir(parents=True, exist_ok=True)
    return AgentTrainer(model, recipe, RandomCodes(config), folder, CPU, sharded=sharded)


def losses(trainer: AgentTrainer, until: int) -> list[float]:
    found = []
    while trainer.step < until:
        found.append(trainer.train_step().parts["loss"])
        trainer.step += 1
    return found


def work(out: Path, rank: int) -> None:
    """One of four processes: two begin, two and four go on; four with layers in bfloat16; two with adapters."""
    torch.set_num_threads(1)
    found: dict[str, list[float]] = {}
    for size in (2, 4):
        with group(rank, size, out / f"meeting-{size}") as there:
            if not there:
                continue
            place = out / f"by-{size}"
            trainer = trainer_of(place, FLOAT, sharded=True, seed=rank)
            if size == 2:
                found["before"] = losses(trainer, BREAK)
                trainer.save()
                if rank == 0:
                    for each in ("by-4", "by-1"):
                        shutil.copytree(place, out / each)
            else:
                found["straight"] = losses(trainer, END)
                trainer = trainer_of(place, FLOAT, sharded=True, seed=7 + rank)
                trainer.resume()
                found["after"] = losses(trainer, END)
                trainer.save()
                trainer.save()  # where it stands
                found["short"] = losses(trainer_of(out / "short", SHORT, sharded=True), BREAK)
    with group(rank, 2, out / "meeting-lora") as there:
        if there:
            trainer = trainer_of(out / "lora", SHORT, sharded=True, lora=True, seed=rank)
            found["lora"] = losses(trainer, BREAK)
            trainer.save()
            trainer = trainer_of(out / "lora", SHORT, sharded=True, lora=True)
            trainer.resume()
            found["lora"] += losses(trainer, END)
            whole = trainer.whole_model()
            assert any(p.is_meta for p in whole.parameters()) == (rank > 0)  # one process holds it
    if rank == 0:
        (out / "losses.json").write_text(json.dumps(found))


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, list[float]]]:
    out = tmp_path_factory.mktemp("shared")
    run_module("tests.agent.training.test_sharded", out)
    return out, json.loads((out / "losses.json").read_text())


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> tuple[AgentTrainer, list[float]]:
    trainer = trainer_of(tmp_path_factory.mktemp("alone"), FLOAT)
    return trainer, losses(trainer, END)


def test_two_begin_four_or_one_go_on_with_the_losses_of_one(
    shared: tuple[Path, dict[str, list[float]]], alone: tuple[AgentTrainer, list[float]]
) -> None:
    (out, found), (_, expected) = shared, alone
    assert len({round(loss, 4) for loss in expected}) == END
    assert found["straight"] == pytest.approx(expected, rel=1e-4)
    assert found["before"] + found["after"] == pytest.approx(expected, rel=1e-4)
    one = trainer_of(out / "by-1", FLOAT, seed=9)
    assert "recipe.batch 2 -> 4" in one.resume()
    assert losses(one, END) == pytest.approx(expected[BREAK:], rel=1e-4)


def test_a_share_lies_in_every_file_and_older_ones_go(
    shared: tuple[Path, dict[str, list[float]]], tmp_path: Path
) -> None:
    place = tmp_path / "run"
    shutil.copytree(shared[0] / "by-4", place)
    folders = [path.name for path in place.glob("shards-*")]
    assert folders == [f"shards-{END:06d}-again"]
    files = sorted((place / folders[0]).iterdir())
    assert len(files) == 4
    assert (place / "checkpoint.safetensors").stat().st_size < 10_000
    sizes = [path.stat().st_size for path in files]
    assert max(sizes) < 2 * min(sizes)
    again = trainer_of(place, FLOAT)
    again.resume()
    parts = [load_file(path) for path in files]
    whole = everything(again)  # written by one: the shares go
    assert not list(place.glob("shards-*"))
    assert whole.keys() == {name for part in parts for name in part}
    for name, tensor in whole.items():
        shares = [part[name] for part in parts if name in part]
        assert torch.equal(shares[0] if tensor.ndim == 0 else torch.cat(shares), tensor), name


def test_a_share_that_is_cut_off_is_named(shared: tuple[Path, dict[str, list[float]]], tmp_path: Path) -> None:
    place = tmp_path / "run"
    shutil.copytree(shared[0] / "by-1", place)
    victim = sorted(place.glob("shards-*/*"))[0]
    victim.write_bytes(victim.read_bytes()[:-1])
    with pytest.raises(ValueError, match=rf"{victim.name} is missing or cut off: the checkpoint in"):
        trainer_of(place, FLOAT).resume()


def test_layers_in_bfloat16_and_adapters_on_a_shared_base_learn_as_alone(
    shared: tuple[Path, dict[str, list[float]]], alone: tuple[AgentTrainer, list[float]], tmp_path: Path
) -> None:
    _, found = shared
    assert found["short"] == pytest.approx(alone[1][:BREAK], rel=0.01)
    assert found["short"] != pytest.approx(alone[1][:BREAK], rel=1e-5)  # it is another arithmetic
    expected = losses(trainer_of(tmp_path, SHORT, lora=True), END)
    assert found["lora"] == pytest.approx(expected, rel=0.01)
    assert expected[-1] < expected[0]


if __name__ == "__main__":
    place = Path(sys.argv[1])
    fork(4, lambda rank: work(place, rank))

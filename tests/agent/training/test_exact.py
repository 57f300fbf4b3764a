"""One gradient and one loss, however a step is cut into passes and processes; validation is a figure of the model."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from agent import LanguageModel, tiny
from agent.training.recipe import AgentRecipe, read_recipe
from agent.training.trainer import AgentTrainer
from tests.support.agent_training import CPU, RandomCodes
from tests.support.places import DATASETS
from tests.support.processes import fork, group, run_module

LENGTHS = (20, 3, 17, 20, 8, 20, 2, 11)  # frames of the eight dialogues of a step


def shipped(**changes: object) -> AgentRecipe:
    """The shipped recipe's weights, chances and shares, at a tiny size; dropout is drawn pass by pass."""
    recipe = read_recipe(DATASETS / "agent-laptop.toml")
    assert recipe.pad_weight != 1.0
    assert recipe.depth_frames < 1.0
    fixed = {"frames": 20, "dropout": 0.0, "unspoken": 0, "text_only": 0.0, "precision": "float32", "compile": False}
    return recipe.changed(**{**fixed, "gradient_checkpointing": False, **changes})


class Padded(RandomCodes):
    """Random codes in which the agent says mostly nothing, by unequal lengths."""

    def batch(self, step: int, rows: int, frames: int, part: int = 0, parts: int = 1) -> object:  # type: ignore[override]
        crop = super().batch(step, rows, frames, part, parts)
        crop.codes[:, 0].masked_fill_((crop.codes[:, 0] >= 0) & (crop.codes[:, 0] % 3 > 0), self.config.pad)
        return crop


def step(folder: Path, batch: int, accumulate: int) -> tuple[dict[str, torch.Tensor], dict[str, float], AgentTrainer]:
    """The gradient of one step, by parameter, and what it reports."""
    torch.manual_seed(0)
    config = tiny()
    recipe = shipped(batch=batch, accumulate=accumulate)
    trainer = AgentTrainer(LanguageModel(config), recipe, Padded(config, LENGTHS), folder, CPU)  # type: ignore[arg-type]
    found: dict[str, torch.Tensor] = {}
    trainer.optimizer.step = lambda: found.update({n: p.grad.clone() for n, p in trainer.trained.items()})  # type: ignore
    return found, dict(trainer.train_step().parts), trainer


def test_passes_add_up_to_one_gradient(tmp_path: Path) -> None:
    whole, told, trainer = step(tmp_path, 8, 1)
    assert trainer.seen.as_list() == [sum(LENGTHS), 0, 160]
    for batch, accumulate in ((4, 2), (2, 4), (1, 8)):
        found, parts, other = step(tmp_path, batch, accumulate)
        assert parts == pytest.approx(told, rel=1e-5)
        assert other.seen == trainer.seen
        for name, gradient in whole.items():
            torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=1e-6 * float(gradient.abs().max() + 1))


CUTS = [(2, 4, 1), (2, 1, 4), (4, 2, 1)]  # processes, batch, accumulate


def work(out: Path, rank: int) -> None:
    """One of four processes: a step cut in each way, as many of them as it takes."""
    torch.set_num_threads(1)
    for number, (processes, batch, accumulate) in enumerate(CUTS):
        with group(rank, processes, out / f"meeting-{number}") as there:
            if there:
                found, parts, trainer = step(out, batch, accumulate)
                assert trainer.seen.frames == 101, trainer.seen
                found["loss"] = torch.tensor(parts["loss"])
                save_file(found, out / f"{number}-{rank}.safetensors")


def test_processes_add_up_to_one_gradient(tmp_path: Path) -> None:
    whole, told, _ = step(tmp_path, 8, 1)
    run_module("tests.agent.training.test_exact", tmp_path)
    for number, (processes, _, _) in enumerate(CUTS):
        for rank in range(processes):
            found = load_file(tmp_path / f"{number}-{rank}.safetensors")
            assert found.pop("loss").item() == pytest.approx(told["loss"], rel=1e-5)  # everybody's, not its own
            for name, gradient in whole.items():
                atol = 1e-6 * float(gradient.abs().max() + 1)
                torch.testing.assert_close(found[name], gradient, rtol=1e-4, atol=atol)


def test_validation_is_the_same_at_any_batch_size_and_seed(tmp_path: Path) -> None:
    config = tiny()
    torch.manual_seed(0)
    model, data = LanguageModel(config), Padded(config, (13,))
    figures = []
    for changes in ({"batch": 1}, {"batch": 2}, {"batch": 5, "seed": 9}, {"batch": 3, "masking": 0.3}):
        recipe = shipped(**changes)
        held_out: object = data
        trainer = AgentTrainer(model, recipe, data, tmp_path, CPU, held_out=held_out)  # type: ignore[arg-type]
        figures.append(trainer.validate())
    for figure in figures[1:]:
        assert figure == pytest.approx(figures[0], rel=1e-5)
    recipe = shipped(validation_crops=2)
    some = AgentTrainer(model, recipe, data, tmp_path, CPU, held_out=data).validate()  # type: ignore[arg-type]
    assert some["loss"] != pytest.approx(figures[0]["loss"], rel=1e-4)


if __name__ == "__main__":
    place = Path(sys.argv[1])
    fork(4, lambda rank: work(place, rank))

"""The loss on held-out dialogues: a figure of the model, whatever the size of a batch, the seed or the processes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from codec.training import parallel
from codec.training.spread import spread

from .objective import Objective
from .passes import TrainingBatch
from .recipe import AgentRecipe


class Crops(Protocol):
    """Fixed crops that cover dialogues once."""

    def crop_count(self, frames: int) -> int:
        """How many there are of `frames` frames."""

    def fixed(self, numbers: Sequence[int], frames: int) -> TrainingBatch:
        """Some of them."""


@torch.no_grad()
def validate(objective: Objective, held_out: Crops, recipe: AgentRecipe, device: torch.device) -> dict[str, float]:
    """Loss and parts over all held-out crops, or `recipe.validation_crops` of them, spread evenly.

    Nothing is hidden, drawn or left out: frames count by the chance that training learns them. Every process judges a
    share; all of them get the figures.
    """
    count = held_out.crop_count(recipe.frames)
    numbers = spread(count, recipe.validation_crops)
    batches = [numbers[start : start + recipe.batch] for start in range(0, len(numbers), recipe.batch)]
    world, rank = parallel.world_size(), parallel.rank()
    sums = counts = torch.zeros(())
    objective.eval()
    for turn in range(-(-len(batches) // world)):  # as many in each process: a shared model needs all of them
        index = turn * world + rank
        batch = held_out.fixed(batches[min(index, len(batches) - 1)], recipe.frames)
        lesson = objective.lesson(batch.codes.to(device), batch.labels)
        real = float(index < len(batches))
        sums, counts = sums + real * objective(lesson).double().cpu(), counts + real * lesson.counts.double().cpu()
    objective.train()
    both = torch.stack([sums, counts]).float().to(device)
    parallel.sum_over_processes([both])
    parts = objective.parts(both[0], both[1])
    values = torch.stack([objective.total(both[0], both[1]), *parts.values()]).tolist()
    return dict(zip(["loss", *parts], values, strict=True))

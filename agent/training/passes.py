"""What the passes of a step train on: crops of dialogues or text alone, rows to read beside them, draws, and counts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from codec.training import parallel
from codec.training.draws import Draw
from codec.training.seeds import seeded

from .recipe import AgentRecipe


class TrainingBatch(Protocol):
    """Crops of dialogues."""

    @property
    def codes(self) -> Tensor:
        """int64 `[B, K, T]` in the model's order, -1 for no token."""

    @property
    def labels(self) -> Tensor:
        """uint8 `[B, T]`, see `frame_labels.Label`."""


class Batches(Protocol):
    """Where crops come from; the same arguments give the same batch."""

    def batch(self, step: int, rows: int, frames: int, part: int = 0, parts: int = 1) -> TrainingBatch:
        """Crops of dialogues for a step: part `part` of the `rows` x `parts` there are."""

    def text_batch(self, step: int, rows: int, frames: int, part: int = 0) -> TrainingBatch:
        """The same without audio."""


class Texts(Protocol):
    """Where crops without sound come from; the same arguments give the same batch."""

    def batch(self, step: int, rows: int, frames: int, part: int = 0) -> TrainingBatch:
        """Crops of dialogues nobody has spoken, for a part of a step."""


@dataclass(frozen=True)
class Pass:
    """One part of a step."""

    codes: Tensor  # int64 [B, K, T]
    labels: Tensor  # uint8 [B, T]
    draw: Draw  # of its rows, among those of the whole step
    seen: Tensor  # int64 [3], as `progress.Seen.of` takes it


def rows_of(recipe: Mapping[str, int]) -> dict[str, int]:
    """Rows that a step of a recipe hears and reads, in as many processes as there are."""
    parts = parallel.world_size() * recipe.get("accumulate", 1)
    return {"heard": parts * recipe["batch"], "read": parts * recipe.get("unspoken", 0)}


@dataclass(frozen=True)
class Passes:
    """Where the passes of every step come from; the same arguments give the same pass."""

    recipe: AgentRecipe
    data: Batches
    unspoken: Texts | None  # to read beside crops that have sound

    @property
    def rows(self) -> dict[str, int]:
        """Of a step, in all passes and processes."""
        return rows_of(self.recipe.model_dump())

    def of(self, step: int) -> list[Pass]:
        """Those of this process in a step."""
        first = parallel.rank() * self.recipe.accumulate
        return [self._part(step, part) for part in range(first, first + self.recipe.accumulate)]

    def text_only(self, step: int) -> bool:
        """Whether a step trains on text without audio."""
        return bool(torch.rand((), generator=seeded(self.recipe.seed, step)) < self.recipe.text_only)

    def _part(self, step: int, part: int) -> Pass:
        recipe, silent = self.recipe, self.text_only(step)
        rows, frames, parts = recipe.batch, recipe.frames, parallel.world_size() * recipe.accumulate
        batch = (
            self.data.text_batch(step, rows, frames, part)
            if silent
            else self.data.batch(step, rows, frames, part, parts)
        )
        codes, labels, numbers = batch.codes, batch.labels, torch.arange(part * rows, (part + 1) * rows)
        total, there = parts * rows, (codes[:, 0] >= 0).sum()
        sound, places = int(not silent), torch.tensor(codes[:, 0].numel())
        seen = torch.stack([there * sound, there * (1 - sound), places * sound])
        if self.unspoken is not None and not silent:
            more = recipe.unspoken
            read = self.unspoken.batch(step, more, frames, part)
            codes, labels = torch.cat([codes, read.codes]), torch.cat([labels, read.labels])
            numbers = torch.cat([numbers, total + torch.arange(part * more, (part + 1) * more)])
            total += parts * more
            seen[1] += (read.codes[:, 0] >= 0).sum()
        return Pass(codes, labels, Draw(seeded(recipe.seed, step, 0), numbers, total), seen)

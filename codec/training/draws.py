"""Random numbers for the rows of a step, the same whichever pass or process a row is in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Draw:
    """Draws for the rows of one pass."""

    generator: torch.Generator  # of the CPU, seeded alike for all passes of a step
    rows: Tensor | None = None  # int64 [B], the numbers of the pass's rows among all of the step; None: they are all
    total: int = 0  # rows of the step

    def rand(self, rows: int, *shape: int) -> Tensor:
        """Evenly in 0..1: float32 `[rows, *shape]`."""
        return self._mine(rows, lambda count: torch.rand((count, *shape), generator=self.generator))

    def normal(self, rows: int, *shape: int) -> Tensor:
        """Of the normal distribution: float32 `[rows, *shape]`."""
        return self._mine(rows, lambda count: torch.randn((count, *shape), generator=self.generator))

    def whole(self, low: int, high: int, rows: int) -> Tensor:
        """Whole numbers from `low` to below `high`: int64 `[rows]`."""
        return self._mine(rows, lambda count: torch.randint(low, high, (count,), generator=self.generator))

    def _mine(self, rows: int, drawn: Callable[[int], Tensor]) -> Tensor:
        return drawn(rows) if self.rows is None else drawn(self.total)[self.rows]

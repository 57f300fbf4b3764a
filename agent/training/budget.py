"""A run of so many minutes: the number of its steps is what the speed measured so far leaves time for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import torch

from codec.training import parallel

RECENT = 8  # steps over which the speed is measured


class TimeBudget:
    """Minutes to train in, those of earlier parts of the run included. What validation takes counts, too."""

    def __init__(self, minutes: float, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises ValueError unless there are minutes to train in."""
        if not minutes > 0:
            raise ValueError(f"--minutes {minutes:g} leaves no time to train")
        self.minutes = minutes
        self._clock = clock
        self._before = 0.0  # s that earlier parts took
        self._began: float | None = None
        self._ends: deque[float] = deque(maxlen=RECENT + 1)

    def guess(self, step: int, spent: float) -> int:
        """How many steps there will be, where so many were taken in so many seconds of an earlier part."""
        whole = 60 * self.minutes
        return max(1, step, round(step * whole / spent) if spent > 0 else 0, step + (spent < whole))

    def begin(self, spent: float | None = None) -> None:
        """Start the clock, after so many seconds of earlier parts."""
        self._before = self._before if spent is None else spent
        self._began = self._clock()
        self._ends.clear()
        self._ends.append(self._began)

    @property
    def spent(self) -> float:
        """Seconds of the run up to now."""
        return self._before + (0.0 if self._began is None else self._clock() - self._began)

    def steps(self, step: int) -> int:
        """How many steps the run will have, at the end of step number `step`; that number when the time is over.

        The same in all processes: the first one's clock counts.
        """
        self._ends.append(self._clock())
        pace = (self._ends[-1] - self._ends[0]) / (len(self._ends) - 1)
        left = max(0.0, 60 * self.minutes - self.spent)
        more = round(left / max(pace, 1e-6)) if left >= pace / 2 else 0
        if parallel.world_size() > 1:
            told = torch.tensor([float(more) * (parallel.rank() == 0)], device=parallel.message_device())
            parallel.sum_over_processes([told])
            more = round(told.item())
        return step + more

"""What a part of the measurement is given and gives: a device, an effort, a time to end, and lines as they come."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

Figure = float | int | str | bool | None


@dataclass(frozen=True)
class Line:
    """One result."""

    part: str
    name: str
    figures: dict[str, Figure] = field(default_factory=dict)


@dataclass(frozen=True)
class Effort:
    """On what, how much, and until when."""

    device: str  # cpu or cuda
    smallest: bool  # see that it runs
    ends: float  # on the clock
    clock: Callable[[], float] = time.monotonic

    @property
    def left(self) -> float:
        """Seconds till the end."""
        return self.ends - self.clock()

    @property
    def on_card(self) -> bool:
        """Whether there is one."""
        return self.device != "cpu"

    def wait(self) -> None:
        """Until the card is done."""
        if self.on_card:
            torch.cuda.synchronize()

    def gigabytes(self) -> float | None:
        """The most that the card held, None without one."""
        return round(torch.cuda.max_memory_allocated() / 1e9, 2) if self.on_card else None


Say = Callable[[Line], None]
Work = Callable[[Effort, Say], None]

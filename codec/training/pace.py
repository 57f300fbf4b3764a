"""How fast a run goes, measured over its last lines; the first step, which warms up, is no part of it."""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable

LINES = 10  # over which speed is measured


class Pace:
    """Marks of (time, step, amount done so far)."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._marks: list[tuple[float, int, float]] = []

    def mark(self, step: int, amount: float) -> None:
        """Take note of a step's end and the amount done up to it; once for a step."""
        if self._marks and self._marks[-1][1] == step:
            return
        self._marks = [*self._marks[-LINES:], (self._clock(), step, amount)]

    @property
    def begun(self) -> bool:
        """Whether there is a mark."""
        return bool(self._marks)

    def speed(self) -> tuple[float, float] | None:
        """Seconds per step and amount per second; None before there are two marks."""
        if len(self._marks) < 2:
            return None
        (began, first, before), (now, last, after) = self._marks[0], self._marks[-1]
        seconds = max(now - began, 1e-9)
        return seconds / max(last - first, 1), (after - before) / seconds

    def left(self, steps: int) -> str:
        """The time that so many steps take, as h:mm:ss; "" before it is known."""
        speed = self.speed()
        return "" if speed is None else str(datetime.timedelta(seconds=round(speed[0] * steps)))

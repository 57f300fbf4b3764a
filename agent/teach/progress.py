"""One line for all stages: which one it is, how much is done, how long it will take."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import timedelta
from types import TracebackType

from rich.console import Console
from rich.status import Status

LINE_SECONDS = 10.0  # between lines where no terminal can redraw
EARLIEST = 0.02  # share of the work from which the rest is guessed


class TeachProgress:
    """A line that is redrawn on a terminal, one now and then elsewhere. Use as a context manager."""

    def __init__(self, console: Console, work: float, clock: Callable[[], float] = time.monotonic) -> None:
        """`work`: the shares of all stages that are yet to be done, summed. `clock` gives seconds that only rise."""
        self._console, self._work, self._clock = console, work, clock
        self._begun = self._said = clock()
        self._before = self._share = 0.0
        self._title = ""
        self._status = Status("", console=console) if console.is_terminal else None

    def __enter__(self) -> TeachProgress:
        if self._status:
            self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._status:
            self._status.stop()

    def stage(self, title: str, share: float) -> None:
        """A stage begins that is such a share of all the work."""
        self._before, self._share, self._title = self._before + self._share, share, title
        self._say(self.line(0.0), now=True)

    def advance(self, done: float, total: float) -> None:
        """So much of the stage is done."""
        part = min(done / total, 1.0) if total > 0 else 1.0
        self._say(self.line(part))

    def line(self, part: float) -> str:
        """All of it in one line."""
        if not self._work:
            return self._title
        share = (self._before + part * self._share) / self._work
        left = ""
        if share >= EARLIEST:
            seconds = (self._clock() - self._begun) * (1 - share) / share
            left = f", about {timedelta(seconds=round(seconds))} left"
        return f"{self._title}: {100 * share:.0f} %{left}"

    def _say(self, line: str, now: bool = False) -> None:
        if self._status:
            self._status.update(line)
        elif now or self._clock() - self._said >= LINE_SECONDS:
            self._said = self._clock()
            self._console.print(line, highlight=False)

"""What the next step trains on, drawn while a card is busy with this one. It is the same as drawn when asked for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

T = TypeVar("T")


class Ahead(Generic[T]):
    """`draw(step)`, asked for step after step; it must depend on nothing but the step."""

    def __init__(self, draw: Callable[[int], T], on: bool = True) -> None:
        """`on`: draw ahead in a thread; else when asked, as is best where the CPU itself trains."""
        self._draw = draw
        self._thread = ThreadPoolExecutor(1, "ahead") if on else None
        self._waiting: tuple[int, Future[T]] | None = None

    def __call__(self, step: int) -> T:
        """What a step trains on. Raises what drawing it raised."""
        if self._thread is None:
            return self._draw(step)
        drawn = self._waiting[1] if self._waiting is not None and self._waiting[0] == step else None
        drawn = drawn or self._thread.submit(self._draw, step)
        self._waiting = step + 1, self._thread.submit(self._draw, step + 1)
        return drawn.result()

"""Fixed-size rings: samples into whole frames, and frames that wait."""

from __future__ import annotations

from collections import deque
from typing import Generic, TypeVar

import numpy as np

from corpus.audio import FRAME_SAMPLES, Samples

T = TypeVar("T")


class Framer:
    """Cuts a stream of any pieces into frames of 1920 samples, sample for sample."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)

    def cut(self, pcm: Samples) -> list[Samples]:
        """The frames completed by float32 `[n]`; what is left waits, always less than a frame."""
        joined = np.concatenate([self._rest, pcm])
        whole = len(joined) // FRAME_SAMPLES * FRAME_SAMPLES
        self._rest = joined[whole:].copy()
        return list(joined[:whole].reshape(-1, FRAME_SAMPLES))


class Ring(Generic[T]):
    """A first-in first-out queue that never holds more than `capacity`; `put` returns what fell out."""

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError(f"a ring needs room for at least one frame, got {capacity}")
        self.capacity = capacity
        self._items: deque[T] = deque()

    def __len__(self) -> int:
        return len(self._items)

    def __getitem__(self, index: int) -> T:
        return self._items[index]

    def put(self, item: T) -> T | None:
        """Append; the oldest is pushed out of a full ring and returned."""
        lost = self._items.popleft() if len(self._items) == self.capacity else None
        self._items.append(item)
        return lost

    def pop(self, index: int = 0) -> T:
        """Take one out, by default the oldest."""
        item = self._items[index]
        del self._items[index]
        return item

    def drain(self) -> list[T]:
        """Take all, oldest first."""
        items = list(self._items)
        self._items.clear()
        return items

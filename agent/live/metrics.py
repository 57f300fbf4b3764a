"""What a running scheduler counts, as plain values."""

from __future__ import annotations

import bisect
import threading
from dataclasses import dataclass

from .session import Counters

BOUNDS = (5.0, 10.0, 20.0, 30.0, 40.0, 60.0, 80.0, 120.0, 160.0, 320.0, 640.0)  # ms, upper, of the histogram


RECENT = 0.2  # weight of the newest step when steps become quicker


def expected_ms(before: float, took: float) -> float:
    """The time to expect of the next step: a slow one counts at once, quick ones bring it down by a fifth each."""
    return max(took, RECENT * took + (1 - RECENT) * before)


@dataclass(frozen=True)
class Histogram:
    """Times of steps."""

    bounds: tuple[float, ...]  # ms, inclusive upper bounds; one more bucket follows without
    counts: tuple[int, ...]  # of each bucket, not summed up
    sum_ms: float
    count: int


class StepHistogram:
    """Collects a histogram; any thread may read it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts = [0] * (len(BOUNDS) + 1)
        self._sum = 0.0

    def add(self, ms: float) -> None:
        """Count one step."""
        with self._lock:
            self._counts[bisect.bisect_left(BOUNDS, ms)] += 1
            self._sum += ms

    def picture(self) -> Histogram:
        """The counts so far."""
        with self._lock:
            return Histogram(BOUNDS, tuple(self._counts), self._sum, sum(self._counts))


@dataclass(frozen=True)
class Metrics:
    """A picture of a scheduler; sums are since its start."""

    sessions: int  # talking
    waiting: int  # in the queue
    suspended: int  # kept for their clients to come back
    admitted: int
    refused: int
    ended: dict[str, int]  # by reason
    frames: Counters  # of all sessions there were
    lag_ms: dict[str, float]  # by session's id, now
    delay_ms: dict[str, float]  # by session's id, from a frame's coming to its answer, last one
    pace_ms: float  # expected time of a step
    frame_ms: Histogram  # of steps, all sessions together
    slots: int  # conversations that the partner has room for
    moved: int  # slots that had a frame, summed over all steps
    idle: int  # slots that had none while others had

"""A sound device that keeps what it plays: an agent's sound as its user heard it, put together from timed pieces."""

from __future__ import annotations

import numpy as np

from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Samples


class Loudspeaker:
    """Plays pieces in order, each when it is handed over and the one before it is over. Times are seconds."""

    def __init__(self) -> None:
        self._pieces: list[tuple[int, Samples]] = []
        self._end = 0  # samples

    @property
    def end(self) -> float:
        """When the last piece will be over; 0 before there is one."""
        return self._end / SAMPLE_RATE

    def play(self, at: float, sound: Samples) -> None:
        """A piece float32 `[n]` at 24 kHz, handed over at a time."""
        start = max(round(at * SAMPLE_RATE), self._end)
        self._pieces.append((start, sound))
        self._end = start + len(sound)

    def playing(self, at: float, gap: float) -> bool:
        """Whether something plays at a time, or was over less than `gap` s before."""
        return bool(self._pieces) and at < self.end + gap

    def frame(self, index: int) -> Samples:
        """What is played in a frame, counted from 0: `[1920]`."""
        return self._span(index * FRAME_SAMPLES, (index + 1) * FRAME_SAMPLES, newest=True)

    def sound(self, seconds: float) -> Samples:
        """All of it up to a time, in whole frames."""
        return self._span(0, round(seconds / FRAME_SECONDS) * FRAME_SAMPLES)

    def _span(self, start: int, end: int, newest: bool = False) -> Samples:
        span = np.zeros(max(end - start, 0), np.float32)
        for begin, piece in reversed(self._pieces):
            if newest and begin + len(piece) <= start:
                break  # so are all before it
            first, last = max(begin, start), min(begin + len(piece), end)
            if first < last:
                span[first - start : last - start] = piece[first - begin : last - begin]
        return span

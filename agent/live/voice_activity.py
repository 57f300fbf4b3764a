"""Whether somebody speaks, by the energy of frames above a floor that follows the noise; with hysteresis."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE, Samples

ABOVE_FLOOR = 12.0  # dB over the noise floor that count as speech
LEAST_LEVEL = -50.0  # dBFS below which nothing counts as speech
RISE = 0.05  # dB per frame by which the floor creeps up: 0.6 dB a second
HIGHEST_FLOOR = -30.0  # dBFS: steady speech must not become the floor
FRAMES_TO_START, FRAMES_TO_STOP = 2, 7  # 160 ms, 560 ms
QUIETEST = -100.0  # dBFS


@dataclass(frozen=True)
class SpeechEvent:
    """The user started or stopped speaking."""

    kind: Literal["started", "stopped"]
    at_ms: float  # of the stream that came in


def level(frame: Samples) -> float:
    """Root mean square of float samples, in dBFS, at least -100."""
    power = float(np.mean(np.square(frame, dtype=np.float64)))
    return max(10 * math.log10(power), QUIETEST) if power > 0 else QUIETEST


class VoiceActivity:
    """The detector of one stream; its state is explicit and small."""

    def __init__(self) -> None:
        self.floor = HIGHEST_FLOOR - ABOVE_FLOOR  # dBFS
        self.speaking = False
        self._run = 0  # frames in a row against `speaking`

    def hear(self, frame: Samples, end: int) -> tuple[bool, SpeechEvent | None]:
        """Judge the next frame.

        Args:
            frame: float32 `[1920]`.
            end: samples of the stream up to and with this frame.

        Returns:
            whether this very frame sounds like speech, and a change of the smoothed state if there is one.
        """
        heard = level(frame)
        self.floor = min(heard, self.floor + RISE, HIGHEST_FLOOR)
        loud = heard > max(LEAST_LEVEL, self.floor + ABOVE_FLOOR)
        self._run = self._run + 1 if loud != self.speaking else 0
        if self._run < (FRAMES_TO_STOP if self.speaking else FRAMES_TO_START):
            return loud, None
        start = end - self._run * FRAME_SAMPLES  # where the run began
        self.speaking, self._run = not self.speaking, 0
        return loud, SpeechEvent("started" if self.speaking else "stopped", 1e3 * start / SAMPLE_RATE)

"""A stream of sound from one rate to another."""

from __future__ import annotations

import numpy as np
import soxr  # type: ignore[import-untyped]

from corpus.audio import Samples


class Resampler:
    """Takes any pieces.

    soxr's "LQ" holds back 3 ms between 24 and 48 kHz (44.1: 11 ms) and lets 14 kHz fold over at -107 dB; "HQ" holds
    back 29 ms.
    """

    def __init__(self, source_rate: int, rate: int) -> None:
        self._stream = None if source_rate == rate else soxr.ResampleStream(source_rate, rate, 1, "float32", "LQ")

    def __call__(self, samples: Samples, last: bool = False) -> Samples:
        """The next samples float32 `[n]` -> what is complete, about `n * rate / source_rate`; `last` gives all."""
        if self._stream is None or (not len(samples) and not last):
            return samples
        return np.asarray(self._stream.resample_chunk(samples, last=last), np.float32)

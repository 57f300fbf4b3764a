"""Ramps at the edges of a clip, so that it does not click where it meets silence."""

from __future__ import annotations

import numpy as np

from corpus.audio import Samples


def faded(samples: Samples, rate: int, seconds: float) -> Samples:
    """A copy of a clip `[T]` whose first and last `seconds` rise from and fall to zero."""
    length = min(round(seconds * rate), len(samples) // 2)
    gain = np.ones(len(samples), np.float32)
    gain[:length] = np.linspace(0.0, 1.0, length, endpoint=False, dtype=np.float32)
    gain[len(gain) - length :] = gain[:length][::-1]
    return np.asarray(samples * gain, np.float32)

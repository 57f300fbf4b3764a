"""What a telephone does to a voice."""

from __future__ import annotations

import numpy as np
import soxr  # type: ignore[import-untyped]
from scipy.signal import lfilter  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples

MU = 255  # of the companding


def telephone(sound: Samples, generator: np.random.Generator) -> Samples:
    """At 8 kHz, mostly without its lows, mostly companded to 8 bits (mu-law, ITU-T G.711)."""
    narrow = soxr.resample(sound, SAMPLE_RATE, 8000)
    if generator.random() < 0.7:
        narrow = lfilter([1, -1], [1, -generator.uniform(0.75, 0.93)], narrow)
    if generator.random() < 0.7:
        narrow = companded(narrow)
    return np.resize(soxr.resample(np.asarray(narrow, np.float32), 8000, SAMPLE_RATE), len(sound))


def companded(sound: Samples) -> Samples:
    """Through mu-law's 255 steps and back."""
    pressed = np.sign(sound) * np.log1p(MU * np.minimum(np.abs(sound), 1)) / np.log1p(MU)
    rounded = np.round(pressed * 127) / 127
    return np.asarray(np.sign(rounded) * ((1 + MU) ** np.abs(rounded) - 1) / MU, np.float32)

"""Sound drawn out, and other voices made of one."""

from __future__ import annotations

import numpy as np
import soxr  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples

STRETCH_WINDOW = 720  # samples, 30 ms
STRETCH_SEARCH = 300  # samples to either side in which the best overlap is looked for


def stretched(sound: Samples, factor: float) -> Samples:
    """Longer at the same pitch, by overlapping windows where they fit best (WSOLA, Verhelst and Roelands 1993)."""
    window, hop = np.hanning(STRETCH_WINDOW).astype(np.float32), STRETCH_WINDOW // 2
    length = int(len(sound) * factor)
    padded = np.concatenate([sound, np.zeros(STRETCH_WINDOW, np.float32)])
    out = np.zeros(length + STRETCH_WINDOW, np.float32)
    total = np.full(length + STRETCH_WINDOW, 1e-6, np.float32)
    taken, last = 0, len(padded) - STRETCH_WINDOW
    for at in range(0, length, hop):
        wanted = min(int(at / factor), last)
        if at:
            follows = padded[min(taken + hop, last) :][:STRETCH_WINDOW]
            low, high = max(0, wanted - STRETCH_SEARCH), min(last, wanted + STRETCH_SEARCH)
            fit = np.correlate(padded[low : high + STRETCH_WINDOW : 3], follows[::3], "valid")
            wanted = min(low + 3 * int(np.argmax(fit)), last)
        taken = wanted
        out[at : at + STRETCH_WINDOW] += padded[taken : taken + STRETCH_WINDOW] * window
        total[at : at + STRETCH_WINDOW] += window
    return np.asarray((out / total)[:length], np.float32)


def moved_voice(sound: Samples, factor: float) -> Samples:
    """Pitch and formants times `factor`, tempo and length as they are: a larger or smaller speaker.

    After vocal tract length perturbation (Jaitly and Hinton 2013), by resampling and stretching back.
    """
    scaled = np.asarray(soxr.resample(sound, SAMPLE_RATE * factor, SAMPLE_RATE), np.float32)
    return np.resize(stretched(scaled, len(sound) / max(len(scaled), 1)), len(sound))

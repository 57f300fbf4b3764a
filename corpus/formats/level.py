"""The level of recordings: nothing beyond full scale, every channel as loud as wanted."""

from __future__ import annotations

import numpy as np

from ..audio import SILENCE, Samples, gain_to

CEILING = 0.99  # of full scale, that a gain may bring a peak to


def within_full_scale(audio: Samples) -> tuple[Samples, bool]:
    """`[C, T]` scaled as a whole until its peak fits, and whether it had to be.

    Resampled telephone sound (8 kHz mu-law or a lossy codec) and files of float samples peak above 1.
    """
    peak = float(np.abs(audio).max(initial=0.0))
    return (np.asarray(audio / peak, np.float32), True) if peak > 1.0 else (audio, False)


def at_loudness(audio: Samples, lufs: float) -> Samples:
    """Every channel of `[C, T]` that can be heard, freed of its constant part and brought to a loudness.

    A channel whose peak would pass full scale stays that much softer.
    """
    centred = audio - audio.mean(axis=1, keepdims=True)
    return np.stack([_levelled(channel, lufs) for channel in centred])


def _levelled(channel: Samples, lufs: float) -> Samples:
    peak = float(np.abs(channel).max(initial=0.0))
    if peak <= SILENCE:
        return channel
    return np.asarray(channel * min(gain_to(channel, lufs), CEILING / peak), np.float32)

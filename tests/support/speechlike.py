"""A synthetic signal with the traits of speech, for tests that need something to encode."""

from __future__ import annotations

import numpy as np

from corpus.audio import Samples


def speech_like(seconds: float, seed: int, pitch: float = 120.0) -> Samples:
    """A gliding pulse train through moving formants, with breath noise and pauses: float32 `[T]` at 24 kHz."""
    rng, n = np.random.default_rng(seed), int(seconds * 24_000)
    time = np.arange(n) / 24_000
    glide = pitch * 2 ** (0.2 * np.sin(2 * np.pi * 0.7 * time + seed))
    phase = 2 * np.pi * np.cumsum(glide) / 24_000
    formant = 600 + 300 * np.sin(2 * np.pi * 1.3 * time + seed)
    voice = sum(
        np.exp(-(((k * glide - formant) / 500) ** 2)) * np.cos(k * phase)
        + 0.4 * np.exp(-(((k * glide - 2200) / 700) ** 2)) * np.cos(k * phase)
        for k in range(1, 30)
    )
    loudness = np.clip(np.sin(2 * np.pi * 1.1 * time + 1.0) + 0.4, 0.0, 1.0)
    breath = 0.02 * rng.standard_normal(n) * np.clip(-np.sin(2 * np.pi * 1.1 * time), 0.0, 1.0)
    sound = 0.2 * loudness * voice + breath
    return np.asarray(0.5 * sound / np.abs(sound).max(), np.float32)

"""A stand-in engine for tests of timing: every word a burst of noise as long as the default voice takes for it."""

from __future__ import annotations

import random

import numpy as np

from synth.engines.protocol import ReferenceVoice, Speech, Style
from synth.speaking.rehearse import word_times

RATE = 24_000


class ToneEngine:
    """Speaks nothing but has the default voice's sense of time."""

    name = "tone"
    languages = ("en",)
    clones = True
    licence_code = licence_weights = "CC0-1.0"
    version = "tone 1"

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Bursts at -20 dBFS, one for each word."""
        words, rng = word_times(text, style.rate, random.Random(seed)), np.random.default_rng(seed)
        samples = np.zeros(int((words[-1].end + 0.4) * RATE), np.float32)
        for word in words:
            burst = samples[int(word.start * RATE) : int(word.end * RATE)]
            burst[:] = 0.1 * rng.standard_normal(len(burst))
        return Speech(samples, RATE, words)

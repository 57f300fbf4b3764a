"""A stand-in engine for tests of timing: every word a burst of noise as long as the default voice takes for it."""

from __future__ import annotations

import numpy as np

from corpus.record import Word
from synth.engines.protocol import ReferenceVoice, Speech, Style

RATE = 24_000
SECONDS_PER_WORD, SECONDS_PER_LETTER, DEVIATION = 0.0285, 0.0532, 0.05  # fitted to 400 words of the default voice
BETWEEN_WORDS, AT_PUNCTUATION = 0.015, 0.28  # s


class ToneEngine:
    """Speaks nothing but has the default voice's sense of time."""

    name = "tone"
    languages = ("en",)
    clones = True
    streaming = False
    licence_code = licence_weights = "CC0-1.0"
    version = "tone 1"

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Bursts at -20 dBFS, one for each word."""
        rng = np.random.default_rng(seed)
        words, at = [], 0.1
        for word in text.split():
            length = SECONDS_PER_WORD + SECONDS_PER_LETTER * len(word.strip(",.?!")) + rng.normal(0, DEVIATION)
            length = max(length, 0.05) / style.rate
            words.append(Word(text=word, start=round(at, 4), end=round(at + length, 4), source="native"))
            at += length + (AT_PUNCTUATION if word[-1] in ",.?!" else BETWEEN_WORDS) / style.rate
        samples = np.zeros(int((at + 0.1) * RATE), np.float32)
        for word in words:
            burst = samples[int(word.start * RATE) : int(word.end * RATE)]
            burst[:] = 0.1 * rng.standard_normal(len(burst))
        return Speech(samples, RATE, tuple(words))

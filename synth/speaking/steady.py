"""A steady voice: every sentence is spoken by itself and always alike, so that a small model can learn it.

One rate, no liveliness, one gain for all: the same sentence is the same samples wherever it stands. `studio` lays
such sentences on the frames' grid, so that a codec sees them alike, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples, gain_to, resample
from corpus.record import Word

from ..alignment.align import align
from ..engines.protocol import Engine, ReferenceVoice, Speech, Style
from .clips import moved

BETWEEN = 0.2  # s of silence between sentences, in which they are cut apart
FLOOR_DBFS = -120.0  # of a steady voice's channel: below the last of 16 bits
FLAT = Style(rate=1.0, liveliness=0.0)

_CALIBRATION = "Good morning. How are you today? It is nice to talk to you."
_SENTENCES = re.compile(r"(?<=[.?!])\s+")
_KEPT = 2048  # sentences


@dataclass
class SteadyVoice:
    """Speaks with one voice of an engine, steadily, at a loudness in LUFS."""

    engine: Engine
    voice: ReferenceVoice
    lufs: float
    language: str = "en"
    _gain: float | None = None
    _spoken: dict[str, Speech] = field(default_factory=dict)

    def speak(self, text: str) -> Speech:
        """A text's sentences one after the other, with their words' times; raises like the engine."""
        parts = [self._sentence(sentence) for sentence in _SENTENCES.split(text.strip())]
        rate = parts[0].rate
        pause = np.zeros(round(BETWEEN * rate), np.float32)
        pieces: list[Samples] = []
        words: list[Word] = []
        length = 0
        for part in parts:
            words += [moved(word, length / rate) for word in part.words or ()]
            pieces += [part.samples, pause]
            length += len(part.samples) + len(pause)
        return Speech(np.concatenate(pieces[:-1]), rate, tuple(words))

    def _sentence(self, text: str) -> Speech:
        if text not in self._spoken:
            speech = self.engine.speak(text, self.voice, FLAT, 0)
            words = align(speech.samples, speech.rate, text, speech.words, self.language)
            samples = np.asarray(speech.samples * np.float32(self._level()), np.float32)
            if len(self._spoken) >= _KEPT:
                self._spoken.pop(next(iter(self._spoken)))
            self._spoken[text] = Speech(samples, speech.rate, tuple(words))
        return self._spoken[text]

    def _level(self) -> float:
        """The gain that brings a known text to the loudness; the same for every sentence."""
        if self._gain is None:
            sample = self.engine.speak(_CALIBRATION, self.voice, FLAT, 0)
            self._gain = gain_to(resample(sample.samples, sample.rate, SAMPLE_RATE), self.lufs)
        return self._gain

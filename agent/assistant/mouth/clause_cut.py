"""A clip on its way out: at 24 kHz and the mouth's level, from right before its first word to right after its last."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples, to_samples
from corpus.record import Word

from ...live.resampler import Resampler
from ..parts import HeardWord

LOUDEST = 0.9  # of full scale
EDGE = 0.03  # s kept before the first word and after the last


class ClauseCut:
    """Takes a clip's pieces in order.

    Args:
        rate: of the clip, Hz.
        words: of it; without any nothing is cut off.
        gain: to bring it to the mouth's level.
        pause: s of silence after it.
    """

    def __init__(self, rate: int, words: Sequence[Word], gain: float, pause: float) -> None:
        self._resampler, self._gain, self._pause = Resampler(rate, SAMPLE_RATE), np.float32(gain), to_samples(pause)
        self._first = max(0, to_samples(words[0].start - EDGE)) if words else 0
        self._last = to_samples(words[-1].end + EDGE) if words else None
        self._position = 0  # samples at 24 kHz so far
        shift = self._first / SAMPLE_RATE
        self.words = tuple(
            HeardWord(word.text, round(word.start - shift, 4), round(word.end - shift, 4)) for word in words
        )

    def __call__(self, piece: Samples) -> Samples:
        """The sound of one more piece."""
        return self._kept(self._resampler(piece))

    def end(self) -> Samples:
        """What is left, and the pause."""
        rest = self._kept(self._resampler(np.zeros(0, np.float32), last=True))
        return np.concatenate([rest, np.zeros(self._pause, np.float32)])

    def _kept(self, samples: Samples) -> Samples:
        start, self._position = self._position, self._position + len(samples)
        last = None if self._last is None else max(0, self._last - start)
        kept = samples[max(0, self._first - start) : last] * self._gain
        peak = float(np.abs(kept).max(initial=0.0))
        if peak > LOUDEST:  # the rest of the clip is softer, too
            self._gain *= np.float32(LOUDEST / peak)
            kept *= np.float32(LOUDEST / peak)
        return np.asarray(kept, np.float32)

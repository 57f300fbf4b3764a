"""The mouth `tone`, for tests: every word a tone as long as its letters, made word by word."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples, to_samples

from ..parts import HeardWord, Voiced
from ..work import Executor
from .utterance import ClauseSound

LETTER, GAP = 0.06, 0.04  # s of a letter, and of silence after a word
AMPLITUDE = 0.1


class ToneMouth:
    """Sounds clauses; see `Mouth`. A step of its lane `mouth` is a word."""

    name, paced = "tone", True

    def __init__(self, executor: Executor, speed: float = 1.0) -> None:
        self._lane, self._speed = executor.lane("mouth"), speed

    def say(self, clause: str, speed: float = 1.0) -> ClauseSound:
        """See `Mouth.say`."""
        return ClauseSound().begin(self._lane, lambda sound: self._speak(clause, self._speed * speed, sound))

    def nods(self) -> Mapping[str, Voiced]:
        """One nod."""
        samples, word = self._word("mhm", 0.0, self._speed)
        return {"mhm": Voiced(samples, (word,), True)}

    def _speak(self, clause: str, speed: float, sound: ClauseSound) -> Iterator[None]:
        at = 0.0
        for text in clause.split():
            samples, word = self._word(text, at, speed)
            sound.add(samples, [word])
            at += len(samples) / SAMPLE_RATE
            yield

    def _word(self, text: str, at: float, speed: float) -> tuple[Samples, HeardWord]:
        length = to_samples(LETTER * len(text) / speed)
        tone = AMPLITUDE * np.sin(2 * np.pi * 220 / SAMPLE_RATE * np.arange(length))
        samples = np.concatenate([tone, np.zeros(to_samples(GAP))]).astype(np.float32)
        return samples, HeardWord(text, round(at, 4), round(at + length / SAMPLE_RATE, 4))

"""The agent's voice frame by frame: clauses one after another, softer while ducked, cut at a word, taken up again."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE, Samples

from .parts import HeardWord, Voiced, Voicing

FADE = SAMPLE_RATE // 100  # samples over which sound sets in, ends and changes its level: 10 ms
DUCKED = np.float32(10 ** (-12 / 20))
TO_THE_WORD = round(0.12 * SAMPLE_RATE)  # samples that a word may have left to be said to its end when the agent stops
LEAD = round(0.04 * SAMPLE_RATE)  # of silence kept before the first word of an answer
BEHIND = 4.0  # s of what was said last that may still echo


@dataclass
class _Clause:
    utterance: Voicing
    written: str
    position: int = 0  # samples played
    told: int = 0  # words that were voiced
    fault: str = ""  # told already


@dataclass(frozen=True)
class DoneVoicing:
    """An utterance that is there already."""

    sound: Voiced

    def audio(self) -> Voiced:
        """See `Voicing.audio`."""
        return self.sound

    def cancel(self) -> None:
        """Nothing is being made."""


class Playout:
    """What one answer sounds like."""

    def __init__(self) -> None:
        self.voiced: list[str] = []  # the words so far
        self.faults: list[str] = []  # of the mouth, since somebody looked
        self.ran_dry = 0  # frames in which a clause was not there in time
        self._line: deque[_Clause] = deque()
        self._gain, self._target = np.float32(0), np.float32(1)
        self._cut: int | None = None  # position in the first clause where it ends
        self._paused = False
        self._began = False

    @property
    def waiting(self) -> int:
        """Clauses that are not voiced to their end."""
        return len(self._line)

    @property
    def ready(self) -> bool:
        """Whether there is sound to begin or to go on with."""
        self._pass_empty()
        first = self._line[0].utterance.audio() if self._line else None
        return first is not None and (first.done or len(first.samples) >= FRAME_SAMPLES)

    def add(self, utterance: Voicing, written: str, *, first: bool = False) -> None:
        """Queue a clause, behind the others or before them."""
        clause = _Clause(utterance, written)
        if first:
            self._line.appendleft(clause)
        else:
            self._line.append(clause)

    def duck(self) -> None:
        """Softer by 12 dB."""
        self._target = DUCKED

    def resume(self) -> None:
        """As loud as before; an answer that was cut goes on with the word it was cut in."""
        self._target = np.float32(1)
        if self._paused and self._line:
            clause = self._line[0]
            words = _words(clause)
            if clause.told < len(words):
                clause.position = max(0, _samples(words[clause.told].start) - LEAD // 2)
            self._gain = np.float32(0)
        self._paused, self._cut = False, None

    def stop(self) -> None:
        """End with the word that is being said if it is almost over, else at once."""
        if self._line and not self._paused:
            clause = self._line[0]
            ends = (_samples(word.end) for word in _words(clause))
            near = next((end for end in ends if FADE <= end - clause.position <= TO_THE_WORD), None)
            self._cut = clause.position + FADE if near is None else near

    def clear(self) -> None:
        """Say no more."""
        for clause in self._line:
            clause.utterance.cancel()
        self._line.clear()

    def saying(self) -> str:
        """The words around now: those of the last seconds, and what follows in this clause."""
        ahead = [word.text for word in _words(self._line[0])[self._line[0].told :]] if self._line else []
        return " ".join([*self.voiced[-round(BEHIND * 4) :], *ahead[:6]])

    def frame(self) -> tuple[Samples, list[str]]:
        """The next 80 ms, float32 `[1920]`, and the words that were voiced in it."""
        out, at, words = np.zeros(FRAME_SAMPLES, np.float32), 0, []
        while at < FRAME_SAMPLES and self._line and not self._paused:
            self._pass_empty()
            if not self._line:
                break
            clause = self._line[0]
            sound = clause.utterance.audio()
            if sound is None:
                self.ran_dry += self._began
                break
            if not self._began:
                self._begin(clause, sound)
            limit = len(sound.samples) if self._cut is None else min(self._cut, len(sound.samples))
            taken = sound.samples[clause.position : min(limit, clause.position + FRAME_SAMPLES - at)]
            out[at : at + len(taken)] = taken
            at, clause.position = at + len(taken), clause.position + len(taken)
            words += self._told(clause, sound)
            if self._cut is not None and clause.position >= limit:
                self._paused = True
                out[max(0, at - FADE) : at] *= np.linspace(1, 0, min(FADE, at), dtype=np.float32)
            elif clause.position < len(sound.samples):
                continue
            elif sound.done:
                self._line.popleft()
            else:
                self.ran_dry += 1
                break
        return self._levelled(out), words

    def _begin(self, clause: _Clause, sound: Voiced) -> None:
        """Leave out the silence before the first word."""
        self._began = True
        start = sound.words[0].start if sound.words else _onset(sound.samples)
        clause.position = max(0, _samples(start) - LEAD)

    def _told(self, clause: _Clause, sound: Voiced) -> list[str]:
        """Words whose middle was reached."""
        told = []
        for word in _words(clause)[clause.told :]:
            if _samples((word.start + word.end) / 2) > clause.position:
                break
            told.append(word.text)
        clause.told += len(told)
        if sound.done and clause.position >= len(sound.samples):
            told += [word.text for word in _words(clause)[clause.told :]]
            clause.told = len(_words(clause))
        self.voiced += told
        return told

    def _pass_empty(self) -> None:
        """Clauses that came to nothing are passed over, and told as faults."""
        while self._line:
            sound = self._line[0].utterance.audio()
            if sound is not None and sound.fault and not self._line[0].fault:
                self._line[0].fault = sound.fault
                self.faults.append(sound.fault)
            if sound is None or not sound.done or len(sound.samples) > self._line[0].position:
                return
            self._line.popleft()

    def _levelled(self, out: Samples) -> Samples:
        if self._gain == self._target:
            return out * self._gain
        gain = np.full(FRAME_SAMPLES, self._target, np.float32)
        gain[:FADE] = np.linspace(self._gain, self._target, FADE, dtype=np.float32)
        self._gain = self._target
        return out * gain


def _words(clause: _Clause) -> Sequence[HeardWord]:
    """The words of a clause with their times; where the mouth tells none, the clause is divided evenly."""
    sound = clause.utterance.audio()
    if sound is None or sound.words or not sound.done:
        return () if sound is None else sound.words
    texts = clause.written.split()
    each = len(sound.samples) / SAMPLE_RATE / max(len(texts), 1)
    return [HeardWord(text, index * each, (index + 1) * each) for index, text in enumerate(texts)]


def _samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


def _onset(samples: Samples) -> float:
    """Seconds until a sound is louder than -50 dBFS."""
    loud = np.flatnonzero(np.abs(samples) > 10 ** (-50 / 20))
    return float(loud[0]) / SAMPLE_RATE if len(loud) else 0.0

"""A mouth on any speech engine of `synth`: a clause at a time, level and pauses alike whatever the engine."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples, gain_to, resample, to_samples
from synth.alignment.align import align
from synth.engines.failure import EngineFailureError
from synth.engines.protocol import Engine, ReferenceVoice, Speech, Style
from synth.seeds import derive
from synth.speaking.backchannels import BackchannelBank

from ..parts import HeardWord, Voiced
from ..work import Executor
from .utterance import ClauseSound

LEVEL = -23.0  # LUFS
LOUDEST = 0.9  # of full scale
EDGE = 0.03  # s kept before the first word and after the last
PAUSES = {".": 0.3, "?": 0.3, "!": 0.3, ",": 0.12}  # s of silence after a clause, by its last mark
TRIES = 2  # seeds, where an engine's clip is no speech
NODS = ("Mhm.", "Yeah.", "I see.")
CALIBRATION = "Hello, it is nice to talk with you today."


class EngineMouth:
    """One voice of an engine, for any number of sessions; clauses are made in the order they were asked for.

    Args:
        name: as the user gave it.
        engine: speaks.
        voice: with this voice.
        executor: gives the lane `mouth`.
        speed: 1 is the voice's own; 1.2 a fifth faster.
        language: ISO 639-1 code of what it is to speak.
        seed: the same clause comes out the same.
        nods: what to prepare as signs of listening.
    """

    def __init__(
        self,
        name: str,
        engine: Engine,
        voice: ReferenceVoice,
        executor: Executor,
        *,
        speed: float = 1.0,
        language: str = "en",
        seed: int = 0,
        nods: tuple[str, ...] = NODS,
    ) -> None:
        self.name = name
        self._engine, self._voice, self._style, self._language, self._seed = engine, voice, Style(speed), language, seed
        self._lane = executor.lane("mouth")
        self._bank = BackchannelBank(engine, voice, derive(seed, "nods"), language)
        self._nods: dict[str, Voiced] = {}
        self._gain: float | None = None
        self._prepare(list(nods))

    def say(self, clause: str) -> ClauseSound:
        """See `Mouth.say`."""
        return ClauseSound().begin(self._lane, lambda sound: self._speak(clause, sound))

    def nods(self) -> Mapping[str, Voiced]:
        """See `Mouth.nods`."""
        return dict(self._nods)

    def _speak(self, clause: str, sound: ClauseSound) -> Iterator[None]:
        if any(map(str.isalnum, clause)):
            sound.add(*self._made(clause))
        yield

    def _made(self, clause: str) -> tuple[Samples, tuple[HeardWord, ...]]:
        """A clause at its level, from right before its first word to the pause after its last."""
        for attempt in range(TRIES):
            try:
                speech = self._engine.speak(clause, self._voice, self._style, derive(self._seed, clause, attempt))
                break
            except EngineFailureError:
                if attempt == TRIES - 1:
                    raise
        if self._gain is None:
            self._gain = self._measured(speech if len(clause.split()) > 3 else self._calibration())
        words = align(speech.samples, speech.rate, clause, speech.words, self._language)
        pause = PAUSES.get(re.sub(r"[\s\"')\]]+$", "", clause)[-1:], 0.05)
        return _trimmed(speech, [HeardWord(word.text, word.start, word.end) for word in words], self._gain, pause)

    def _calibration(self) -> Speech:
        return self._engine.speak(CALIBRATION, self._voice, self._style, self._seed)

    @staticmethod
    def _measured(speech: Speech) -> float:
        return gain_to(resample(speech.samples, speech.rate, SAMPLE_RATE), LEVEL)

    def _prepare(self, nods: list[str]) -> None:
        """Load and measure the voice, then make the nods, one job each so that a clause need not wait for all."""

        def work() -> Iterator[None]:
            if self._gain is None:
                self._gain = self._measured(self._calibration())
            elif nods:
                self._make_nod(nods.pop(0))
            yield
            if nods:
                self._lane.submit(work(), lambda error: None)

        self._lane.submit(work(), lambda error: None)  # what is wrong with the voice is told with the first clause

    def _make_nod(self, text: str) -> None:
        try:
            take = self._bank.take(text, 0)
        except ValueError:
            return  # this voice cannot say it: there is one nod less
        words = [HeardWord(word.text, word.start, word.end) for word in take.words or ()]
        samples, timed = _trimmed(take, words, self._gain or 1.0, 0.0)
        self._nods = {**self._nods, text.strip(".").lower(): Voiced(samples, timed, True)}


def _trimmed(
    speech: Speech, words: list[HeardWord], gain: float, pause: float
) -> tuple[Samples, tuple[HeardWord, ...]]:
    """A clip at 24 kHz from its first word to its last, `pause` s of silence after it."""
    samples = resample(speech.samples, speech.rate, SAMPLE_RATE)
    first = max(0, to_samples(words[0].start - EDGE)) if words else 0
    last = min(len(samples), to_samples(words[-1].end + EDGE)) if words else len(samples)
    kept = samples[first:last].astype(np.float32) * np.float32(gain)
    peak = float(np.abs(kept).max(initial=0.0))
    kept *= np.float32(min(1.0, LOUDEST / max(peak, 1e-9)))
    shift = first / SAMPLE_RATE
    timed = tuple(HeardWord(word.text, round(word.start - shift, 4), round(word.end - shift, 4)) for word in words)
    return np.concatenate([kept, np.zeros(to_samples(pause), np.float32)]), timed

"""A mouth on any speech engine of `synth`: a clause at a time, level and pauses alike whatever the engine."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping

import numpy as np

from corpus.audio import SAMPLE_RATE, gain_to, resample
from synth.alignment.align import align
from synth.engines.failure import EngineFailureError
from synth.engines.protocol import FASTEST, SLOWEST, Engine, ReferenceVoice, Speech, SpeechStream, Style, stream
from synth.seeds import derive
from synth.speaking.backchannels import BackchannelBank

from ..parts import Voiced
from ..work import Executor
from .clause_cut import ClauseCut
from .utterance import NOTHING, ClauseSound

LEVEL = -23.0  # LUFS
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
        self.name, self.paced = name, True
        self._engine, self._voice, self._style, self._language, self._seed = engine, voice, Style(speed), language, seed
        self._lane = executor.lane("mouth")
        self._bank = BackchannelBank(engine, voice, derive(seed, "nods"), language)
        self._nods: dict[str, Voiced] = {}
        self._gain: float | None = None
        self._prepare(list(nods))

    def say(self, clause: str, speed: float = 1.0) -> ClauseSound:
        """See `Mouth.say`."""
        style = Style(min(max(self._style.rate * speed, SLOWEST), FASTEST))
        return ClauseSound().begin(self._lane, lambda sound: self._speak(clause, style, sound))

    def nods(self) -> Mapping[str, Voiced]:
        """See `Mouth.nods`."""
        return dict(self._nods)

    def _speak(self, clause: str, style: Style, sound: ClauseSound) -> Iterator[None]:
        """A clause at its level, from right before its first word to the pause after its last, as it is made."""
        if any(map(str.isalnum, clause)):
            speech = self._begun(clause, style)
            if self._gain is None:
                self._gain = self._measured(self._calibration())
            words, pieces = speech.words, speech.pieces
            if words is None:  # they are looked for in the whole clip
                whole = np.concatenate(list(pieces))
                words, pieces = align(whole, speech.rate, clause, None, self._language), iter([whole])
            pause = PAUSES.get(re.sub(r"[\s\"')\]]+$", "", clause)[-1:], 0.05)
            cut = ClauseCut(speech.rate, words, self._gain, pause)
            sound.add(NOTHING, cut.words)
            for piece in pieces:
                sound.add(cut(piece), ())
                yield
            sound.add(cut.end(), ())
        yield

    def _begun(self, clause: str, style: Style) -> SpeechStream:
        """The clause with the first seed that gives speech; raises what the last one failed with."""
        for attempt in range(TRIES - 1):
            with contextlib.suppress(EngineFailureError):
                return stream(self._engine, clause, self._voice, style, derive(self._seed, clause, attempt))
        return stream(self._engine, clause, self._voice, style, derive(self._seed, clause, TRIES - 1))

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
        cut = ClauseCut(take.rate, take.words or (), self._gain or 1.0, 0.0)
        samples = np.concatenate([cut(take.samples), cut.end()])
        self._nods = {**self._nods, text.strip(".").lower(): Voiced(samples, cut.words, True)}

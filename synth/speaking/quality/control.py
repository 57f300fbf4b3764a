"""Speaking until the gates let an utterance through: new seeds, then part by part, then another engine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from corpus.audio import Samples, resample
from corpus.record import RejectedTake, UtteranceQuality, Word

from ...engines.failure import EngineFailureError
from ...engines.protocol import Engine, ReferenceVoice, Speech, Style
from ...seeds import derive
from .gates import Gates, Verdict

PART = re.compile(r"(?<=[.,;:?!])\s+")
FEWEST_WORDS = 3  # of a part spoken by itself
BETWEEN = {",": 0.12, ";": 0.2, ":": 0.2}  # s of silence after a part; else as after a sentence
AFTER_SENTENCE = 0.35


@dataclass(frozen=True)
class Attempt:
    """One attempt: how it was made, what came out, what the gates say."""

    way: str  # seed, split or engine
    speech: Speech | None  # None when the engine gave none
    verdict: Verdict


@dataclass(frozen=True)
class Control:
    """The gates and the engines an utterance may be spoken by."""

    gates: Gates
    engine: Engine
    fallback: Engine | None = None

    def speak(
        self, text: str, voice: ReferenceVoice, style: Style, seed: int
    ) -> tuple[Speech | None, UtteranceQuality]:
        """The best passing take of a text, None if none passes, and what to store about it."""
        passing: list[Attempt] = []
        rejects: list[RejectedTake] = []
        tried = 0
        for take in self._takes(text, voice, style, seed):
            tried += 1
            if take.verdict.reasons:
                rejects.append(RejectedTake(reasons=take.verdict.reasons, heard=take.verdict.heard))
            else:
                passing.append(take)
            if len(passing) >= self.gates.settings.best_of:
                break
        best = max(passing, key=lambda take: take.verdict.score, default=None)
        quality = UtteranceQuality(
            takes=tried,
            way=best.way if best else "",
            failed=tuple(reason for take in rejects for reason in take.reasons),
            rejects=tuple(rejects),
            measures=best.verdict.measures if best else {},
        )
        return (best.speech if best else None), quality

    def _takes(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Iterator[Attempt]:
        settings = self.gates.settings
        for attempt in range(max(settings.seeds, settings.best_of)):
            yield self._take("seed", self.engine, text, voice, style, derive(seed, "take", attempt))
        if settings.split and len(text_parts(text)) > 1:
            yield self._take("split", self.engine, text, voice, style, derive(seed, "parts"))
        if self.fallback is not None:
            for attempt in range(settings.seeds):
                yield self._take("engine", self.fallback, text, voice, style, derive(seed, "fallback", attempt))

    def _take(self, way: str, engine: Engine, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Attempt:
        try:
            if way == "split":
                parts = text_parts(text)
                spoken = [
                    engine.speak(part, voice, style, derive(seed, "part", number)) for number, part in enumerate(parts)
                ]
                speech = joined(spoken, parts)
            else:
                speech = engine.speak(text, voice, style, seed)
        except EngineFailureError as error:
            return Attempt(way, None, Verdict({}, (error.code,)))
        except ValueError:
            if way != "engine":
                raise
            return Attempt(way, None, Verdict({}, ("other_voice",)))
        return Attempt(way, speech, self.gates.judge(speech, text, voice, engine))


def text_parts(text: str) -> list[str]:
    """A text at its punctuation, parts of at least three words."""
    parts: list[str] = []
    for piece in PART.split(text):
        if parts and len(parts[-1].split()) < FEWEST_WORDS:
            parts[-1] += " " + piece
        else:
            parts.append(piece)
    if len(parts) > 1 and len(parts[-1].split()) < FEWEST_WORDS:
        parts[-2:] = [" ".join(parts[-2:])]
    return parts


def joined(spoken: list[Speech], parts: list[str]) -> Speech:
    """Parts one after another with a pause as their punctuation asks; times are kept where every part has them."""
    rate = spoken[0].rate
    pieces: list[Samples] = []
    words: list[Word] = []
    at = 0
    for speech, part in zip(spoken, parts, strict=True):
        samples = resample(speech.samples, speech.rate, rate)
        for word in speech.words or ():
            shift = at / rate
            words.append(
                word.model_copy(update={"start": round(word.start + shift, 4), "end": round(word.end + shift, 4)})
            )
        silence = np.zeros(int(BETWEEN.get(part[-1], AFTER_SENTENCE) * rate), np.float32)
        pieces += [samples, silence]
        at += len(samples) + len(silence)
    timed = all(speech.words is not None for speech in spoken)
    return Speech(np.concatenate(pieces[:-1]), rate, tuple(words) if timed else None)

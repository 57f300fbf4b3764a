"""Which of an engine's speakers sounds most like a recorded voice: the nearest, blended with the next, then fitted.

The nearest ones are found by voice embedding. A blend or a fit is kept only where what it says is heard to be nearer.
What comes out is a pseudo-speaker: rhythm, accent and manner are the engine's, not the person's.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples, resample

from ..engines.protocol import Cast, Engine, ReferenceVoice
from ..engines.voice_profile import VoiceProfile
from .embedding import Embedder, Embeddings
from .speakers import measuring_phrases

NEXT = 3  # speakers after the nearest that are tried
SHARES = (0.1, 0.2, 0.3, 0.4, 0.5)  # of a speaker that joins
GAIN = 0.002  # of the cosine, for which another speaker joins


@dataclass(frozen=True)
class Match:
    """The speakers that stand for a voice, and how alike they are to it: cosines of what is spoken with it.

    Attributes:
        nearest_id, nearest: the nearest speaker alone.
        blended: of all parts together.
        fitted: moved to the voice's pitch and timbre; None where one of them could not be measured.
    """

    cast: Cast
    nearest_id: str
    nearest: float
    blended: float
    fitted: float | None

    @property
    def similarity(self) -> float:
        """Of what will be heard."""
        return self.fitted if self.cast.fitted and self.fitted is not None else self.blended


@dataclass(frozen=True)
class Matcher:
    """Matches voices with the speakers of one engine.

    Attributes:
        engine: sounds casts, see `CastEngine`.
        speakers: its own voices.
        vectors: of theirs, by id.
        can_blend: whether a voice between some of them can be sounded.
    """

    engine: Engine
    speakers: Mapping[str, ReferenceVoice]
    vectors: Mapping[str, Embeddings]
    embedder: Embedder
    language: str
    can_blend: Callable[[Sequence[str]], bool] = lambda ids: False

    def match(self, samples: Samples, profile: VoiceProfile | None) -> Match:
        """Match a voice by a clip of it, float32 `[T]` at 24 kHz, and what was measured of the voice."""
        wanted = self.embedder.listen(samples).vector
        found = self._nearest(wanted)
        first = found[0][0]
        parts, vector, best = {first: 1.0}, self.vectors[first], found[0][1]
        for id, _ in found[1:]:
            share = _promising(vector, self.vectors[id], wanted)
            if not share or not self.can_blend((*parts, id)):
                continue
            trial = {part: (1 - share) * of for part, of in parts.items()} | {id: share}
            heard = self._heard(_cast(trial), None)
            if float(heard @ wanted) > best + GAIN:
                parts, vector, best = trial, heard, float(heard @ wanted)
        cast, fitted = _cast(parts), None
        if profile is not None:
            cast = replace(cast, profile=profile_of(self._said(cast, None)))
        if profile is not None and cast.profile is not None:
            fitted = float(self._heard(replace(cast, fitted=True), profile) @ wanted)
            cast = replace(cast, fitted=fitted > best)
        return Match(cast, first, found[0][1], best, fitted)

    def _nearest(self, wanted: Embeddings) -> list[tuple[str, float]]:
        import faiss

        ids = list(self.vectors)
        index = faiss.IndexFlatIP(len(wanted))
        index.add(np.ascontiguousarray([self.vectors[id] for id in ids], np.float32))
        cosines, rows = index.search(np.ascontiguousarray(wanted[None], np.float32), min(len(ids), NEXT + 1))
        return [(ids[row], float(cosine)) for row, cosine in zip(rows[0], cosines[0], strict=True)]

    def _heard(self, cast: Cast, profile: VoiceProfile | None) -> Embeddings:
        return self.embedder.listen(self._said(cast, profile)).vector

    def _said(self, cast: Cast, profile: VoiceProfile | None) -> Samples:
        """What a cast says when it is measured, at 24 kHz."""
        own = self.speakers[cast.parts[0][0]]
        spoken = measuring_phrases(self.engine, replace(own, cast=cast, profile=profile), self.language)
        return resample(spoken.samples, spoken.rate, SAMPLE_RATE)


def profile_of(samples: Samples) -> VoiceProfile | None:
    """What is measured of a clip `[T]` at 24 kHz; None where too little of it is voiced."""
    from ..engines.pseudo.speaker import measure

    try:
        return measure(samples, SAMPLE_RATE)
    except ValueError:
        return None


def _promising(vector: Embeddings, other: Embeddings, wanted: Embeddings) -> float:
    """The share of another speaker with which the blend should be nearest, as vectors tell; 0 where none is nearer."""

    def alike(share: float) -> float:
        mixed = (1 - share) * vector + share * other
        return float(mixed @ wanted / np.linalg.norm(mixed))

    return max((0.0, *SHARES), key=alike)


def _cast(parts: Mapping[str, float]) -> Cast:
    return Cast(tuple(sorted(((id, round(share, 4)) for id, share in parts.items()), key=lambda part: -part[1])))

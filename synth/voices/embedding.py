"""Speaker embeddings: vectors that lie close together for one voice and apart for two."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from corpus.audio import SAMPLE_RATE, Samples, resample
from corpus.suggestion import suggestion

Embeddings = npt.NDArray[np.float32]  # [voices, size], each row of length 1

FEWEST_WINDOWS = 8  # of one clip, to look for two speakers in
_BLOCK = 2_048  # rows compared at once
INSTALL = "pip install --no-deps resemblyzer && pip install webrtcvad-wheels librosa torch"


@dataclass(frozen=True)
class EmbeddedClip:
    """What an embedder makes of a clip: the vector `[size]` of the whole, and `[N, size]` of overlapping windows."""

    vector: Embeddings
    windows: Embeddings


class Embedder(Protocol):
    """Makes vectors of length 1, whose product is the cosine of their angle: 1 for the same sound.

    Attributes:
        name: kept with stored vectors; those of another embedder cannot be compared.
        size: of a vector.
        alike: cosine from which two clips are one speaker's.
        apart: cosine up to which two speakers are told apart without effort.
        one_speaker: cosine between the two halves of a clip's windows below which two people speak in it.
    """

    name: str
    size: int
    alike: float
    apart: float
    one_speaker: float

    def listen(self, samples: Samples) -> EmbeddedClip:
        """Listen to a clip, float32 `[T]` at 24 kHz."""
        ...


class ResemblyzerEmbedder:
    """Resemblyzer's GE2E encoder (Wan et al. 2018); its weights come with the package.

    The limits were set on LibriSpeech. Of 70 speakers, halves of one clip were 0.89 or more alike in 95 of 100, two
    speakers below 0.85 in 999 of 1000 and below 0.72 in 90 of 100. In 6 or 9 s, two people one after the other were
    found in 90 of 100 clips, taking turns every 2 s in 80 of 100; one person was taken for two in 2 of 102 clips.
    """

    name = "resemblyzer-0.1"
    size = 256
    alike = 0.86
    apart = 0.70
    one_speaker = 0.75

    _RATE = 16_000
    _LEVEL = 10 ** (-30 / 20)  # what the encoder was trained at
    _WINDOWS_PER_SECOND = 2.5  # of 1.6 s each
    _QUIET = 0.25  # of the median power: a window below it is silence

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # deprecations of the package's own imports
            try:
                import resemblyzer  # type: ignore[import-untyped]
            except ImportError:
                raise ValueError(f"voice embeddings need resemblyzer; type: {INSTALL}") from None
            self._encoder = resemblyzer.VoiceEncoder("cpu", verbose=False)

    def listen(self, samples: Samples) -> EmbeddedClip:
        """See `Embedder`. Windows are 1.6 s long, 0.4 s apart; silent ones and the padded last are left out."""
        levelled = self._levelled(samples)
        vector, windows, spans = self._encoder.embed_utterance(
            levelled, return_partials=True, rate=self._WINDOWS_PER_SECOND
        )
        power = np.array([float(np.mean(levelled[span] ** 2)) for span in spans])
        heard = (power > self._QUIET * np.median(power)) & np.array([span.stop <= len(levelled) for span in spans])
        return EmbeddedClip(
            np.asarray(vector / np.linalg.norm(vector), np.float32), np.asarray(windows[heard], np.float32)
        )

    def _levelled(self, samples: Samples) -> Samples:
        narrow = resample(samples, SAMPLE_RATE, self._RATE)
        level = float(np.sqrt(np.mean(narrow**2)))
        return narrow * np.float32(self._LEVEL / max(level, 1e-6))


EMBEDDERS: dict[str, Callable[[], Embedder]] = {"resemblyzer": ResemblyzerEmbedder}


def load_embedder(name: str = "resemblyzer") -> Embedder:
    """An embedder by name. Raises ValueError when there is none of this name, or naming what to install."""
    if name not in EMBEDDERS:
        raise ValueError(f"no embedder is called {name!r}{suggestion(name, EMBEDDERS)}")
    return EMBEDDERS[name]()


def embedder_or_none(name: str = "resemblyzer") -> Embedder | None:
    """An embedder by name, None where its package is not installed."""
    try:
        return load_embedder(name)
    except ValueError:
        return None


def halves_similarity(windows: Embeddings, least_share: float = 0.3) -> float:
    """Cosine between the two groups that a clip's windows fall into, as 2-means finds them on the sphere.

    1 where there are too few windows to tell, or one of the groups holds less than `least_share` of them.
    """
    if len(windows) < FEWEST_WINDOWS:
        return 1.0
    one, two = windows[0], windows[int(np.argmin(windows @ windows[0]))]
    first = windows @ one >= windows @ two
    for _ in range(10):
        if first.all() or not first.any():
            return 1.0
        one, two = (_direction(windows[group]) for group in (first, ~first))
        first = windows @ one >= windows @ two
    share = float(first.mean())
    return float(one @ two) if min(share, 1 - share) >= least_share else 1.0


def alike_rows(vectors: Embeddings, alike: float) -> list[tuple[int, int, float]]:
    """Every pair of rows whose cosine is `alike` or more, as (row, later row, cosine)."""
    pairs = []
    for first in range(0, len(vectors), _BLOCK):
        cosines = vectors[first : first + _BLOCK] @ vectors.T
        for row, column in np.argwhere(cosines >= alike):
            if first + row < column:
                pairs.append((int(first + row), int(column), float(cosines[row, column])))
    return pairs


def _direction(vectors: Embeddings) -> Embeddings:
    mean = vectors.mean(axis=0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)

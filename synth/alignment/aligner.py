"""What an aligner is: it says where the words of a known text are in a clip. `aligners` loads one by its name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from corpus.audio import Samples

Spans = list[tuple[float, float] | None]


class Aligner(Protocol):
    """A loaded model; `version` changes whenever the same call could give other times."""

    @property
    def version(self) -> str: ...  # noqa: D102 (described above)

    def spans(self, samples: Samples, rate: int, tokens: Sequence[str]) -> Spans | None:
        """Start and end (s) of every token in a clip `[T]`, None for one it cannot hear; None where nothing fits."""
        ...

"""Word times by Whisper's cross-attention: where its decoder looks while the known text is put into its mouth.

Times of the heads that were found to follow the sound, warped in order (`ctranslate2.models.Whisper.align`); the window
is cut to the clip.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from codec.whisper_window import RATE, TAIL, WHOLE, encode_window, window_tokenizer
from corpus.audio import Samples, resample

from .aligner import Spans

_LEAD = 0.06  # s by which the attention is ahead of the sound: 33 to 100 in six languages, of the base model
_HOP = 160  # samples of a frame of its features, two of which are one of its output


class WhisperTimes:
    """A faster-whisper model as an aligner. Raises ValueError for a language it does not know."""

    def __init__(self, folder: Path, language: str) -> None:
        import faster_whisper  # type: ignore[import-untyped]

        self._whisper: Any = faster_whisper.WhisperModel(
            str(folder), device="cpu", compute_type="int8", cpu_threads=1, num_workers=1, local_files_only=True
        )
        known = self._whisper.supported_languages
        if language not in known:
            raise ValueError(f"the Whisper in {folder} does not know {language!r}; it knows {' '.join(sorted(known))}")
        self._tokenizer = window_tokenizer(self._whisper, language)
        self.version = f"whisper-{(folder / 'model.bin').stat().st_size}-{faster_whisper.__version__}"

    def spans(self, samples: Samples, rate: int, tokens: Sequence[str]) -> Spans | None:
        """See `Aligner.spans`; None for a clip longer than its window."""
        sound = resample(samples, rate, RATE)
        seconds = len(sound) / RATE + TAIL
        if seconds > WHOLE:
            return None
        encoded = encode_window(self._whisper, sound, seconds)
        text = self._tokenizer.encode(f" {' '.join(tokens)}")
        (words,) = self._whisper.find_alignment(self._tokenizer, [text], encoded, len(sound) // _HOP)
        pieces = [(word["word"], float(word["start"]) + _LEAD, float(word["end"]) + _LEAD) for word in words]
        return token_spans(tokens, pieces)


def token_spans(tokens: Sequence[str], pieces: Sequence[tuple[str, float, float]]) -> Spans | None:
    """Times of pieces of a text as those of its whitespace tokens; None where the pieces spell another text.

    Args:
        tokens: the text's.
        pieces: in order, with start and end (s); together they spell the text, blanks aside.
    """
    owners = [index for index, token in enumerate(tokens) for _ in token]
    spans: list[tuple[float, float] | None] = [None] * len(tokens)
    at = 0
    for piece, start, end in pieces:
        for character in "".join(piece.split()):
            if at >= len(owners) or character not in tokens[owners[at]]:
                return None
            token, at = owners[at], at + 1
            if character.isalnum() and end > start:
                before = spans[token]
                spans[token] = (min(start, before[0]), max(end, before[1])) if before else (start, end)
    return spans if at == len(owners) and any(spans) and _in_order(spans) else None


def _in_order(spans: Spans) -> bool:
    edges = np.array([edge for span in spans if span is not None for edge in span])
    return bool((np.diff(edges) >= 0).all())

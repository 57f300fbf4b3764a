"""Forced alignment with pocketsphinx: where each word of a known text is in a clip."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from corpus.audio import Samples, resample

from .pronounce import letter_to_sound, spoken_words

RATE = 16_000  # Hz, of the acoustic model
_FRAME = 0.01  # s


def forced_spans(samples: Samples, rate: int, tokens: Sequence[str]) -> list[tuple[float, float] | None] | None:
    """Align tokens to a clip.

    Args:
        samples: float32 `[T]` at `rate` Hz.
        tokens: whitespace tokens of what is said, in English.

    Returns:
        Per token its start and end in seconds, None for a token that is not said ("-"); or None altogether when the
        aligner is not installed, a token cannot be pronounced, or the clip does not fit the text.
    """
    said = [spoken_words(token) for token in tokens]
    foreign = any(not words and any(map(str.isalnum, token)) for token, words in zip(tokens, said, strict=True))
    decoder = _decoder()
    if decoder is None or foreign or not any(said):
        return None
    decoded = _decode(decoder, resample(samples, rate, RATE), [word for words in said for word in words])
    if decoded is None:
        return None
    spans: list[tuple[float, float] | None] = []
    position = 0
    for words in said:
        mine = decoded[position : position + len(words)]
        spans.append((mine[0][0], mine[-1][1]) if mine else None)
        position += len(words)
    return spans


@lru_cache(maxsize=1)
def _decoder() -> Any | None:
    """The process's decoder, or None when pocketsphinx is not installed."""
    try:
        import pocketsphinx  # type: ignore[import-untyped]
    except ModuleNotFoundError:
        return None
    # Batch normalisation: with the running one a clip's times would depend on the clips before it.
    return pocketsphinx.Decoder(samprate=float(RATE), bestpath=False, lm=None, cmn="batch", loglevel="FATAL")


def _decode(decoder: Any, samples: Samples, words: Sequence[str]) -> list[tuple[float, float]] | None:
    """Start and end (s) of every word, or None if the search finds no path."""
    for word in set(words):
        if decoder.lookup_word(word) is None:
            decoder.add_word(word, letter_to_sound(word), True)
    decoder.set_align_text(" ".join(words))
    decoder.start_utt()
    decoder.process_raw((samples * 32767).clip(-32768, 32767).astype(np.int16).tobytes(), full_utt=True)
    decoder.end_utt()
    if decoder.hyp() is None:
        return None
    spans = [
        (entry.start_frame * _FRAME, (entry.end_frame + 1) * _FRAME)
        for entry in decoder.seg()
        if not entry.word.startswith(("<", "[", "(", "+"))
    ]
    return spans if len(spans) == len(words) else None

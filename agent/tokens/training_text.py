"""Text to train on without sound: what is said in token shards, or files of it, as one long row of ids."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch

from ..files.vocabulary import Vocabulary
from ..model.streams import ZERO
from .cut import TokenBatch
from .shards import Shard
from .text_stream import Tokens

TEXT = 1  # marks the random numbers of rows of text, apart from those of crops
UTTERANCE_GAP = 6  # frames without a token that end an utterance: 0.48 s


def corpus_text(shards: Sequence[Shard], places: npt.NDArray[np.int64], pads: tuple[int, int], between: int) -> Tokens:
    """Both sides' utterances in the order they begin: int32 `[N]`.

    Args:
        shards: to take the text from.
        places: `[D, 3]`, shard, first frame and end of every dialogue.
        pads: PAD and EPAD in the shards.
        between: id to put after every dialogue.
    """
    parts = []
    for place, begin, end in places.tolist():
        text = shards[place].text[:, begin:end]
        said = sorted((start, side) for side in (0, 1) for start in _utterances(text[side], pads))
        for start, side in said:
            stop = min((other for other, whose in said if whose == side and other > start), default=len(text[side]))
            part = text[side, start:stop]
            parts.append(part[~np.isin(part, pads)])
        parts.append(np.array([between], np.int32))
    return np.concatenate(parts)


def _utterances(row: Tokens, pads: tuple[int, int]) -> Iterator[int]:
    """The frames in which utterances begin."""
    frames = np.flatnonzero(~np.isin(row, pads))
    first = np.diff(frames, prepend=-UTTERANCE_GAP - 1) > UTTERANCE_GAP
    yield from frames[first].tolist()


def file_text(paths: Sequence[str | Path], vocabulary: Vocabulary) -> Tokens:
    """Lines of text files, a PAD after each: int32 `[N]`. Raises ValueError for an unreadable or empty file."""
    ids: list[int] = []
    for path in paths:
        try:
            lines = Path(path).read_text(encoding="utf-8-sig").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"cannot read {path} as text: {error}") from None
        if not any(line.strip() for line in lines):
            raise ValueError(f"{path} holds no text")
        for line in filter(str.strip, lines):
            ids += [*vocabulary.encode(line), vocabulary.pad]
    return np.array(ids, np.int32)


def text_rows(texts: Sequence[tuple[np.random.Generator, Tokens]], streams: int, frames: int) -> TokenBatch:
    """Rows of text alone, `frames` tokens from anywhere in each text without pauses; all other streams are -1."""
    codes = np.full((len(texts), streams, frames), ZERO, np.int64)
    for row, (rng, text) in enumerate(texts):
        start = int(rng.integers(len(text)))
        codes[row, 0] = text.take(range(start, start + frames), mode="wrap")
    return TokenBatch(torch.from_numpy(codes), torch.zeros(len(texts), frames, dtype=torch.uint8))

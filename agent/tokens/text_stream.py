"""Words onto a text stream at 12.5 Hz with every token kept: a token whose frame is taken waits for the next free one.

    word starts      |a1 a2 a3        |b1 b2
    starts in frame   2                4
    stream            PAD EPAD a1 a2 a3 b1 b2 PAD
    moved             b1 and b2, by one frame

moshi-finetune's own rules, which throw waiting tokens away, are in `corpus.interleave`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus.audio import FRAME_RATE
from corpus.interleave import TimedWord

Tokens = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Placement:
    """How the tokens of a text, or of many, found their frames."""

    words: int = 0
    placed: int = 0  # tokens in the stream
    moved: int = 0  # of those, later than their word's start asks for
    furthest: int = 0  # frames a token was moved at most
    lost: int = 0  # tokens beyond the end of the recording

    def __add__(self, other: Placement) -> Placement:
        return Placement(
            self.words + other.words,
            self.placed + other.placed,
            self.moved + other.moved,
            max(self.furthest, other.furthest),
            self.lost + other.lost,
        )


def lay_words(
    words: Iterable[TimedWord], frames: int, encode: Callable[[str], Sequence[int]], pad: int, end_pad: int
) -> tuple[Tokens, Placement]:
    """Lay one channel's words on a stream of `frames` frames.

    A word's tokens begin in the frame its start falls in, or in the first free one after it. The frame before a word
    holds `end_pad` where it would hold `pad`. Only tokens beyond the last frame are lost.

    Args:
        words: in any order; times in seconds from the start of the recording.
        frames: length of the stream.
        encode: a word's token ids; a word without any is skipped.
        pad: id of a frame without a token.
        end_pad: id of such a frame right before a word.

    Returns:
        tokens int32 `[frames]` and what became of them.
    """
    stream = np.full(frames, pad, np.int32)
    free = laid = placed = moved = furthest = lost = 0
    for word in sorted(words, key=lambda word: (word.start, word.end)):
        tokens = encode(word.text)
        if not tokens:
            continue
        onset = max(0, math.floor(word.start * FRAME_RATE))
        first = max(onset, free)
        shown = min(len(tokens), max(0, frames - first))
        if shown:
            if first > 0 and stream[first - 1] == pad:
                stream[first - 1] = end_pad
            stream[first : first + shown] = tokens[:shown]
            free = first + shown
            if first > onset:
                moved += shown
                furthest = max(furthest, first - onset)
        laid += 1
        placed += shown
        lost += len(tokens) - shown
    return stream, Placement(laid, placed, moved, furthest, lost)


def lay_sides(
    sides: Iterable[Iterable[TimedWord]], frames: int, encode: Callable[[str], Sequence[int]], pad: int, end_pad: int
) -> tuple[Tokens, Placement]:
    """Each side's words on a stream of its own, see `lay_words`: tokens int32 `[sides, frames]`, placements summed."""
    rows, placements = zip(*(lay_words(words, frames, encode, pad, end_pad) for words in sides), strict=True)
    return np.stack(rows), sum(placements, Placement())

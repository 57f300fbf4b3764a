"""Words onto a text stream at 12.5 Hz, as moshi-finetune's interleaver lays them, and what is lost on the way.

One text token a frame. A word's tokens begin in the frame its start falls in; a word that begins while tokens of the
one before still wait throws those away. Frames without a token hold PAD; the PAD right before a token becomes EPAD.
The rules, as moshi-finetune 0.1 runs with `keep_main_only=True` and its defaults otherwise:

- A recording is cut into chunks of 100 s. A chunk takes the alignment rows whose start lies in it, found by binary
  search in the list as it is stored, so unsorted rows go to wrong chunks or to none.
- Rows of other speakers than SPEAKER_MAIN and rows that do not end after they start are dropped; the rest is sorted by
  start.
- Every chunk's stream is a whole chunk long: tokens still waiting at its end are lost, tokens after the end of the
  recording's last chunk are not.

Source: kyutai-labs/moshi-finetune, finetune/data/interleaver.py (rules only).
"""

from __future__ import annotations

import bisect
import math
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .audio import FRAME_RATE
from .manifest import MAIN_SPEAKER

UNKNOWN_SPEAKER = ""
PAD = 3  # ids of Moshi's text vocabulary
EPAD = 0
CHUNK_SECONDS = 100.0
LONGEST_PIECE = 6  # letters in one token of `approximate_tokens`

Tokenizer = Callable[[str], Sequence[int]]

_PIECE = re.compile(rf"\d|[^\W\d_]{{1,{LONGEST_PIECE}}}|[^\w\s]|_")


class TimedWord(NamedTuple):
    """One row of an alignment list: text, seconds from the start of the recording, whose word it is."""

    text: str
    start: float
    end: float
    speaker: str = MAIN_SPEAKER  # UNKNOWN_SPEAKER of a recognizer that hears one voice and is not told whose


@dataclass(frozen=True)
class TextStream:
    """One chunk's stream, `tokens[t]` for frame t, and what did not fit in it."""

    tokens: tuple[int, ...]
    words: int  # words laid, whole or not
    placed: int  # tokens of words in the stream
    lost: int  # tokens of words thrown away
    touched: int  # words that lost a token


@dataclass(frozen=True)
class StreamCount:
    """What the text streams of a recording hold and miss, all chunks together."""

    words: int = 0
    placed: int = 0
    lost: int = 0
    touched: int = 0

    @property
    def lost_share(self) -> float:
        """Tokens lost, of all tokens; 0 without any."""
        return self.lost / max(1, self.placed + self.lost)

    @property
    def touched_share(self) -> float:
        """Words that lost a token, of all words; 0 without any."""
        return self.touched / max(1, self.words)

    def __add__(self, other: StreamCount | TextStream) -> StreamCount:
        return StreamCount(
            self.words + other.words,
            self.placed + other.placed,
            self.lost + other.lost,
            self.touched + other.touched,
        )


def approximate_tokens(word: str) -> list[int]:
    """Stand-in for Moshi's tokenizer, which is not shipped: as many tokens as it would give, more or less.

    One token for each digit and punctuation mark, one for every 6 letters begun. A vocabulary of 32,000 pieces holds
    most everyday words whole, so this counts long words high and errs towards more loss. The ids mean nothing; they are
    never PAD or EPAD.
    """
    return [EPAD + PAD + 1] * max(1, len(_PIECE.findall(word)))


def interleave(words: Iterable[TimedWord], frames: int, tokenize: Tokenizer = approximate_tokens) -> TextStream:
    """Lay one chunk's words on a stream of `frames` frames; times are seconds from the chunk's start.

    >>> interleave([TimedWord("one", 0.1, 0.3), TimedWord("two", 0.4, 0.6)], 8, lambda word: [10, 11]).tokens
    (0, 10, 11, 3, 0, 10, 11, 3)
    """
    kept = sorted((word for word in words if word.start < word.end), key=lambda word: word.start)
    stream = [PAD] * frames
    laid = placed = lost = touched = 0
    onsets = [math.floor(word.start * FRAME_RATE) for word in kept]
    for word, onset, limit in zip(kept, onsets, [*onsets, frames][1:], strict=True):
        tokens = tokenize(word.text.strip())
        first = max(0, onset)
        room = max(0, min(limit, frames) - first)
        shown = tokens[:room]
        if shown and first > 0 and stream[first - 1] == PAD:
            stream[first - 1] = EPAD
        stream[first : first + len(shown)] = shown
        laid += 1
        placed += len(shown)
        lost += len(tokens) - len(shown)
        touched += len(shown) < len(tokens)
    return TextStream(tuple(stream), laid, placed, lost, touched)


def replay(
    words: Sequence[TimedWord],
    duration: float,
    tokenize: Tokenizer = approximate_tokens,
    speaker: str = MAIN_SPEAKER,
    chunk_seconds: float = CHUNK_SECONDS,
) -> StreamCount:
    """Cut a recording of `duration` seconds into chunks, interleave each and sum up what is lost.

    `words` are in stored order, every speaker's; only those of `speaker` are laid.
    """
    frames = math.ceil(chunk_seconds * FRAME_RATE)
    starts = [word.start for word in words]
    total = StreamCount()
    for index in range(math.ceil(duration / chunk_seconds)):
        begin = index * chunk_seconds
        chunk = words[bisect.bisect_left(starts, begin) : bisect.bisect_left(starts, begin + chunk_seconds)]
        shifted = [
            word._replace(start=word.start - begin, end=word.end - begin) for word in chunk if word.speaker == speaker
        ]
        total += interleave(shifted, frames, tokenize)
    return total

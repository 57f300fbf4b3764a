"""Which words of a phrase are sure: those on which two decodings in a row agree (LocalAgreement-2, Liu et al. 2020).

A committed word never changes again, so the newest words wait for `SETTLING` seconds of sound behind them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..parts import HeardWord
from .loops import plain

SETTLING = 3.0  # s between a word's end and the end of the sound, before it may be committed: sooner costs words


@dataclass(frozen=True)
class Agreed:
    """The words of a phrase, its first `committed` for good."""

    words: tuple[HeardWord, ...] = ()
    committed: int = 0


def agree(before: Agreed, now: Sequence[HeardWord], start: float, until: float) -> Agreed:
    """Take in a new decoding, of the phrase's sound from `start` to `until` s."""
    words = joined(before, now, start)
    committed = before.committed
    while (
        committed < min(len(words), len(before.words))
        and plain(words[committed].text) == plain(before.words[committed].text)
        and words[committed].end <= until - SETTLING
    ):
        committed += 1
    return Agreed(words, committed)


def joined(before: Agreed, now: Sequence[HeardWord], start: float) -> tuple[HeardWord, ...]:
    """The committed words, and what a new decoding, of the sound from `start` s on, says after them.

    Where the committed words end in it is told by the words themselves, with the fewest changes to them: the times of a
    word differ from one decoding to the next.
    """
    kept = before.words[: before.committed]
    again = [plain(word.text) for word in kept if _middle(word) > start]  # those that were decoded once more
    changes = list(range(len(now) + 1))  # to make the first n words of now of the committed ones so far
    for number, text in enumerate(again, 1):
        diagonal, changes[0] = changes[0], number
        for n, word in enumerate(now, 1):
            cost = min(changes[n] + 1, changes[n - 1] + 1, diagonal + (plain(word.text) != text))
            diagonal, changes[n] = changes[n], cost
    said = min(range(len(now) + 1), key=lambda n: (changes[n], abs(n - len(again))))
    return (*kept, *now[said:])


def _middle(word: HeardWord) -> float:
    return (word.start + word.end) / 2

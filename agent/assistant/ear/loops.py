"""Loops of a recognizer: the same words over and over, which a cut window brings about.

A phrase of three or more words that comes twice in a row is one, or a shorter one that comes more often. People repeat
themselves, too, but seldom like this: what looks like a loop is worth a second look, not more.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LONGEST = 12  # words of a loop
RESTART = 3  # words that come again
FASTEST = 5.0  # words that people say in a second of voice
_NEEDED = {1: 5, 2: 3}  # times in a row, by words; twice for more words
_SIGNS = re.compile(r"[^\w']")


def plain(word: str) -> str:
    """A word as it is compared: small letters, no marks."""
    return _SIGNS.sub("", word.lower())


def find_loop(words: Sequence[str]) -> int | None:
    """How many first words stand before a loop's first repetition; None without a loop."""
    flat = [plain(word) for word in words]
    for end in range(2, len(flat) + 1):  # the loop that is complete first
        for size in range(1, min(LONGEST, end // 2) + 1):
            times = _NEEDED.get(size, 2)
            first = end - size * times
            unit = flat[first : first + size]
            if first >= 0 and any(unit) and flat[first:end] == unit * times:
                return first + size
    return None


def find_restart(words: Sequence[str]) -> int | None:
    """How many first words stand before the last ones say some of them again, up to the end; None where they do not.

    >>> find_restart("Can I get a mocha? Can I get a mo".split())
    5
    """
    flat = [plain(word) for word in words]
    for again in range(RESTART, len(flat) - RESTART + 1):
        tail, cut = flat[again:-1], flat[-1]  # the last word may be cut
        for first in range(again - len(tail)):
            if flat[first : first + len(tail)] == tail and flat[first + len(tail)].startswith(cut):
                return again
    return None


def too_fast(words: int, voice: float) -> bool:
    """Whether nobody says so many words in so many seconds of voice."""
    return words > FASTEST * voice

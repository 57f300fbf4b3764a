"""Which phonemes of a spoken text belong to which of its words.

A phonemizer writes groups of phonemes, and they are not the text's words: "of the" comes out as one group, "$3.50" as
four. So each word is also phonemized alone, and the two sequences are aligned by edit distance.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

PUNCTUATION = frozenset(".,;:!?")
STRESS = frozenset("ˈˌː")
_VOWELS = frozenset("aeiouyæɐɑɒɔəɚɛɜɝɪʊʌᵻøœ")
_BREAK = " "

_GAP = 0.7
_EXTRA_BREAK = 0.4  # a group break inside a word
_MISSING_BREAK = 0.3  # two words in one group


def is_phoneme(symbol: str) -> bool:
    """Whether a symbol of the phonemizer sounds: neither a break nor punctuation."""
    return symbol != _BREAK and symbol not in PUNCTUATION


def assign(spoken: Sequence[str], words: Sequence[Sequence[str]]) -> list[tuple[int, int]]:
    """Find each word's phonemes.

    Args:
        spoken: symbols of the whole text: phonemes, stress marks, punctuation, breaks (" ").
        words: symbols of each word phonemized alone.

    Returns:
        Per word a half-open range of `spoken`, trimmed to phonemes; ranges increase and do not overlap. A word without
        phonemes of its own gets an empty range where it stands.
    """
    joined: list[str] = []
    for index, symbols in enumerate(words):
        joined += [_BREAK] * (index > 0) + [symbol for symbol in symbols if symbol != _BREAK]
    edges = [0, *_break_positions(spoken, joined), len(spoken)]
    return [_trim(spoken, start, max(start, end)) for start, end in pairwise(edges)]


def _trim(spoken: Sequence[str], start: int, end: int) -> tuple[int, int]:
    while start < end and not is_phoneme(spoken[start]):
        start += 1
    while end > start and not is_phoneme(spoken[end - 1]):
        end -= 1
    return start, end


def _break_positions(spoken: Sequence[str], joined: Sequence[str]) -> list[int]:
    """For every break of `joined`, the position in `spoken` it is aligned to, by least edit cost."""
    columns = len(joined) + 1
    cost = [0.0] * columns
    for j, symbol in enumerate(joined):
        cost[j + 1] = cost[j] + _drop(symbol, _MISSING_BREAK)
    moves = [bytearray(b"\1" * columns)]  # 0: both advance, 1: only joined, 2: only spoken
    for symbol in spoken:
        extra = _drop(symbol, _EXTRA_BREAK)
        row, move = [cost[0] + extra], bytearray(b"\2" * columns)
        for j, other in enumerate(joined):
            both = cost[j] + _swap(symbol, other)
            only_joined = row[j] + _drop(other, _MISSING_BREAK)
            only_spoken = cost[j + 1] + extra
            if both <= only_joined and both <= only_spoken:
                row.append(both)
                move[j + 1] = 0
            elif only_joined <= only_spoken:
                row.append(only_joined)
                move[j + 1] = 1
            else:
                row.append(only_spoken)
        cost = row
        moves.append(move)

    positions: list[int] = []
    i, j = len(spoken), len(joined)
    while j:
        step = moves[i][j]
        if step != 2:
            j -= 1
        if step != 1:
            i -= 1
        if step != 2 and joined[j] == _BREAK:
            positions.append(i)
    return positions[::-1]


def _drop(symbol: str, break_cost: float) -> float:
    if symbol == _BREAK:
        return break_cost
    return 0.1 if symbol in STRESS else _GAP


def _swap(symbol: str, other: str) -> float:
    if symbol == other:
        return 0.0
    if _BREAK in (symbol, other) or (symbol in PUNCTUATION) != (other in PUNCTUATION):
        return 9.0
    if symbol in PUNCTUATION:
        return 0.2
    if symbol in STRESS or other in STRESS:
        return 0.2 if symbol in STRESS and other in STRESS else 9.0
    return 0.5 if (symbol in _VOWELS) == (other in _VOWELS) else 1.2

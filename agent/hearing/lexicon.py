"""The words that can be heard, as a tree of letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .config import SYMBOLS
from .ngrams import BORDER, WordNgrams

NOTHING = -1


@dataclass(frozen=True)
class Lexicon:
    """Nodes are beginnings of words; 0 is the empty one."""

    children: NDArray[np.int32]  # [N, symbols], NOTHING where no word goes on so
    word: NDArray[np.int32]  # [N], the id of the word that ends here, NOTHING if none
    best: NDArray[np.float32]  # [N], the chance of the likeliest single word below

    @classmethod
    def of(cls, ngrams: WordNgrams) -> Lexicon:
        """Of all listed words whose letters are symbols."""
        rows, ends, best = [[NOTHING] * len(SYMBOLS)], [NOTHING], [-np.inf]
        for index in range(BORDER + 1, len(ngrams.words)):
            chance, path = float(ngrams.single[index]), _letters(ngrams.words[index])
            if path is None:
                continue
            node = 0
            for letter in path:
                best[node] = max(best[node], chance)
                if rows[node][letter] == NOTHING:
                    rows[node][letter] = len(rows)
                    rows.append([NOTHING] * len(SYMBOLS))
                    ends.append(NOTHING)
                    best.append(-np.inf)
                node = rows[node][letter]
            ends[node], best[node] = index, max(best[node], chance)
        return cls(np.array(rows, np.int32), np.array(ends, np.int32), np.array(best, np.float32))


def _letters(word: str) -> Sequence[int] | None:
    ids = [SYMBOLS.find(letter) for letter in word]
    return ids if ids and min(ids) > SYMBOLS.index(" ") else None

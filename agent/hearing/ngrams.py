"""How likely a word is after two others: interpolated absolute discounting (Ney, Essen and Kneser 1994), in arrays."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corpus.durable import replacing

UNKNOWN, BORDER = 0, 1  # ids of words: one that is not listed; where somebody begins to speak
DISCOUNT = 0.7
LONGEST_VOCABULARY = 1 << 21  # three ids are one key of 63 bits
Ids = NDArray[np.int64]


@dataclass(frozen=True)
class WordNgrams:
    """Words, and natural logarithms of their chances."""

    words: tuple[str, ...]  # by id; the first two are "" and stand for UNKNOWN and BORDER
    single: NDArray[np.float32]  # [V]
    pairs: Ids  # sorted keys of two words
    pair_chances: NDArray[np.float32]
    triples: Ids  # sorted keys of three
    triple_chances: NDArray[np.float32]
    after_one: NDArray[np.float32]  # [V], what is left to single words after a word
    after_two: NDArray[np.float32]  # of every pair, what is left to pairs after it

    @classmethod
    def of(cls, sentences: Iterable[Sequence[str]], least: int = 1) -> WordNgrams:
        """Count sentences; words said fewer than `least` times are not listed."""
        said = [list(words) for words in sentences]
        counts = Counter(word for words in said for word in words)
        listed = ("", "", *sorted(word for word, count in counts.items() if count >= least))
        if len(listed) > LONGEST_VOCABULARY:
            raise ValueError(f"{len(listed)} words are too many: at most {LONGEST_VOCABULARY}")
        ids = {word: index for index, word in enumerate(listed) if index > BORDER}
        rows = [[BORDER, BORDER, *(ids.get(word, UNKNOWN) for word in words)] for words in said]
        one, two, three = Counter[int](), Counter[tuple[int, int]](), Counter[tuple[int, int, int]]()
        for row in rows:
            one.update(row[2:])
            two.update(pairwise(row[1:]))
            three.update(zip(row, row[1:], row[2:], strict=False))
        return _interpolated(listed, one, two, three)

    def chance(self, first: int, second: int, word: int) -> float:
        """Natural logarithm of the chance of `word` after `first second`; cached, for a search asks again and again."""
        key = (first << 42) | (second << 21) | word
        known = self._asked.get(key)
        if known is None:
            if len(self._asked) > 200_000:
                self._asked.clear()
            known = self._asked[key] = self._of(first, second, word)
        return known

    @cached_property
    def _asked(self) -> dict[int, float]:
        return {}

    def _of(self, first: int, second: int, word: int) -> float:
        context = (first << 21) | second
        place = _place(self.triples, (context << 21) | word)
        if place is not None:
            return float(self.triple_chances[place])
        left = _place(self.pairs, context)
        rest = 0.0 if left is None else float(self.after_two[left])
        place = _place(self.pairs, (second << 21) | word)
        if place is not None:
            return rest + float(self.pair_chances[place])
        return rest + float(self.after_one[second]) + float(self.single[word])

    def save(self, path: Path) -> None:
        """Write it; chances with half precision, keys as they are."""
        arrays = {name: getattr(self, name) for name in ("pairs", "triples")}
        halves = ("single", "pair_chances", "triple_chances", "after_one", "after_two")
        arrays |= {name: getattr(self, name).astype(np.float16) for name in halves}
        arrays["words"] = np.frombuffer("\n".join(self.words).encode(), np.uint8)
        with replacing(path) as partial, partial.open("wb") as file:
            np.savez_compressed(file, allow_pickle=False, **arrays)

    @classmethod
    def load(cls, path: Path) -> WordNgrams:
        """Read what `save` wrote. Raises ValueError if it is missing or broken."""
        try:
            with np.load(path, allow_pickle=False) as arrays:
                words = tuple(arrays["words"].tobytes().decode().split("\n"))
                kept: dict[str, Any] = {name: _wide(arrays[name]) for name in arrays.files if name != "words"}
                return cls(words=words, **kept)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ValueError(f"{path} holds no words: {error}") from None


def _wide(array: NDArray[np.generic]) -> NDArray[np.generic]:
    return array.astype(np.float32) if array.dtype == np.float16 else array


def _place(keys: Ids, key: int) -> int | None:
    place = int(np.searchsorted(keys, key))
    return place if place < len(keys) and keys[place] == key else None


def _interpolated(
    words: tuple[str, ...],
    one: Mapping[int, int],
    two: Mapping[tuple[int, int], int],
    three: Mapping[tuple[int, int, int], int],
) -> WordNgrams:
    """Every level takes a discount off what was counted and gives it to the level below."""
    size, total = len(words), sum(one.values())
    single = np.full(size, DISCOUNT * len(one) / max(total, 1) / size)
    for word, count in one.items():
        single[word] += (count - DISCOUNT) / total
    of_one, kinds_one = Counter[int](), Counter[int]()
    for (before, _), count in two.items():
        of_one[before] += count
        kinds_one[before] += 1
    after_one = np.ones(size)
    for before, count in of_one.items():
        after_one[before] = DISCOUNT * kinds_one[before] / count
    pairs = {
        pair: (count - DISCOUNT) / of_one[pair[0]] + after_one[pair[0]] * single[pair[1]] for pair, count in two.items()
    }
    of_two, kinds_two = Counter[tuple[int, int]](), Counter[tuple[int, int]]()
    for triple, count in three.items():
        of_two[triple[:2]] += count
        kinds_two[triple[:2]] += 1
    left = {pair: DISCOUNT * kinds_two[pair] / count for pair, count in of_two.items()}

    def lower(pair: tuple[int, int]) -> float:
        return float(pairs.get(pair, after_one[pair[0]] * single[pair[1]]))

    triples = {
        triple: (count - DISCOUNT) / of_two[triple[:2]] + left[triple[:2]] * lower(triple[1:])
        for triple, count in three.items()
    }
    contexts = sorted({*pairs, *left})  # (border, border) is a context and no pair
    pair_keys = np.array([(a << 21) | b for a, b in contexts], np.int64)
    triple_list = sorted(triples)
    triple_keys = np.array([(a << 42) | (b << 21) | c for a, b, c in triple_list], np.int64)
    return WordNgrams(
        words,
        np.log(single).astype(np.float32),
        pair_keys,
        np.log([lower(pair) for pair in contexts]).astype(np.float32),
        triple_keys,
        np.log([triples[triple] for triple in triple_list]).astype(np.float32),
        np.log(after_one).astype(np.float32),
        np.log([left.get(pair, 1.0) for pair in contexts]).astype(np.float32),
    )

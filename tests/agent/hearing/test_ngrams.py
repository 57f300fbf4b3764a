"""Chances of words: a case by hand, the rule that they sum to one, and the file."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from agent.hearing.ngrams import BORDER, UNKNOWN, WordNgrams


def small() -> WordNgrams:
    return WordNgrams.of([["a", "b"], ["a", "b"], ["a", "c"]])


def test_a_case_by_hand() -> None:
    ngrams = small()
    a, b = ngrams.words.index("a"), ngrams.words.index("b")
    single = (2 - 0.7) / 6 + 0.7 * 3 / 6 / 5  # "b" twice of six; a discount of three kinds, shared by five entries
    pair = (2 - 0.7) / 3 + 0.7 * 2 / 3 * single
    triple = (2 - 0.7) / 3 + 0.7 * 2 / 3 * pair
    assert ngrams.chance(BORDER, a, b) == pytest.approx(math.log(triple), abs=1e-5)
    assert ngrams.chance(b, b, b) == pytest.approx(math.log(single), abs=1e-5)  # never seen: only the word counts


def test_chances_sum_to_one() -> None:
    ngrams = small()
    ids = range(len(ngrams.words))
    for context in [(BORDER, BORDER), (BORDER, ngrams.words.index("a")), (UNKNOWN, UNKNOWN)]:
        assert sum(math.exp(ngrams.chance(*context, word)) for word in ids) == pytest.approx(1.0, abs=1e-4)


def test_what_is_saved_is_read(tmp_path: Path) -> None:
    ngrams = small()
    ngrams.save(tmp_path / "words.npz")
    again = WordNgrams.load(tmp_path / "words.npz")
    assert again.words == ngrams.words
    np.testing.assert_array_equal(again.triples, ngrams.triples)
    assert again.chance(BORDER, 2, 3) == pytest.approx(ngrams.chance(BORDER, 2, 3), abs=2e-3)
    (tmp_path / "broken.npz").write_bytes(b"no")
    with pytest.raises(ValueError, match="holds no words"):
        WordNgrams.load(tmp_path / "broken.npz")

"""A user's words as a recognizer gives them: plain, late, in order, now and then wrong, the same for the same seed."""

from __future__ import annotations

import numpy as np

from agent.tokens.dictated import LAG, LAST_LAG, MISSED, MISTAKEN, dictated
from corpus.audio import FRAME_SECONDS
from corpus.interleave import TimedWord

DELAY = 6


def words(count: int) -> list[TimedWord]:
    """A second apart, so each is followed by a silence."""
    return [TimedWord(f"Word{'abcdefghij'[i % 10]},", float(i), i + 0.3, "USER") for i in range(count)]


def test_words_are_plain_and_late() -> None:
    given = dictated([TimedWord("It's", 0.5, 0.7, "U"), TimedWord("7:", 0.75, 1.1, "U")], 0, np.random.default_rng(3))
    assert [word.text for word in given] == ["it's", "seven"]
    assert 0.7 + LAG[0] <= given[0].start <= 0.7 + LAG[1]
    assert 1.1 + LAST_LAG[0] <= given[1].start <= 1.1 + LAST_LAG[1]
    read_later = dictated([TimedWord("hello", 2.0, 2.4, "U")], DELAY, np.random.default_rng(0))[0]
    assert 2.4 + LAST_LAG[0] <= read_later.start + DELAY * FRAME_SECONDS <= 2.4 + LAST_LAG[1]


def test_mistakes_are_as_many_as_said_and_hang_on_the_seed() -> None:
    said = words(4000)
    given = dictated(said, DELAY, np.random.default_rng(1))
    assert given == dictated(said, DELAY, np.random.default_rng(1))
    assert abs(len(given) / len(said) - (1 - MISSED)) < 0.01
    starts = [word.start for word in given]
    assert starts == sorted(starts)
    meant = {round(word.start): word.text for word in given}
    right = sum(meant.get(i) == f"word{'abcdefghij'[i % 10]}" for i in range(1, 4000))
    assert abs(right / 4000 - (1 - MISSED - 0.9 * MISTAKEN)) < 0.02  # one in ten mistakes is the word itself

"""From letters to words: what was spelled, what the n-grams mend, in pieces as in one."""

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from agent.hearing.config import SYMBOLS  # noqa: E402
from agent.hearing.ngrams import WordNgrams  # noqa: E402
from agent.hearing.search import BEAM, WordSearch  # noqa: E402

SENTENCES = [["what", "is", "this"], ["that", "is", "it"], ["hello"], ["wet", "hat"]]


def told(text: str, sure: float = 0.97) -> np.ndarray:
    """Log probabilities of a spelling: each letter two steps, a blank between; "_" is a blank."""
    rows = []
    for letter in text:
        symbol = 0 if letter == "_" else SYMBOLS.index(letter)
        for which in (symbol, symbol, 0):
            row = np.full(len(SYMBOLS), (1 - sure) / (len(SYMBOLS) - 1))
            row[which] = sure
            rows.append(np.log(row))
    return np.array(rows)


def heard(search: WordSearch, rows: np.ndarray, piece: int = 2) -> list[str]:
    state, words = search.init_state(), []
    for start in range(0, len(rows), piece):
        settled, state = search.step(rows[start : start + piece], state)
        words += [word.text for word in settled]
    return words


@pytest.fixture(scope="module")
def search() -> WordSearch:
    return WordSearch(WordNgrams.of(SENTENCES))


def test_what_is_spelled_is_heard(search: WordSearch) -> None:
    assert heard(search, told("what is this____")) == ["what", "is", "this"]
    assert heard(search, told("hello______________hello_____")) == ["hello", "hello"]  # silence ends a word, too
    assert heard(search, told("____________")) == []


def test_ngrams_decide_what_the_letters_leave_open(search: WordSearch) -> None:
    rows = told("whet is this____")  # no word: nearer to "what" and to "wet"
    assert heard(search, rows) == ["what", "is", "this"]


def test_pieces_do_not_matter(search: WordSearch) -> None:
    rows = told("that is it____what is this____", 0.8)
    assert heard(search, rows, 2) == heard(search, rows, 6) == ["that", "is", "it", "what", "is", "this"]


def test_words_come_soon_and_a_state_is_a_value(search: WordSearch) -> None:
    rows = told("what is this____")
    state, at = search.init_state(), {}
    for start in range(0, len(rows), 2):
        before = state
        settled, state = search.step(rows[start : start + 2], state)
        again, _ = search.step(rows[start : start + 2], before)
        assert again == settled
        at.update({word.text: (start + 2, word.end) for word in settled})
    assert all(given - end <= 10 for given, end in at.values())
    assert state.node.shape == (1, BEAM)


def test_a_long_monologue_overflows_nothing(search: WordSearch) -> None:
    rows = told("that is it what is this " * 40, 0.9)
    assert heard(search, rows)[:6] == ["that", "is", "it", "what", "is", "this"]

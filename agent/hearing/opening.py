"""Hearings by the names that a model's configuration and `--hearing` give them."""

from __future__ import annotations

from .heard_words import HeardWords, WordIds
from .recognizer import WordRecognizer
from .stream import Hearing

OWN = "own"  # the name of the model's own guess, which is no hearing
NOBODY = ""  # of none, for work in which no user speaks


def open_hearing(name: str, vocabulary: WordIds, marks: bool = False) -> Hearing:
    """A hearing that writes in a model's vocabulary: a shipped recognizer's, or a folder's; `marks`: see `HeardWords`.

    Raises ValueError where there is no such recognizer.
    """
    return HeardWords(WordRecognizer.load(name), vocabulary, marks)

"""Hearings by the names that a model's configuration and `--hearing` give them."""

from __future__ import annotations

from .heard_words import HeardWords, WordIds
from .recognizer import WordRecognizer
from .stream import Hearing

OWN = "own"  # the name of the model's own guess, which is no hearing


def open_hearing(name: str, vocabulary: WordIds) -> Hearing:
    """A hearing that writes in a model's vocabulary: a shipped recognizer's, or a folder's. Else raises ValueError."""
    return HeardWords(WordRecognizer.load(name), vocabulary)

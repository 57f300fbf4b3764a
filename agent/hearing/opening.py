"""Hearings by the names that a model's configuration and `--hearing` give them."""

from __future__ import annotations

from typing import Protocol

from .stream import Hearing

OWN = "own"  # the name of the model's own guess, which is no hearing


class WordIds(Protocol):
    """What is needed of a vocabulary to lay words on a stream of text; see `agent.files.vocabulary.Vocabulary`."""

    @property
    def pad(self) -> int:
        """Nothing starts here."""

    @property
    def end_pad(self) -> int:
        """A word starts next."""

    def encode(self, text: str) -> list[int]:
        """Ids of words in running text."""


def open_hearing(name: str, vocabulary: WordIds) -> Hearing:
    """A hearing that writes in a model's vocabulary. Raises ValueError for a name that is none."""
    raise ValueError(f"there is no recognizer {name!r}")

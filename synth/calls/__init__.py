"""Calls of people on the way into a corpus: heard, matched with a transcript, freed of names and numbers."""

from .hear import CallHearer
from .match import matched
from .redact import NamesAndNumbers, read_words

__all__ = ["CallHearer", "NamesAndNumbers", "matched", "read_words"]

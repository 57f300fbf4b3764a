"""Recordings of dialogues with word times, on disk. The ground floor: imports no other folder."""

from typing import TYPE_CHECKING

from .lazy import lazy

if TYPE_CHECKING:
    from .manifest import CorpusInfo
    from .reader import Corpus
    from .record import Dialogue, Speaker, Turn, Voice, Word
    from .writer import CorpusWriter

__all__ = ["Corpus", "CorpusInfo", "CorpusWriter", "Dialogue", "Speaker", "Turn", "Voice", "Word"]

__getattr__, __dir__ = lazy(
    __name__,
    {
        "CorpusInfo": "manifest",
        "Corpus": "reader",
        "Dialogue": "record",
        "Speaker": "record",
        "Turn": "record",
        "Voice": "record",
        "Word": "record",
        "CorpusWriter": "writer",
    },
)

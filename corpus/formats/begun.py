"""A corpus that an import begins: where that fails before anything of it is whole, nothing is left behind."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from ..durable import DiskFullError, remove
from ..manifest import IDENTITY, MANIFEST, SHARDS, WORK, CorpusInfo
from ..staging import DONE
from ..store import CorpusWriter
from ..writer import LOCK, holds_nothing


@contextlib.contextmanager
def begun(out: str | Path, info: CorpusInfo) -> Iterator[CorpusWriter]:
    """Open a corpus for writing, see `CorpusWriter.open`; one that holds nothing and comes to nothing is removed again.

    A mistake (ValueError) removes what was staged, too: told otherwise, it would be another corpus. What was stopped or
    met a full disk stays, if there is anything, and goes on with the same command.
    """
    directory = Path(out)
    there, empty = directory.exists(), holds_nothing(directory)
    try:
        with CorpusWriter.open(directory, info) as writer:
            try:
                yield writer
            except BaseException as error:
                mistake = isinstance(error, ValueError) and not isinstance(error, DiskFullError)
                staged = any((directory / WORK / DONE).iterdir())
                if empty and not writer.published.dialogues and (mistake or not staged):
                    _clear(directory)
                raise
    finally:
        if not there:
            with contextlib.suppress(OSError):  # it is not empty: the import came to something
                directory.rmdir()


def _clear(corpus: Path) -> None:
    """Remove what a writer made but the lock, which goes when it is let go of; last what makes it a corpus."""
    for name in (MANIFEST, SHARDS, IDENTITY):
        remove(corpus / name)
    for path in (corpus / WORK).iterdir():
        if path.name != LOCK:
            remove(path)

"""What a file or folder holds, as a name: a recipe is known by its models' content, wherever they lie."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from corpus.durable import sha256_of

PREFIX = "sha256:"


def content_name(path: str, file: str = "") -> str:
    """`sha256:...` of a file, or of `file` in a folder; the path itself where there is none: others tell that."""
    found = Path(path).expanduser() / file if file else Path(path).expanduser()
    if not path or not found.is_file():
        return path
    state = found.stat()
    return _digest(found, state.st_mtime_ns, state.st_size)


@lru_cache(maxsize=32)
def _digest(path: Path, modified: int, size: int) -> str:
    return PREFIX + sha256_of(path)

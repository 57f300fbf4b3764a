"""Where a folder of tokens lies that is read shard by shard: on this machine, or behind any URL that fsspec knows."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from corpus.durable import replacing

from .shards import MANIFEST, SHARDS, Shard, TokenManifest, TokenShard, read_manifest, shard_of

TRIES = 3  # to read a file of a store
PAUSE = 1.0  # s before the second try, twice as long before the next


class ShardStore:
    """A folder of tokens; its manifest and its vocabulary lie in `folder` on this machine."""

    def __init__(self, place: str | Path, copies: Path, sleep: Callable[[float], None] = time.sleep) -> None:
        """Read the manifest and the vocabulary.

        Args:
            place: a folder, or a URL such as `s3://bucket/tokens`; `simplecache::s3://...` keeps what was read.
            copies: where the manifest and the vocabulary of a URL are written to.
            sleep: waits between two tries.

        Raises:
            ValueError: nothing is there, or a package is missing.
        """
        self.place, self._sleep = str(place), sleep
        self._files: Any = None  # of fsspec; None for a folder
        self.folder = Path(place)
        if "://" in self.place:
            self._files, self._root = _open(self.place)
            self.folder = copies
            self._copy(MANIFEST)
            self._copy(read_manifest(copies).vocabulary.file)
        self.manifest: TokenManifest = read_manifest(self.folder)

    def shard(self, entry: TokenShard) -> Shard:
        """A shard, in memory. Raises ValueError when it cannot be read or was changed."""
        data = np.frombuffer(self._read(f"{SHARDS}/{entry.file}"), np.uint8)
        return shard_of(data, entry, f"{self.place}/{SHARDS}/{entry.file}")

    def _copy(self, name: str) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        with replacing(self.folder / name) as partial:
            partial.write_bytes(self._read(name))

    def _read(self, name: str) -> bytes:
        for attempt in range(TRIES):
            try:
                if self._files is None:
                    return (self.folder / name).read_bytes()
                return bytes(self._files.cat_file(f"{self._root}/{name}"))
            except OSError as error:
                missing = isinstance(error, FileNotFoundError)
                if missing or self._files is None or attempt == TRIES - 1:
                    raise ValueError(f"cannot read {name} of the tokens in {self.place}: {error}") from None
                self._sleep(PAUSE * 2**attempt)
        raise AssertionError("the last try returns or raises")


def _open(url: str) -> tuple[Any, str]:
    """fsspec's file system and the path in it."""
    try:
        import fsspec  # type: ignore[import-untyped]

        files, root = fsspec.core.url_to_fs(url)
    except ImportError as error:
        raise ValueError(f"{url} needs a package: {error}; pip install 'duologue[ray]' has fsspec") from None
    except (OSError, ValueError) as error:
        raise ValueError(f"{url}: {error}") from None
    return files, str(root).rstrip("/")

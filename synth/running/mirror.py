"""A corpus copied to a file store as it grows: any URL that fsspec reads (s3://, gs://, memory://, a shared path).

A shard's `shard.json` is sent last, so one that has it there is whole. Sending can stop anywhere and goes on where it
stopped; the corpus itself stays the truth. A shard is looked for in the store once by each run.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from corpus.card import CARD
from corpus.dialogue_rows import ROWS
from corpus.manifest import IDENTITY, MANIFEST, SHARD_INFO, shard_directories


class Mirror:
    """The place a corpus is copied to."""

    def __init__(self, url: str) -> None:
        """Raises ValueError when fsspec or the store's own package is missing, or the URL cannot be opened."""
        try:
            import fsspec  # type: ignore[import-untyped]

            files, root = fsspec.core.url_to_fs(url)
        except ImportError as error:
            raise ValueError(
                f"--mirror {url} needs a package: {error}; pip install 'duologue[ray]' has fsspec"
            ) from None
        except (OSError, ValueError) as error:
            raise ValueError(f"--mirror {url}: {error}") from None
        self._files: Any = files
        self._root = str(root).rstrip("/")
        self._whole: set[str] = set()  # names of shards that are known to be there
        self.url = url

    def send(self, corpus: Path) -> int:
        """Copy every shard that is not there yet and the lists of them; returns how many shards were sent.

        Raises:
            ValueError: the store refused.
        """
        sent = 0
        try:
            for shard in shard_directories(corpus):
                if shard.name in self._whole:
                    continue
                if not self._has(shard / SHARD_INFO, corpus):
                    for path in sorted(shard.iterdir(), key=lambda path: (path.name == SHARD_INFO, path.name)):
                        self._copy(path, corpus)
                    sent += 1
                self._whole.add(shard.name)
            for name in (IDENTITY, MANIFEST, ROWS, CARD):
                if (corpus / name).is_file():  # the last two come with the finished corpus
                    self._copy(corpus / name, corpus)
        except OSError as error:
            raise ValueError(f"cannot copy to {self.url}: {error}; the same command goes on from here") from None
        return sent

    def _there(self, path: Path, corpus: Path) -> str:
        return f"{self._root}/{path.relative_to(corpus).as_posix()}"

    def _has(self, path: Path, corpus: Path) -> bool:
        place = self._there(path, corpus)
        return bool(self._files.exists(place)) and bool(self._files.cat_file(place) == path.read_bytes())

    def _copy(self, path: Path, corpus: Path) -> None:
        place = self._there(path, corpus)
        self._files.makedirs(place.rpartition("/")[0], exist_ok=True)
        self._files.put_file(str(path), place)

"""Tar archives whose bytes depend on nothing but the names and contents put into them."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..durable import synced_file
from .cut_records import Json


class TarShard:
    """An open archive."""

    def __init__(self, archive: tarfile.TarFile) -> None:
        self._archive = archive

    def add(self, name: str, data: bytes) -> None:
        """Append one file."""
        member = tarfile.TarInfo(name)
        member.size = len(data)
        self._archive.addfile(member, io.BytesIO(data))

    def add_audio(self, key: str, flac: bytes, recording: Json) -> None:
        """Append a recording and its description, as a Shar archive holds them."""
        self.add(f"{key}.flac", flac)
        self.add(f"{key}.json", json.dumps(recording).encode())


@contextmanager
def tar_shard(path: Path) -> Iterator[TarShard]:
    """A new archive, on disk when the block ends; a half-written one is removed."""
    with synced_file(path) as file, tarfile.open(fileobj=file, mode="w|", format=tarfile.USTAR_FORMAT) as archive:
        yield TarShard(archive)

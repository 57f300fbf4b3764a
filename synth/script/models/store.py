"""Written scripts on disk, a line each, a thousand to a file: what a language model wrote once is read ever after."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from corpus.durable import disk_full_told, sync_directory, sync_file

from ..line import Line

FOLDER = "scripts"  # of a corpus
SHARD = 1000  # dialogues to a file
_OPEN = 4  # files whose scripts are kept in memory


class WrittenScript(BaseModel):
    """One written dialogue. `seed` is the dialogue's: it follows from recipe, writer, prompts and corpus seed.

    `attempt` counts from 0: the ones before were nearly the same as an earlier dialogue.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    seed: int
    writer: str
    lines: tuple[Line, ...]
    attempt: int = 0

    @property
    def text(self) -> str:
        """All lines as one text."""
        return " ".join(line.text for line in self.lines)


class ScriptStore:
    """The scripts of one corpus, in files that are only appended to; of two of one dialogue the later one counts.

    Scripts of corpora of before, one JSON file a dialogue, are read, too. One process writes, with several threads.
    """

    def __init__(self, corpus: Path) -> None:
        self._folder = corpus / FOLDER
        self._writing = threading.Lock()
        self._shards: dict[int, dict[str, WrittenScript]] = {}

    def load(self, id: str, number: int, seed: int) -> WrittenScript | None:
        """The script of dialogue `number`; None where there is none that can be read and is of this seed."""
        with self._writing:
            script = self._shard(number // SHARD).get(id) or _read_one(self._folder / f"{id}.json")
        return script if script and (script.id, script.seed) == (id, seed) else None

    def save(self, script: WrittenScript, number: int) -> None:
        """Put the script of dialogue `number` on disk, whole or not at all. Raises DiskFullError."""
        path = self._path(number // SHARD)
        line = (script.model_dump_json(exclude_defaults=True) + "\n").encode()
        with self._writing, disk_full_told(self._folder.parent):
            shard = self._shard(number // SHARD)
            new = not path.exists()
            self._folder.mkdir(parents=True, exist_ok=True)
            with path.open("ab+") as file:
                torn = file.tell() > 0 and not _ends_a_line(path)
                file.write(b"\n" + line if torn else line)
                sync_file(file)
            if new:
                sync_directory(self._folder)
            shard[script.id] = script

    def before(self, number: int) -> Iterator[WrittenScript]:
        """Every readable script of the dialogues before this one, by id."""
        files = sorted({*self._folder.glob("[0-9]*.ndjson")})
        old = {path.stem: path for path in self._folder.glob("*.json")}
        scripts = {id: script for path in files for id, script in _read_shard(path).items()}
        last = f"d{number:07d}"
        for id in sorted({*old, *scripts}):
            script = scripts.get(id) or _read_one(old[id])
            if script and id < last:
                yield script

    def _path(self, shard: int) -> Path:
        return self._folder / f"{shard:06d}.ndjson"

    def _shard(self, shard: int) -> dict[str, WrittenScript]:
        if shard not in self._shards:
            for oldest in list(self._shards)[: len(self._shards) - _OPEN + 1]:
                del self._shards[oldest]
            self._shards[shard] = _read_shard(self._path(shard))
        return self._shards[shard]


def _ends_a_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def _read_shard(path: Path) -> dict[str, WrittenScript]:
    """The scripts of a file by id; a line torn by a kill or a full disk is left out, and so is no file."""
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError:
        return {}
    read = (_parse(line) for line in lines if line.strip())
    return {script.id: script for script in read if script}


def _read_one(path: Path) -> WrittenScript | None:
    try:
        return _parse(path.read_bytes())
    except OSError:
        return None


def _parse(data: bytes) -> WrittenScript | None:
    try:
        return WrittenScript.model_validate_json(data)
    except ValidationError:
        return None

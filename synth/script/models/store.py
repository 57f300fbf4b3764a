"""Written scripts on disk, one JSON file a dialogue: what a language model wrote once is read ever after."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from corpus.durable import disk_full_told, sync_directory, write_synced

from ..line import Line

FOLDER = "scripts"  # of a corpus


class WrittenScript(BaseModel):
    """One written dialogue. `seed` is the dialogue's: it follows from recipe, writer, prompts and corpus seed."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    seed: int
    writer: str
    lines: tuple[Line, ...]

    @property
    def text(self) -> str:
        """All lines as one text."""
        return " ".join(line.text for line in self.lines)


class ScriptStore:
    """The scripts of one corpus."""

    def __init__(self, corpus: Path) -> None:
        self._folder = corpus / FOLDER

    def load(self, id: str, seed: int) -> WrittenScript | None:
        """The script of a dialogue; None where there is none that can be read and is of this seed."""
        try:
            script = WrittenScript.model_validate_json((self._folder / f"{id}.json").read_bytes())
        except (OSError, ValidationError):
            return None
        return script if (script.id, script.seed) == (id, seed) else None

    def save(self, script: WrittenScript) -> None:
        """Put a script on disk, whole or not at all. Raises DiskFullError."""
        with disk_full_told(self._folder.parent):
            self._folder.mkdir(parents=True, exist_ok=True)
            handle, name = tempfile.mkstemp(suffix=".tmp", dir=self._folder)
            os.close(handle)
        temporary = Path(name)
        write_synced(temporary, (script.model_dump_json(indent=1, exclude_defaults=True) + "\n").encode())
        os.replace(temporary, self._folder / f"{script.id}.json")
        sync_directory(self._folder)

    def __iter__(self) -> Iterator[WrittenScript]:
        """Every readable script, by id."""
        for path in sorted(self._folder.glob("*.json")):
            try:
                yield WrittenScript.model_validate_json(path.read_bytes())
            except (OSError, ValidationError):
                continue

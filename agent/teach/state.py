"""What of a taught agent is made already, and of what: one file in its folder.

A stage is known by a digest of all that decides its outcome. One that is done with the same digest is left as it is;
one that was begun with it goes on; any other begins anew.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from pydantic import Field

from corpus.durable import remove, replace_text
from corpus.strict import Strict, load_json

STATE = "teach.json"


class TeachState(Strict):
    """Digests by stage."""

    begun: dict[str, str] = Field(default_factory=dict)
    done: dict[str, str] = Field(default_factory=dict)


def digest_of(*parts: object) -> str:
    """sha256 of texts, numbers and the like, in order."""
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()


class TeachFolder:
    """The folder of a taught agent."""

    def __init__(self, path: Path) -> None:
        """Open or make it. Raises ValueError where it holds something else."""
        self.path = path
        self._file = path / STATE
        if path.exists() and (not path.is_dir() or (any(path.iterdir()) and not self._file.exists())):
            raise ValueError(f"{path} holds something else than a taught agent: choose another --out")
        self._state = load_json(self._file, TeachState, "state") if self._file.exists() else TeachState()
        if not self._file.exists():
            self._write(self._state)

    def is_done(self, stage: str, digest: str) -> bool:
        """Whether a stage is done with this digest, and what it made is still there."""
        return self._state.done.get(stage) == digest and (self.path / stage).exists()

    def begin(self, stage: str, digest: str) -> Path:
        """The folder of a stage: as it was left, if it was begun with this digest; else empty."""
        if self._state.begun.get(stage) != digest:
            done = {name: each for name, each in self._state.done.items() if name != stage}
            self._write(
                TeachState(begun={name: d for name, d in self._state.begun.items() if name != stage}, done=done)
            )
            remove(self.path / stage)
            self._write(TeachState(begun={**self._state.begun, stage: digest}, done=done))
        folder = self.path / stage
        folder.parent.mkdir(parents=True, exist_ok=True)
        return folder

    def finish(self, stage: str, digest: str) -> None:
        """Note that a stage is done."""
        self._write(TeachState(begun=self._state.begun, done={**self._state.done, stage: digest}))

    def _write(self, state: TeachState) -> None:
        self._state = state
        replace_text(self._file, json.dumps(state.model_dump(), indent=1) + "\n")

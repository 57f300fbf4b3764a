"""A recording while it is made: pieces of a few seconds that stand by themselves, joined when the talk has ended.

`NAME.pieces/` holds `00000.flac` with `00000.json`, the words that were settled in it, and so on, and `facts.json`.
Whoever is killed leaves all but the last seconds readable; the next recorder on the folder joins what was left.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import soundfile  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples, to_seconds
from corpus.durable import remove, write_synced
from corpus.lock import FileLock
from corpus.manifest import MANIFEST

Row = tuple[str, tuple[float, float], str]  # word, start and end in seconds, speaker
PRIVATE, PRIVATE_FOLDER = 0o600, 0o700  # what people said is nobody else's
SUFFIX = ".pieces"


class RecordingPieces:
    """The pieces of one recording. Only one process may have them."""

    def __init__(self, folder: Path) -> None:
        """Take the pieces in a folder named `NAME.pieces`, made if missing; ValueError if another process has them."""
        self.folder = folder
        folder.mkdir(mode=PRIVATE_FOLDER, parents=True, exist_ok=True)
        self._lock = FileLock(folder / "lock", folder)
        self._lock.acquire()
        self._count = len(list(folder.glob("*.flac")))

    def begin(self, facts: Mapping[str, object]) -> None:
        """Keep what is known of the talk from its beginning."""
        _write(self.folder / "facts.json", facts)

    def add(self, audio: Samples, rows: list[Row]) -> None:
        """Keep float32 `[T, 2]` and the words that were settled in it."""
        path = self.folder / f"{self._count:05d}.flac"
        part = path.with_suffix(".part")
        part.touch(PRIVATE)
        soundfile.write(str(part), audio, SAMPLE_RATE, subtype="PCM_16", format="FLAC")
        part.rename(path)
        _write(path.with_suffix(".json"), {"alignments": rows})
        self._count += 1

    def join(self) -> None:
        """Make `NAME.flac` and `NAME.json` of the pieces, list them in the manifest, and remove the pieces."""
        name, home = self.folder.name.removesuffix(SUFFIX), self.folder.parent
        paths = sorted(self.folder.glob("*.flac"))
        if paths:
            whole = home / f"{name}.flac"
            part = whole.with_suffix(".part")
            part.touch(PRIVATE)
            samples = 0
            with soundfile.SoundFile(str(part), "w", SAMPLE_RATE, 2, subtype="PCM_16", format="FLAC") as file:
                for path in paths:
                    audio, _ = soundfile.read(str(path), dtype="int16", always_2d=True)
                    samples += len(audio)
                    file.write(audio)
            rows = [row for path in paths for row in _read(path.with_suffix(".json")).get("alignments", [])]
            facts, seconds = _read(self.folder / "facts.json"), to_seconds(samples)
            words = {"alignments": sorted(rows, key=lambda row: row[1]), **facts, "duration": seconds}
            _write(whole.with_suffix(".json"), words)
            part.rename(whole)
            _list(home / MANIFEST, whole.name, seconds)
        for path in self.folder.iterdir():
            if path.name != "lock":
                remove(path)
        self._lock.release()  # and the folder, empty now


def join_what_was_left(home: Path) -> int:
    """Join the pieces that a killed process left in a folder of recordings; returns how many recordings they were."""
    count = 0
    for folder in sorted(home.glob(f"*{SUFFIX}")):
        try:
            pieces = RecordingPieces(folder)
        except ValueError:  # somebody records it just now
            continue
        pieces.join()
        count += 1
    return count


def _write(path: Path, content: Mapping[str, object]) -> None:
    path.touch(PRIVATE)
    write_synced(path, (json.dumps(content, ensure_ascii=False) + "\n").encode())


def _read(path: Path) -> dict[str, list[Row]]:
    """What a file holds; nothing where a kill came before it was whole."""
    try:
        content: dict[str, list[Row]] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content


def _list(manifest: Path, name: str, seconds: float) -> None:
    """A line of the manifest, unless it is there from before a kill."""
    line = json.dumps({"path": name, "duration": seconds}) + "\n"
    if line not in manifest.read_text(encoding="utf-8"):
        with manifest.open("a", encoding="utf-8") as file:
            file.write(line)

"""A corpus written in another format: shard by shard, taken up where it was cut short, visible only when whole.

.NAME.export/   beside the target while it is being written
    order.json  what is exported: another order does not continue this one
    done.jsonl  the shards already written, with the checksum of their records
    pieces/     what the shards add to files that all of them share
    tree/       becomes the target in one rename
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ..durable import (
    disk_full_told,
    link_or_copy,
    publish,
    remove,
    sync_directory,
    sync_file,
    synced_file,
    write_synced,
)
from ..lock import FileLock
from ..manifest import RECORDS, read_records, read_shard_info, shard_directories
from ..reader import Corpus
from ..record import Dialogue

ORDER, DONE, PIECES, TREE, LOCK = "order.json", "done.jsonl", "pieces", "tree", "lock"

Progress = Callable[[int, int], None]  # dialogues done, dialogues in all


@dataclass(frozen=True)
class Target:
    """Where an export is written. `final` is the absolute path that `tree` will have."""

    corpus: Corpus
    work: Path
    final: Path
    options: Mapping[str, str] = field(default_factory=dict)  # such as the licence a user states

    @property
    def tree(self) -> Path:
        """The folder that becomes the target."""
        return self.work / TREE

    def folder(self, name: str) -> Path:
        """A folder of the tree, made if need be."""
        path = self.tree / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def join(self, name: str, prefix: bytes = b"") -> None:
        """Make a file of the tree out of what every shard added to it, in order."""
        with synced_file(self.tree / name) as out:
            out.write(prefix)
            for piece in sorted((self.work / PIECES).glob(f"*.{name}")):
                with piece.open("rb") as source:
                    shutil.copyfileobj(source, out)


@dataclass(frozen=True)
class Part:
    """One shard of a corpus on its way out: its number and its dialogues."""

    target: Target
    index: int
    dialogues: tuple[Dialogue, ...]

    def audio(self, dialogue: Dialogue) -> Path:
        """Where a dialogue's FLAC file lies in the corpus."""
        return self.target.corpus.audio_path(dialogue)

    def link_audio(self, dialogue: Dialogue, folder: str) -> Path:
        """Put a dialogue's FLAC file into a folder of the tree, as a hard link where the disk allows."""
        path = self.target.folder(folder) / f"{dialogue.id}.flac"
        path.unlink(missing_ok=True)
        link_or_copy(self.audio(dialogue), path)
        return path

    def add(self, name: str, data: bytes) -> None:
        """What this shard adds to a file that all shards share."""
        write_synced(self.target.work / PIECES / f"{self.index:08d}.{name}", data)


@dataclass(frozen=True)
class Exporter:
    """A format: `part` writes one shard (again, if it was cut short), `finish` what all of them need."""

    part: Callable[[Part], None]
    finish: Callable[[Target], None] = lambda target: None


def export(
    corpus: Corpus,
    to: str,
    exporter: Exporter,
    out: str | Path,
    options: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Path:
    """Write a corpus in another format; the same call again continues one that was cut short.

    Args:
        corpus: what to export, as it is now.
        to: the format's name, kept so that another format does not continue this one.
        exporter: writes it, see `catalogue.exporter`.
        out: directory to create; an empty one is replaced.
        options: strings that the format understands.
        progress: called after every shard.

    Raises:
        ValueError: `out` holds something, lies inside the corpus, or another export to it is unfinished.
        DiskFullError: no space; free some and run it again.
    """
    final = Path(out).absolute()
    _check_target(corpus, final)
    work = final.parent / f".{final.name}.export"
    order = {"format": to, "corpus": corpus.info.sha256, "options": dict(sorted((options or {}).items()))}
    lock = FileLock(work / LOCK, final)
    with disk_full_told(final.parent):
        lock.acquire()
        try:
            target = Target(corpus, work, final, options or {})
            _take_up(work, order)
            _write_parts(target, exporter, progress)
            exporter.finish(target)
            sync_directory(target.tree)
            publish(target.tree, final)
            for path in (work / name for name in (ORDER, DONE, PIECES)):
                remove(path)
        finally:
            lock.release()
    return final


def _check_target(corpus: Corpus, final: Path) -> None:
    if final.is_symlink() or (final.exists() and (not final.is_dir() or any(final.iterdir()))):
        raise ValueError(f"{final} exists and is not empty: choose another --out")
    if corpus.directory.resolve() in (final.resolve(), *final.resolve().parents):
        raise ValueError(f"{final} lies inside the corpus: choose another --out")
    if not len(corpus):
        raise ValueError(f"{corpus.directory} holds no dialogue to export")


def _take_up(work: Path, order: Mapping[str, object]) -> None:
    """Prepare the work folder, or check that what is in it is this order cut short."""
    path = work / ORDER
    if path.exists():
        try:
            begun = json.loads(path.read_bytes())
        except ValueError:
            begun = None
        if begun != order:
            raise ValueError(f"{work} holds an unfinished export of something else: remove it to begin this one")
    else:
        write_synced(path, json.dumps(order, indent=1).encode())
    for name in (PIECES, TREE):
        (work / name).mkdir(exist_ok=True)


def _write_parts(target: Target, exporter: Exporter, progress: Progress | None) -> None:
    path = target.work / DONE
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    done = {entry["shard"]: entry["records"] for entry in map(json.loads, lines)}
    count = 0
    with path.open("a", encoding="utf-8") as journal:
        for shard in shard_directories(target.corpus.directory):
            info = read_shard_info(shard)
            digest = info.files[RECORDS].sha256
            if done.get(info.index, digest) != digest:
                raise ValueError(f"{target.corpus.directory} changed since {target.work} was begun: remove the latter")
            if info.index not in done:
                exporter.part(Part(target, info.index, tuple(read_records(shard))))
                journal.write(json.dumps({"shard": info.index, "records": digest}) + "\n")
                sync_file(journal)
            count += info.dialogues
            if progress:
                progress(count, len(target.corpus))

"""The writer of a corpus: stage dialogues, publish them as shards that appear whole or not at all."""

from __future__ import annotations

import filecmp
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from .audio import Samples
from .dialogue_rows import write_rows
from .durable import (
    disk_full_told,
    link_or_copy,
    publish,
    remove,
    replace_synced,
    sync_directory,
    synced_file,
    write_synced,
)
from .lock import FileLock
from .manifest import (
    IDENTITY,
    MANIFEST,
    RECORDS,
    SHARD_INFO,
    SHARDS,
    WORK,
    CorpusInfo,
    FileInfo,
    ShardInfo,
    manifest_lines,
    read_info,
    read_shard_info,
    records_bytes,
    shard_directories,
    shard_name,
)
from .record import Dialogue, id_order
from .staging import DONE, TEMPORARY, load_staged, stage

LOCK = "lock"  # file under .work
THEN = "; then "  # between the programs that made a corpus one after the other
_BUILD = "shard-"  # prefix of a shard being built under .work


@dataclass(frozen=True)
class PublishedShards:
    """What is already in a corpus's shards. `next_number` follows the digits that end the last id."""

    dialogues: int = 0
    seconds: float = 0.0
    shards: int = 0
    last_id: str = ""

    @property
    def next_number(self) -> int:
        """One more than the number that ends the last published id; 0 for an empty corpus."""
        digits = re.search(r"\d+$", self.last_id)
        return int(digits[0]) + 1 if digits else 0

    def with_shard(self, shard: ShardInfo) -> PublishedShards:
        """The sum of this and one more shard."""
        return PublishedShards(
            dialogues=self.dialogues + shard.dialogues,
            seconds=round(self.seconds + shard.seconds, 4),
            shards=shard.index + 1,
            last_id=max(self.last_id, *shard.durations, key=id_order),
        )


@dataclass(frozen=True)
class ShardEntry:
    """One dialogue on its way into a shard: its record and, by file name, where each file lies and what it must be."""

    record: Dialogue
    files: Mapping[str, tuple[Path, FileInfo]]


class CorpusWriter:
    """The only writer of a corpus directory. `published` tells what is already there.

    Every step can be cut short at any instant: what is in `shards/` is always whole, and opening the corpus again
    clears the rest. The same dialogues published in the same groups give the same bytes.
    """

    def __init__(self, directory: Path, info: CorpusInfo, lock: FileLock) -> None:
        self.directory = directory
        self.info = info
        self.published = PublishedShards()
        self._lock = lock

    @classmethod
    def open(cls, directory: str | Path, info: CorpusInfo) -> CorpusWriter:
        """Create a corpus or take one up again, holding its lock until `close` or `finish`.

        Raises:
            ValueError: another process writes to it, it holds another corpus or other files, or a shard is broken.
        """
        directory = Path(directory)
        _check_empty_or_corpus(directory)
        lock = FileLock(directory / WORK / LOCK, directory)
        with disk_full_told(directory):
            lock.acquire()
        writer = cls(directory, info, lock)
        try:
            writer._take_up()
        except BaseException:
            lock.release()
            raise
        return writer

    def __enter__(self) -> CorpusWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def stage(self, record: Dialogue, audio: Samples, stems: Samples | None = None) -> Dialogue:
        """As the function `stage`, for this corpus."""
        return stage(self.directory, record, audio, stems)

    def staged(self, id: str) -> Dialogue | None:
        """The record of a staged dialogue whose files are complete and sound; anything else is removed."""
        staged = load_staged(self.directory, id)
        return staged.record if staged else None

    def publish(self, ids: Sequence[str]) -> ShardInfo:
        """Make the next shard of staged dialogues and list it in data.jsonl.

        Ids must sort after every published one, so that shard order is id order.

        Raises:
            ValueError: an id is not staged (or was damaged), is given twice or comes too late.
        """
        entries = []
        for id in ids:
            staged = load_staged(self.directory, id)
            if staged is None:
                raise ValueError(f"{id} is not staged in {self.directory}")
            folder = self.directory / WORK / DONE / id
            files = {name: (folder / name, file) for name, file in staged.files.items()}
            entries.append(ShardEntry(staged.record, files))
        first, last = min(ids, key=id_order, default=""), self.published.last_id
        if ids and id_order(first) <= id_order(last):
            raise ValueError(f"{first} does not come after {last}, which is already published")
        shard = self.publish_entries(entries)
        for id in ids:
            remove(self.directory / WORK / DONE / id)
        return shard

    def publish_entries(self, entries: Iterable[ShardEntry]) -> ShardInfo:
        """Make the next shard of dialogues whose files lie anywhere; they are linked, or copied across disks."""
        ordered = sorted(entries, key=lambda entry: id_order(entry.record.id))
        ids = [entry.record.id for entry in ordered]
        if not ids or len(set(ids)) < len(ids):
            raise ValueError("a shard needs one dialogue or more, each once")
        index = self.published.shards
        build = self.directory / WORK / f"{_BUILD}{shard_name(index)}"
        remove(build)
        with disk_full_told(self.directory):
            build.mkdir()
            shard = _build_shard(build, index, ordered)
            publish(build, self.directory / SHARDS / shard_name(index))
            self._append_to_manifest(shard)
        self.published = self.published.with_shard(shard)
        return shard

    def finish(self) -> None:
        """Write its card, remove `.work` and let go of the lock: the corpus is complete."""
        write_rows(self.directory, self.directory / WORK)
        for path in (self.directory / WORK).iterdir():
            if path.name != LOCK:
                remove(path)
        self._lock.release()

    def close(self) -> None:
        """Let go of the lock and keep `.work`, to be taken up later."""
        self._lock.release()

    def _take_up(self) -> None:
        directory = self.directory
        if (directory / IDENTITY).exists():
            stored = read_info(directory)
            differing = stored.differences(self.info)
            if differing == ["generator"]:  # another release goes on, and the corpus says so
                self._continue(stored)
            elif differing and holds_nothing(directory):  # begun, and killed before anything was whole
                replace_synced(directory / IDENTITY, self.info.to_bytes(), directory / WORK)
            elif differing:
                what = f"{', '.join(differing)} {'differs' if len(differing) == 1 else 'differ'}"
                raise ValueError(f"{directory} holds a corpus of another recipe ({what}): choose another --out")
        else:
            replace_synced(directory / IDENTITY, self.info.to_bytes(), directory / WORK)
        with disk_full_told(directory):
            (directory / SHARDS).mkdir(exist_ok=True)
        for shard in shard_directories(directory):
            self.published = self.published.with_shard(read_shard_info(shard))
        self._clear_leftovers()
        rebuild_manifest(directory, directory / WORK)

    def _continue(self, stored: CorpusInfo) -> None:
        """Add this program to those that made the corpus, unless it is the last of them already."""
        makers = stored.generator.split(THEN)
        if makers[-1] != self.info.generator:
            self.info = stored.model_copy(update={"generator": THEN.join([*makers, self.info.generator])})
            replace_synced(self.directory / IDENTITY, self.info.to_bytes(), self.directory / WORK)

    def _clear_leftovers(self) -> None:
        work = self.directory / WORK
        for path in work.iterdir():
            if path.name.startswith((TEMPORARY, _BUILD)) or path.suffix == ".tmp":
                remove(path)
        (work / DONE).mkdir(exist_ok=True)
        for folder in (work / DONE).iterdir():
            if id_order(folder.name) <= id_order(self.published.last_id):
                remove(folder)

    def _append_to_manifest(self, shard: ShardInfo) -> None:
        listed = (self.directory / MANIFEST).read_bytes() + "".join(shard.manifest_lines()).encode()
        replace_synced(self.directory / MANIFEST, listed, self.directory / WORK)


def holds_nothing(corpus: Path) -> bool:
    """Whether no dialogue of a corpus is whole, published or staged: it was not begun, or killed at once."""
    done = corpus / WORK / DONE
    return not shard_directories(corpus) and not (done.is_dir() and any(done.iterdir()))


def rebuild_manifest(corpus: Path, scratch: Path) -> bool:
    """Write data.jsonl from the shards; False when it was right already. `scratch` is on the same disk."""
    temporary = scratch / f"{MANIFEST}.tmp"
    with synced_file(temporary) as file:
        file.writelines(line.encode() for line in manifest_lines(map(read_shard_info, shard_directories(corpus))))
    target = corpus / MANIFEST
    if target.is_file() and filecmp.cmp(temporary, target, shallow=False):
        temporary.unlink()
        return False
    publish(temporary, target)
    return True


def _build_shard(build: Path, index: int, entries: Sequence[ShardEntry]) -> ShardInfo:
    """Fill a new folder with a shard's files, all synced."""
    files: dict[str, FileInfo] = {}
    records = []
    for entry in entries:
        for name, (source, file) in sorted(entry.files.items()):
            link_or_copy(source, build / name)
            files[name] = file
        assert entry.record.audio is not None, "only recorded dialogues are published"
        path = f"{SHARDS}/{shard_name(index)}/{entry.record.id}.flac"
        audio = entry.record.audio.model_copy(update={"path": path})
        records.append(entry.record.model_copy(update={"audio": audio}))
    packed, shard = describe_shard(index, records, files)
    write_synced(build / RECORDS, packed)
    write_synced(build / SHARD_INFO, shard.to_bytes())
    sync_directory(build)
    return shard


def describe_shard(index: int, records: Sequence[Dialogue], files: Mapping[str, FileInfo]) -> tuple[bytes, ShardInfo]:
    """The records.json.gz and shard.json of these dialogues, in id order; `files` are theirs."""
    durations = {record.id: round(record.audio.duration, 4) for record in records if record.audio}
    packed = records_bytes(records)
    return packed, ShardInfo(
        index=index,
        dialogues=len(records),
        seconds=round(sum(durations.values()), 4),
        durations=durations,
        files={**dict(sorted(files.items())), RECORDS: FileInfo.of(packed)},
    )


def _check_empty_or_corpus(directory: Path) -> None:
    if directory.is_symlink() and not directory.exists():
        raise ValueError(f"{directory} is a link to {os.readlink(directory)}, which is not there: choose another --out")
    if directory.exists() and not directory.is_dir():
        raise ValueError(f"{directory} is a file: choose another --out")
    if directory.is_dir() and not (directory / IDENTITY).exists():
        others = [path.name for path in directory.iterdir() if path.name != WORK]
        if others:
            raise ValueError(f"{directory} is not empty and holds no corpus ({others[0]}): choose another --out")

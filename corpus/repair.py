"""Make a damaged corpus sound again without what is broken in it, which is moved beside it, never deleted."""

from __future__ import annotations

import shutil
from pathlib import Path

from .alignments import alignments_bytes
from .dialogue_rows import write_rows
from .durable import remove, replace_synced
from .lock import FileLock
from .manifest import (
    RECORDS,
    SHARD_INFO,
    SHARDS,
    WORK,
    FileInfo,
    ShardInfo,
    dialogue_of,
    read_info,
    read_records,
    read_shard_info,
    shard_directories,
)
from .record import Dialogue, id_order
from .verify import dialogue_problems, shard_problems, strangers, stray_manifests
from .writer import LOCK, describe_shard, rebuild_manifest


def repair(directory: str | Path) -> list[str]:
    """Make `verify` find nothing, and say what was done, a line each; nothing to do gives an empty list.

    A broken dialogue's files are moved to `<directory>.broken/`, and its shard is rewritten without it; a shard whose
    records cannot be read goes there whole. Wrong word files are written anew from the records, data.jsonl from the
    shards. Unfinished work is removed. A repaired corpus can be continued, but dialogues taken out of its middle are
    not made again. Cut short, it can be run again.

    Raises:
        ValueError: no corpus, its corpus.json is unreadable (it cannot be rebuilt), or another process writes to it.
    """
    corpus = Path(directory)
    read_info(corpus)
    leftover = (corpus / WORK).exists()
    lock = FileLock(corpus / WORK / LOCK, corpus)
    lock.acquire()
    try:
        quarantine = _Quarantine(corpus)
        for path in stray_manifests(corpus) + strangers(corpus):
            quarantine.take(path, "does not belong in a corpus")
        for shard in shard_directories(corpus):
            if shard_problems(shard, deep=True):
                _repair_shard(corpus, shard, quarantine)
        actions = quarantine.actions
        (corpus / SHARDS).mkdir(exist_ok=True)
        if rebuild_manifest(corpus, corpus / WORK):
            actions.append("rebuilt data.jsonl from the shards")
        for unfinished in (corpus / WORK).iterdir():
            if unfinished.name != LOCK:
                remove(unfinished)
        if actions:
            write_rows(corpus, corpus / WORK)
        if leftover:
            actions.append(f"removed unfinished work ({WORK})")
    finally:
        lock.release()
    return actions


class _Quarantine:
    """Takes files out of the corpus into a folder beside it and keeps the list of actions."""

    def __init__(self, corpus: Path) -> None:
        self.corpus = corpus
        self.folder = corpus.absolute().with_name(f"{corpus.absolute().name}.broken")
        self.actions: list[str] = []

    def take(self, path: str, why: str) -> None:
        """Move one file or folder, given relative to the corpus; one that is missing is only told."""
        source, target = self.corpus / path, self.folder / path
        number = 1
        while target.exists():
            number += 1
            target = self.folder / f"{path}.{number}"
        if source.exists() or source.is_symlink():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(source, target)
        self.actions.append(f"moved {path} to {self.folder.name}/: {why}")


def _repair_shard(corpus: Path, shard: Path, quarantine: _Quarantine) -> None:
    here = f"{SHARDS}/{shard.name}"
    try:
        records = read_records(shard)
    except ValueError as error:
        quarantine.take(here, str(error))
        return
    files = _expected_files(shard, records)
    kept: list[Dialogue] = []
    for record in records:
        _rewrite_words(corpus, shard, record, quarantine)
        problems = dialogue_problems(shard, record, files, deep=True)
        if problems or any(record.id == other.id for other in kept):
            why = problems[0].what if problems else "listed twice"
            quarantine.actions.append(f"left {record.id} out of {here}: {why}")
        else:
            kept.append(record)
    if not kept:
        quarantine.take(here, "no sound dialogue is left in it")
        return
    ids = {record.id for record in kept}
    for path in sorted(shard.iterdir()):
        if path.name not in (RECORDS, SHARD_INFO) and (path.name not in files or dialogue_of(path.name) not in ids):
            quarantine.take(f"{here}/{path.name}", "not part of a sound dialogue")
    remaining = {name: file for name, file in files.items() if dialogue_of(name) in ids}
    _rewrite_lists(corpus, shard, kept, remaining, quarantine)


def _expected_files(shard: Path, records: list[Dialogue]) -> dict[str, FileInfo]:
    """What a shard's files must be, taken from its records; stems, which records do not cover, from shard.json."""
    try:
        listed = read_shard_info(shard).files
    except ValueError:
        listed = {}
    files = {}
    for record in records:
        flac, stems = shard / f"{record.id}.flac", shard / f"{record.id}.stems.flac"
        if record.audio is not None and flac.is_file():
            files[flac.name] = FileInfo(sha256=record.audio.sha256, bytes=flac.stat().st_size)
        else:
            files[flac.name] = FileInfo(sha256="0" * 64, bytes=0)
        files[f"{record.id}.json"] = FileInfo.of(alignments_bytes(record))
        if stems.name in listed:
            files[stems.name] = listed[stems.name]
        elif stems.is_file() and not listed:
            files[stems.name] = FileInfo.of(stems.read_bytes())
    return files


def _rewrite_words(corpus: Path, shard: Path, record: Dialogue, quarantine: _Quarantine) -> None:
    path, right = shard / f"{record.id}.json", alignments_bytes(record)
    if path.is_dir():
        quarantine.take(f"{SHARDS}/{shard.name}/{path.name}", "a folder where a file belongs")
    if not path.is_file() or path.read_bytes() != right:
        replace_synced(path, right, corpus / WORK)
        quarantine.actions.append(f"rewrote {SHARDS}/{shard.name}/{path.name} from its record")


def _rewrite_lists(
    corpus: Path, shard: Path, kept: list[Dialogue], files: dict[str, FileInfo], quarantine: _Quarantine
) -> None:
    """Write records.json.gz, then shard.json: cut short between them, the next repair takes the records' word."""
    packed, info = describe_shard(int(shard.name), sorted(kept, key=lambda record: id_order(record.id)), files)
    if _differs(shard, info):
        replace_synced(shard / RECORDS, packed, corpus / WORK)
        replace_synced(shard / SHARD_INFO, info.to_bytes(), corpus / WORK)
        quarantine.actions.append(f"rewrote the lists of {SHARDS}/{shard.name}: {len(kept)} dialogues")


def _differs(shard: Path, info: ShardInfo) -> bool:
    try:
        listed = read_shard_info(shard)
    except ValueError:
        return True
    return listed != info or FileInfo.of((shard / RECORDS).read_bytes()) != listed.files[RECORDS]

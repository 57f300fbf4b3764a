"""Is a corpus what its checksums, records and manifest say? Finds problems, changes nothing."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import soundfile  # type: ignore[import-untyped]

from .alignments import alignments_bytes
from .audio import SAMPLE_RATE
from .durable import sha256_of
from .manifest import (
    IDENTITY,
    MANIFEST,
    RECORDS,
    SHARD_INFO,
    SHARDS,
    WORK,
    FileInfo,
    ShardInfo,
    manifest_lines,
    read_info,
    read_records,
    read_shard_info,
    shard_directories,
)
from .record import Dialogue
from .staging import check_words

Kind = Literal[
    "identity", "shard", "record", "missing", "extra", "checksum", "audio", "words", "manifest", "jsonl", "leftover"
]


@dataclass(frozen=True)
class Problem:
    """One thing wrong: `path` is relative to the corpus, `what` one line to read, `kind` one word to sort by."""

    path: str
    what: str
    kind: Kind

    def __str__(self) -> str:
        return f"{self.path}: {self.what} [{self.kind}]"


def verify(
    directory: str | Path, deep: bool = True, progress: Callable[[int, int], None] | None = None
) -> list[Problem]:
    """Every problem of a corpus; none when it is sound.

    Args:
        directory: the corpus.
        deep: read every file and compare its checksum, rather than its presence and size only.
        progress: called with shards done and shards in all.

    Raises:
        ValueError: the directory holds nothing of a corpus.
    """
    corpus = Path(directory)
    shards = shard_directories(corpus)
    if not shards and not (corpus / IDENTITY).is_file():
        raise ValueError(f"{corpus} holds no corpus ({IDENTITY} is missing)")
    problems = list(_identity_problems(corpus))
    readable = []
    for done, shard in enumerate(shards, 1):
        faults = shard_problems(shard, deep)
        problems += faults
        if not any(problem.path.endswith(SHARD_INFO) for problem in faults):
            readable.append(shard)
        if progress:
            progress(done, len(shards))
    problems += _manifest_problems(corpus, readable)
    problems += [
        Problem(path, "a stray manifest: trainers load every *jsonl", "jsonl") for path in stray_manifests(corpus)
    ]
    problems += [Problem(path, "not a shard", "extra") for path in strangers(corpus)]
    if (corpus / WORK).exists():
        problems.append(Problem(WORK, "unfinished work: run the command that writes the corpus again", "leftover"))
    return problems


def shard_problems(shard: Path, deep: bool) -> list[Problem]:
    """Every problem inside one shard's folder."""
    here = f"{SHARDS}/{shard.name}"
    try:
        info = read_shard_info(shard)
    except ValueError as error:
        return [Problem(f"{here}/{SHARD_INFO}", str(error), "shard")]
    names = set(os.listdir(shard)) - {SHARD_INFO}
    problems = [Problem(f"{here}/{name}", "not part of the shard", "extra") for name in sorted(names - set(info.files))]
    problems += file_problem(shard, RECORDS, info.files[RECORDS], deep)
    try:
        records = read_records(shard)
    except ValueError as error:
        if not problems or problems[-1].path != f"{here}/{RECORDS}":
            problems.append(Problem(f"{here}/{RECORDS}", str(error), "record"))
        return problems
    if [record.id for record in records] != list(info.durations):
        problems.append(Problem(f"{here}/{RECORDS}", f"its dialogues are not those of {SHARD_INFO}", "record"))
    for record in records:
        if record.id in info.durations:
            problems += dialogue_problems(shard, record, info.files, deep)
            if record.audio and round(record.audio.duration, 4) != info.durations[record.id]:
                problems.append(Problem(f"{here}/{SHARD_INFO}", f"another duration than {record.id}'s record", "shard"))
    if info.seconds != round(sum(info.durations.values()), 4):
        problems.append(Problem(f"{here}/{SHARD_INFO}", "seconds is not the sum of the durations", "shard"))
    return problems


def dialogue_problems(shard: Path, record: Dialogue, files: Mapping[str, FileInfo], deep: bool) -> list[Problem]:
    """Problems of one dialogue: its files against `files`, its record against its recording."""
    here = f"{SHARDS}/{shard.name}"
    names = [name for name in (f"{record.id}{end}" for end in (".flac", ".json", ".stems.flac")) if name in files]
    problems = [problem for name in names for problem in file_problem(shard, name, files[name], deep)]
    flac = f"{here}/{record.id}.flac"
    if record.audio is None or record.audio.path != flac:
        return [*problems, Problem(flac, "its record names another recording", "record")]
    try:
        check_words(record, record.audio.duration)
    except ValueError as error:
        problems.append(Problem(flac, str(error), "words"))
    if files[f"{record.id}.flac"].sha256 != record.audio.sha256:
        problems.append(Problem(flac, "its record holds another checksum", "record"))
    if files[f"{record.id}.json"] != FileInfo.of(alignments_bytes(record)):
        problems.append(Problem(f"{here}/{record.id}.json", "its words are not those of its record", "words"))
    if deep and not problems:
        problems += _audio_problems(shard, record)
    return problems


def file_problem(shard: Path, name: str, expected: FileInfo, deep: bool) -> list[Problem]:
    """The problem of one file of a shard, if it has one."""
    path = f"{SHARDS}/{shard.name}/{name}"
    try:
        size = (shard / name).stat().st_size
        if size != expected.bytes:
            return [Problem(path, f"{size} bytes instead of {expected.bytes}", "checksum")]
        if deep and sha256_of(shard / name) != expected.sha256:
            return [Problem(path, "its checksum does not match", "checksum")]
    except OSError as error:
        return [Problem(path, f"cannot be read: {error.strerror}", "missing")]
    return []


def stray_manifests(corpus: Path) -> list[str]:
    """Files outside the shards, other than data.jsonl, that moshi-finetune would load as manifests."""
    strays = []
    for folder, folders, names in os.walk(corpus):
        here = Path(folder)
        if here == corpus:
            folders[:] = [name for name in folders if name not in (SHARDS, WORK)]
        strays += [(here / name).relative_to(corpus).as_posix() for name in names if name.endswith("jsonl")]
    return sorted(set(strays) - {MANIFEST})


def strangers(corpus: Path) -> list[str]:
    """What lies in shards/ and is no shard."""
    folder = corpus / SHARDS
    known = {path.name for path in shard_directories(corpus) if path.is_dir()}
    present = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    return sorted(f"{SHARDS}/{name}" for name in present - known)


def _identity_problems(corpus: Path) -> Iterator[Problem]:
    try:
        read_info(corpus)
    except ValueError as error:
        yield Problem(IDENTITY, str(error), "identity")


def _manifest_problems(corpus: Path, shards: list[Path]) -> Iterator[Problem]:
    """The first line in which data.jsonl differs from what the readable shards hold."""
    infos: Iterator[ShardInfo] = map(read_shard_info, shards)
    try:
        with (corpus / MANIFEST).open(encoding="utf-8", errors="replace", newline="") as file:
            for number, (listed, held) in enumerate(itertools.zip_longest(file, manifest_lines(infos)), 1):
                if listed != held:
                    what = "a line too few" if listed is None else "a line too many" if held is None else "another line"
                    yield Problem(MANIFEST, f"line {number}: {what} than the shards give", "manifest")
                    return
    except OSError as error:
        yield Problem(MANIFEST, f"cannot be read: {error.strerror}", "manifest")


def _audio_problems(shard: Path, record: Dialogue) -> Iterator[Problem]:
    """Does the recording's header agree with the record? Its samples are covered by the checksum."""
    assert record.audio is not None
    path = f"{SHARDS}/{shard.name}/{record.id}.flac"
    try:
        header = soundfile.info(str(shard / f"{record.id}.flac"))
    except (soundfile.LibsndfileError, OSError) as error:
        yield Problem(path, f"cannot be read as audio: {error}", "audio")
        return
    if (header.samplerate, header.frames) != (SAMPLE_RATE, record.audio.samples) or header.channels < 2:
        has = f"{header.channels} channels of {header.frames} samples at {header.samplerate} Hz"
        yield Problem(path, f"holds {has}, its record says {record.audio.samples} at {SAMPLE_RATE} Hz", "audio")

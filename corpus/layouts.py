"""Recordings and their word lists in the layouts other trainers use, found one by one.

moshi-finetune   a manifest *.jsonl of {"path", "duration"}; beside each recording a .json of the same stem:
                 {"alignments": [[word, [start, end], "SPEAKER_MAIN"], ...]}. A corpus of ours is one of these.
J-Moshi, KAME    audio/<id>.wav and text/<id>.json: [{"speaker": "A", "word", "start", "end"}, ...], A the left
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from .interleave import TimedWord
from .manifest import MAIN_SPEAKER, MANIFEST, USER_SPEAKER, WORK

Layout = Literal["moshi-finetune", "j-moshi"]
AUDIO_SUFFIXES = {".flac", ".wav", ".ogg", ".opus", ".mp3"}
TRAINING, VALIDATION = {"train", "training"}, {"eval", "evaluation", "valid", "validation", "val", "dev"}


@dataclass(frozen=True)
class LayoutRecording:
    """One recording of a corpus. `duration` is what its manifest says, in seconds; None where nothing says it."""

    audio: Path
    words: Path
    duration: float | None = None


@dataclass(frozen=True)
class BadLine:
    """A manifest line that names no recording."""

    manifest: Path
    number: int
    why: str


@dataclass(frozen=True)
class Source:
    """A corpus of a known layout: its folder, its manifest if it has one, and manifests that should not be there."""

    root: Path
    layout: Layout
    manifest: Path | None = None
    strays: tuple[Path, ...] = ()


def detect(path: str | Path) -> Source:
    """The layout of a directory or of a manifest file. Raises ValueError when it is none that is known."""
    path = Path(path)
    if path.is_file() and path.name.endswith("jsonl"):
        return _with_manifests(path.parent, path)
    if not path.is_dir():
        raise ValueError(f"{path} is no directory and no .jsonl manifest")
    if (path / "audio").is_dir() and (path / "text").is_dir() and not any(_manifests(path)):
        return Source(path, "j-moshi")
    layout = _with_manifests(path, path / MANIFEST)
    if layout.manifest is None:
        raise ValueError(f"{path} holds no corpus: neither a .jsonl manifest nor audio/ and text/ folders")
    return layout


def training_and_validation(manifests: Iterable[Path]) -> tuple[Path, Path] | None:
    """The two manifests of a folder that are called so: `train.jsonl`, `my-eval.jsonl`; None unless one of each is."""
    named = [(path, set(re.split(r"[-_.]", path.stem.lower()))) for path in manifests]
    training = [path for path, words in named if words & TRAINING]
    validation = [path for path, words in named if words & VALIDATION]
    return (training[0], validation[0]) if (len(training), len(validation)) == (1, 1) else None


def items(source: Source) -> Iterator[LayoutRecording | BadLine]:
    """Every recording of a corpus, in the order its layout gives, read lazily."""
    if source.manifest is not None:
        return _manifest_items(source.manifest)
    return _paired_items(source.root)


def read_words(item: LayoutRecording, layout: Layout) -> list[TimedWord]:
    """A recording's words, the left channel's under SPEAKER_MAIN: in stored order where order matters, else by start.

    Raises ValueError when the file is missing or not of its layout's form.
    """
    try:
        data = json.loads(item.words.read_bytes())
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"cannot read {item.words.name}: {error}") from None
    rows = data.get("alignments") if layout == "moshi-finetune" and isinstance(data, dict) else data
    if not isinstance(rows, list):
        raise ValueError(f"{item.words.name} holds no list of words")
    parse = _moshi_row if layout == "moshi-finetune" else _j_moshi_row
    words = []
    for number, row in enumerate(rows):
        try:
            words.append(parse(row))
        except (TypeError, ValueError, KeyError, OverflowError):
            raise ValueError(f"{item.words.name}: row {number} is not a timed word") from None
    return words if layout == "moshi-finetune" else sorted(words, key=lambda word: word.start)


def _moshi_row(row: object) -> TimedWord:
    if not isinstance(row, list):
        raise TypeError
    text, (start, end), speaker = row
    return _word(text, start, end, speaker)


def _j_moshi_row(row: object) -> TimedWord:
    if not isinstance(row, dict) or row["speaker"] not in ("A", "B"):
        raise TypeError
    speaker = MAIN_SPEAKER if row["speaker"] == "A" else USER_SPEAKER
    return _word(row["word"], row["start"], row["end"], speaker)


def _word(text: object, start: object, end: object, speaker: object) -> TimedWord:
    if not isinstance(text, str) or not isinstance(speaker, str):
        raise TypeError
    return TimedWord(text, _seconds(start), _seconds(end), speaker)


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    seconds = float(value)
    if not math.isfinite(seconds):
        raise ValueError
    return seconds


def _manifests(root: Path) -> Iterator[Path]:
    """Every file of the tree that moshi-finetune would load as a manifest, sorted; unfinished work is left out."""
    for folder, folders, names in os.walk(root):
        folders[:] = sorted(name for name in folders if name != WORK)
        yield from sorted(Path(folder) / name for name in names if name.endswith("jsonl"))


def _with_manifests(root: Path, wanted: Path) -> Source:
    manifests = list(_manifests(root))
    manifest = wanted if wanted in manifests else manifests[0] if manifests else None
    return Source(root, "moshi-finetune", manifest, tuple(path for path in manifests if path != manifest))


def _manifest_items(manifest: Path) -> Iterator[LayoutRecording | BadLine]:
    with manifest.open(encoding="utf-8-sig", errors="replace") as file:
        for number, line in enumerate(file, 1):
            try:
                entry = json.loads(line)
                path, duration = entry["path"], _seconds(entry["duration"])
                audio = manifest.parent / path
            except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
                yield BadLine(manifest, number, 'is not {"path": ..., "duration": ...}')
            else:
                yield (
                    LayoutRecording(audio, audio.with_suffix(".json"), duration)
                    if audio.name
                    else BadLine(manifest, number, "names no file")
                )


def _paired_items(root: Path) -> Iterator[LayoutRecording]:
    audio = {path.stem: path for path in sorted((root / "audio").iterdir()) if path.suffix in AUDIO_SUFFIXES}
    texts = {path.stem: path for path in (root / "text").glob("*.json")}
    for stem in sorted({*audio, *texts}):
        yield LayoutRecording(
            audio.get(stem, root / "audio" / f"{stem}.wav"), texts.get(stem, root / "text" / f"{stem}.json")
        )

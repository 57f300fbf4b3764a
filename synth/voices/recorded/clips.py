"""Recordings of people as a user has them: a manifest in JSON lines, or a folder with one sub-folder a speaker.

A line of a manifest has `path` (relative to the manifest) and `speaker`, and may have `text`, `language`, `licence`,
`consent`, `source` and `gender`; other keys are left alone. In a folder, `SPEAKER/CLIP.wav` is said by SPEAKER, and
`CLIP.txt` beside it holds what is said; a clip that lies in the folder itself is a speaker of its own.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..store import clips_of
from .settings import RecordedSettings


@dataclass(frozen=True)
class PersonClip:
    """One recording of one person. `text` is None where nobody wrote down what is said; `path` is relative."""

    path: str
    speaker: str
    language: str
    licence: str
    consent: str
    source: str
    text: str | None = None


def read_clips(settings: RecordedSettings, language: str) -> tuple[Path, list[PersonClip]]:
    """The folder that paths are relative to, and every recording in a language, by path.

    Raises:
        ValueError: no such folder or manifest, a broken line, or a recording without licence or consent.
    """
    source = Path(settings.recordings).expanduser()
    known = dict(_transcripts(Path(settings.transcripts))) if settings.transcripts else {}
    if source.is_dir():
        root, rows = source, list(_folder(source))
    elif source.is_file():
        root, rows = source.parent, list(json_lines(source))
    else:
        raise ValueError(f"users.recordings: there is no folder or manifest {source}")
    clips = [_clip(row, settings, known, language, source) for row in rows]
    mine = [clip for clip in clips if clip.language == language]
    if not mine:
        heard = ", ".join(sorted({clip.language for clip in clips})) or "nothing"
        raise ValueError(f"{source} holds no recording in {language!r}; it holds {heard}")
    return root, sorted(mine, key=lambda clip: clip.path)


def json_lines(path: Path) -> Iterator[dict[str, Any]]:
    """The objects of a file of JSON lines, compressed if its name ends in .gz; ValueError names a broken line."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        lines = data.decode("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise ValueError(f"cannot read {path}: {error}") from None
    for number, line in enumerate(lines, 1):
        if line.strip():
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise ValueError(f"{path}, line {number}: {error.msg}") from None
            if not isinstance(row, dict) or not isinstance(row.get("path"), str):
                raise ValueError(f'{path}, line {number}: a line is an object with a "path"')
            yield row


def _transcripts(path: Path) -> Iterator[tuple[str, str]]:
    """What is said in each recording, by path; nothing where a recognizer repeated itself, as its `note` says."""
    for row in json_lines(path):
        yield row["path"], "" if "loop" in str(row.get("note", "")) else str(row.get("text", ""))


def _folder(folder: Path) -> Iterator[dict[str, Any]]:
    for path in clips_of(folder):
        speaker = path.parent.name if path.parent != folder else path.stem
        said = path.with_suffix(".txt")
        text = said.read_text(encoding="utf-8-sig").strip() if said.is_file() else None
        yield {"path": path.relative_to(folder).as_posix(), "speaker": speaker, "text": text}


def _clip(
    row: dict[str, Any], settings: RecordedSettings, known: dict[str, str], language: str, source: Path
) -> PersonClip:
    path, speaker = row["path"], str(row.get("speaker") or "").strip()
    licence, consent = (
        str(row.get(name) or given).strip()
        for name, given in (("licence", settings.licence), ("consent", settings.consent))
    )
    if not speaker:
        raise ValueError(f'{source}: {path} names no "speaker"')
    for name, value in (("licence", licence), ("consent", consent)):
        if not value:
            where = f'write it there, or in the recipe: users.{name} = "TEXT"'
            raise ValueError(f"{source}: {path} states no {name}; {where}")
    text = row.get("text") or known.get(path)
    return PersonClip(
        path=path,
        speaker=speaker,
        language=str(row.get("language") or language),
        licence=licence,
        consent=consent,
        source=str(row.get("source") or source.name),
        text=None if text is None else " ".join(text.split()),
    )

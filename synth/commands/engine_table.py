"""The table that `synth engines` prints."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from rich.table import Table

from .engine_report import EngineRow

CELL = 10  # characters of a column: seven of them fit into 80
MOST_LANGUAGES = 12  # listed; of more the number is told
OTHERS = "piper:FILE.toml, sherpa:FILE.toml, worker:FILE.toml, http:FILE.toml, kokoro:FILE.toml, pocket:FILE.yaml"


def engine_table(rows: Iterable[EngineRow], *, measured: bool) -> Table:
    """A column for each engine, so that a terminal of 80 characters holds them; speed only where it was measured."""
    rows = list(rows)
    table = Table(box=None, padding=(0, 1, 0, 0))
    for heading in ("", *(row.name for row in rows)):
        table.add_column(in_lines(heading))
    lines: dict[str, list[str]] = {
        "installed": ["yes" if row.installed else "no" for row in rows],
        "weights": [row.weights for row in rows],
        "voices": [_voices(row) for row in rows],
        "languages": [_languages(row) for row in rows],
        "code": [row.licence_code for row in rows],
        "weights' licence": [row.licence_weights for row in rows],
        "word times": ["native" if row.native_times else "aligned" for row in rows],
        "repeats": ["yes" if row.repeatable else "no" for row in rows],
    }
    if measured:
        lines["hours/hour"] = [_speed(row) for row in rows]
    for name, cells in lines.items():
        table.add_row(*map(in_lines, (name, *cells)))
    return table


def in_lines(text: str, width: int = CELL) -> str:
    """A text in lines of `width` characters, cut after spaces, hyphens and colons, and never within a word."""
    lines = [""]
    for piece in re.findall(r"[^ \-:]*[ \-:]?", text):
        if len((lines[-1] + piece).rstrip()) > width:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.rstrip() for line in lines if line)


def _languages(row: EngineRow) -> str:
    return " ".join(row.languages) if len(row.languages) <= MOST_LANGUAGES else f"{len(row.languages)} of them"


def _voices(row: EngineRow) -> str:
    return "clones" if row.clones else "pseudo-speakers" if row.pseudo_speakers else f"{row.voices} own"


def ways_to_get(rows: Iterable[EngineRow]) -> Iterator[str]:
    """What to type for other engines, for the speed, and for each engine that something is missing of."""
    yield f"any other: {OTHERS} (add --engine NAME to see it)"
    if all(row.speed is None for row in rows):
        yield "how fast they are here: synth engines --measure"
    for row in rows:
        if row.get:
            yield f"to get {row.name}: {row.get}"
        if row.problem:
            yield f"{row.name} could not be measured: {row.problem}"


def _speed(row: EngineRow) -> str:
    return "-" if row.speed is None else f"{row.speed:.1f}"

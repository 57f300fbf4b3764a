"""The table that `synth engines` prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.table import Table

from .engine_report import EngineRow


def engine_table(rows: Iterable[EngineRow], *, measured: bool) -> Table:
    """A row for each engine; the speed column only where it was measured."""
    columns = [
        "engine",
        "installed",
        "weights",
        "voices",
        "languages",
        "code",
        "weights' licence",
        "word times",
        "repeats",
    ]
    table = Table(*columns, *(["hours/hour"] if measured else []), box=None)
    for row in rows:
        cells = [
            row.name,
            "yes" if row.installed else "no",
            row.weights,
            "clones" if row.clones else f"{row.voices} own" if row.voices else "pseudo-speakers",
            " ".join(row.languages),
            row.licence_code,
            row.licence_weights,
            "native" if row.native_times else "aligned",
            "yes" if row.repeatable else "no",
        ]
        table.add_row(*cells, *([_speed(row)] if measured else []))
    return table


def ways_to_get(rows: Iterable[EngineRow]) -> Iterator[str]:
    """A line for each engine that something is missing of, and for each that could not be measured."""
    yield "any other: sherpa:FILE.toml, worker:FILE.toml, http:FILE.toml"
    for row in rows:
        if row.get:
            yield f"to get {row.name}: {row.get}"
        if row.problem:
            yield f"{row.name} could not be measured: {row.problem}"


def _speed(row: EngineRow) -> str:
    return "-" if row.speed is None else f"{row.speed:.1f}"

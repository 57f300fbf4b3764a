"""The tables of facts and phrases that ship with the writer (`facts/`), or one's own in their place; read once."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

from corpus.suggestion import suggestion

from .spoken import DAYS, MONTHS

_OWN: ContextVar[str] = ContextVar("facts", default="")  # a folder of one's own


@contextmanager
def facts_of(folder: str) -> Iterator[None]:
    """Inside the block tables are those of a folder, where it has them; empty: those that ship."""
    token = _OWN.set(folder)
    try:
        yield
    finally:
        _OWN.reset(token)


@cache
def check_facts(folder: str) -> None:
    """Raise ValueError where a folder of one's own facts holds a file that there is not, or one of another shape."""
    if not Path(folder).is_dir():
        raise ValueError(f"there is no folder {folder} of facts")
    shipped = [entry.name for entry in (files(__package__) / "facts").iterdir()]
    own = [path for path in Path(folder).iterdir() if path.suffix in (".csv", ".json")]
    if not own:
        raise ValueError(f"{folder} holds no .csv or .json of facts{suggestion('', shipped)}")
    for path in sorted(own):
        if path.name not in shipped:
            raise ValueError(f"{path}: nothing is drawn from a file of this name{suggestion(path.name, shipped)}")
        (_check_rows if path.suffix == ".csv" else _check_phrases)(path)


def _check_rows(path: Path) -> None:
    heading, *rows = csv.reader(_text(path.name, str(path.parent)).splitlines())
    wanted = next(csv.reader(_text(path.name, "").splitlines()))
    if heading != wanted or not rows:
        raise ValueError(f"{path}:1: the columns are {', '.join(wanted)}, with at least one row")
    for number, row in enumerate(rows, start=2):
        if len(row) != len(wanted):
            raise ValueError(f"{path}:{number}: {len(wanted)} cells, please; put quotes around a text with commas")


def _check_phrases(path: Path) -> None:
    try:
        own, shipped = (json.loads(_text(path.name, folder)) for folder in (str(path.parent), ""))
    except ValueError as error:
        raise ValueError(f"{path} is not valid JSON: {error}") from None
    if type(own) is not type(shipped) or not own:
        raise ValueError(f"{path}: an {'object' if isinstance(shipped, dict) else 'array'}, please, as the shipped one")
    if isinstance(own, dict) and (other := sorted({*own} ^ {*shipped})):
        raise ValueError(f"{path}: the keys are {', '.join(shipped)}; differs: {other[0]}")


def table(name: str) -> tuple[tuple[str, ...], ...]:
    """The rows of `facts/<name>.csv` without its header."""
    return _table(name, _OWN.get())


def phrases(name: str) -> Any:
    """The content of `facts/<name>.json`; its shape is described in `facts/README.md`."""
    return _phrases(name, _OWN.get())


@cache
def _table(name: str, own: str) -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(row) for row in csv.reader(_text(f"{name}.csv", own).splitlines()[1:]))


@cache
def _phrases(name: str, own: str) -> Any:
    return json.loads(_text(f"{name}.json", own))


def _text(file: str, own: str) -> str:
    """A file's text: of the folder of one's own if it is there, else as it ships."""
    path = Path(own) / file
    if not own or not path.is_file():
        return (files(__package__) / "facts" / file).read_text(encoding="utf-8")
    try:
        return path.read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read {path}: {error}") from None


_ORDINARY = {"Good", "Close", "Best", "Just", "Still", "Early", "Long", "Short", "Sharp", "Bright", "Wise", "New"}
_NAME_TABLES = ("planets", "names", "pets", "surnames", "towns", "capitals", "family_names")


@cache
def _proper_words(own: str) -> frozenset[str]:
    """Words that keep their capital: of the tables of names, and the capitalised ones inside facts and places."""
    words = [word for name in _NAME_TABLES for row in table(name) for cell in row for word in cell.split()]
    words += [row[0] for row in table("people")]
    words += ["Road", "Lane", "Street", "Close"]
    words += [word for row in table("facts") for word in row[1].split()]
    words += [place.split()[0] for one in phrases("bookings") for place in one["at"]]
    words += [*DAYS, *MONTHS, "Mum", "Dad", "Mister", "Missus"]
    return frozenset(word for word in words if word[0].isupper()) - _ORDINARY


def is_proper(word: str) -> bool:
    """Whether a capitalised word is a name, or a single letter, that keeps its capital inside a sentence."""
    names = _proper_words(_OWN.get())
    return (len(word) == 1 and word != "A") or word in names or word.removesuffix("'s") in names

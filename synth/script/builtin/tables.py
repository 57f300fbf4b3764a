"""The tables of facts and phrases that ship with the writer (`facts/`), read once."""

from __future__ import annotations

import csv
import json
from functools import cache
from importlib.resources import files
from typing import Any

from .spoken import DAYS, MONTHS


@cache
def table(name: str) -> tuple[tuple[str, ...], ...]:
    """The rows of `facts/<name>.csv` without its header."""
    text = (files(__package__) / "facts" / f"{name}.csv").read_text(encoding="utf-8")
    return tuple(tuple(row) for row in csv.reader(text.splitlines()[1:]))


@cache
def phrases(name: str) -> Any:
    """The content of `facts/<name>.json`; its shape is described in `facts/README.md`."""
    return json.loads((files(__package__) / "facts" / f"{name}.json").read_text(encoding="utf-8"))


_ORDINARY = {"Good", "Close", "Best", "Just", "Still", "Early", "Long", "Short", "Sharp", "Bright", "Wise", "New"}
_NAME_TABLES = ("planets", "names", "pets", "surnames", "towns", "capitals", "family_names")


@cache
def _proper_words() -> frozenset[str]:
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
    return (len(word) == 1 and word != "A") or word in _proper_words() or word.removesuffix("'s") in _proper_words()

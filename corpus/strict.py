"""Strict tables: the base of everything that people write by hand or programs leave in TOML and JSON files.

    class Store(Strict):
        shard_dialogues: int = Field(default=64, ge=1)

    load_toml("a.toml", Store)    # ValueError: a.toml: unknown key 'shard_dialoges'; did you mean 'shard_dialogues'?
    Store(shard_dialogues=0)      # ValueError: shard_dialogues: Input should be greater than or equal to 1, got 0

Types are taken as they are written: "100" is no number, 2.5 no whole one, 1 no truth value; a whole number may stand
for a float, and in a file a list for a tuple. Every mistake is a ValueError of one line with file and key.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from .suggestion import suggestion
from .toml import read_toml

TOLD = 3  # mistakes named in one line
_EMPTY = ("string_too_short", "too_short")
SHOWN = 40  # characters of a wrong value that are repeated

Kind = TypeVar("Kind")
Table = TypeVar("Table", bound="Strict")


class Strict(BaseModel):
    """Base of a table: immutable, unknown keys and wrong types refused, no number is infinite or NaN."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    def __init__(self, **values: Any) -> None:
        """Raises ValueError with one line."""
        try:
            super().__init__(**values)
        except ValidationError as error:
            raise ValueError(told(error, type(self))) from None

    # what pydantic marks its own with: tables inside tables are made without it, so that errors name their whole place
    __init__.__pydantic_base_init__ = True  # type: ignore[attr-defined]

    def changed(self: Table, **values: Any) -> Table:
        """The same table with some values replaced, checked like any other. Raises ValueError with one line."""
        kept = {name: getattr(self, name) for name in self.model_fields_set if name not in values}
        return type(self)(**kept, **values)


def load_toml(path: str | Path, kind: type[Kind], what: str = "file") -> Kind:
    """A TOML file as a `kind`. Raises ValueError with one line that names the file and the key."""
    return parse(read_toml(path, what), kind, str(path))


def load_json(path: str | Path, kind: type[Kind], what: str = "file") -> Kind:
    """A JSON file as a `kind`. Raises ValueError with one line that names the file and the key."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read the {what} {path}: {error}") from None
    return parse_json(text, kind, str(path))


def load_lines(path: str | Path, kind: type[Kind], what: str = "file") -> Iterator[Kind]:
    """The lines of a JSON-lines file, empty ones left out. Raises ValueError that names file, line and key."""
    try:
        with Path(path).open(encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield parse_json(line, kind, f"{path}:{number}")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read the {what} {path}: {error}") from None


def parse(content: object, kind: type[Kind], where: str = "") -> Kind:
    """Tables and lists, as TOML and JSON have them, as a `kind`.

    Args:
        content: to check.
        kind: a `Strict` or any type of pydantic's.
        where: what to name in front of a mistake.

    Raises:
        ValueError: with one line.
    """
    return parse_json(json.dumps(content, default=str), kind, where)  # from JSON a list may become a tuple


def parse_json(text: str | bytes, kind: type[Kind], where: str = "") -> Kind:
    """JSON text as a `kind`. Raises ValueError like `parse`."""
    try:
        wanted: Any = kind
        value: Kind = _adapter(wanted).validate_json(text)
        return value
    except ValidationError as error:
        raise ValueError(f"{where + ': ' if where else ''}{told(error, kind)}") from None


def told(error: ValidationError, kind: Any) -> str:
    """One line that says what is wrong with a `kind`: the first few mistakes."""
    mistakes = list(dict.fromkeys(_mistake(each, kind) for each in error.errors(include_url=False)))
    more = f" (and {len(mistakes) - TOLD} more)" if len(mistakes) > TOLD else ""
    return "; ".join(mistakes[:TOLD]) + more


def _mistake(error: Any, kind: Any) -> str:
    location = error["loc"]
    key, last = ".".join(str(part) for part in location), str(location[-1]) if location else ""
    if error["type"] == "extra_forbidden":
        valid = keys_at(kind, location[:-1])
        return f"unknown key {key!r}{suggestion(last, valid) if valid else ''}"
    if error["type"] == "missing":
        return f"{key} is missing"
    message = " ".join(error["msg"].removeprefix("Value error, ").split())
    if error["type"] in ("value_error", "json_invalid"):  # says itself what it was given
        return f"{key}: {message}" if key and not message.startswith(key) else message
    if error["type"] in _EMPTY and error["ctx"]["min_length"] == 1:
        return f"{key}: must not be empty"
    given = repr(error["input"])
    shown = given if len(given) <= SHOWN else given[:SHOWN] + "..."
    return f"{key}: {message}, got {shown}" if key else f"{message}, got {shown}"


def keys_at(kind: Any, location: tuple[int | str, ...]) -> list[str]:
    """The valid keys of the table at a place inside a `kind`; none where that is no table of fixed keys."""
    for part in location:
        kind = _inside(kind, part)
    kind = _plain(kind)
    return list(kind.model_fields) if isinstance(kind, type) and issubclass(kind, BaseModel) else []


def _inside(kind: Any, part: int | str) -> Any:
    """The type of an item of a `kind`; None where it has none."""
    kind = _plain(kind)
    if isinstance(kind, type) and issubclass(kind, BaseModel):
        field = kind.model_fields.get(str(part))
        return None if field is None else field.annotation
    items = [item for item in get_args(kind) if item is not Ellipsis]
    return items[-1] if items else None


def _plain(kind: Any) -> Any:
    """A type without `Annotated` and `| None`."""
    if get_origin(kind) is Annotated:
        return _plain(get_args(kind)[0])
    if get_origin(kind) in (Union, UnionType):
        others = [item for item in get_args(kind) if item is not type(None)]
        return _plain(others[0]) if len(others) == 1 else None
    return kind


@cache
def _adapter(kind: Any) -> TypeAdapter[Any]:
    return TypeAdapter(kind)

"""TOML files as tables: one reader for every Python there is, and one clear line for a file that cannot be read."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib


def read_toml(path: str | Path, what: str = "file") -> dict[str, Any]:
    """The tables of a TOML file, with or without a byte order mark.

    Args:
        path: the file.
        what: it is, for the message: "recipe", "engine's file".

    Raises:
        ValueError: it is missing, not UTF-8 or not TOML.
    """
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read the {what} {path}: {error}") from None
    return parse_toml(text, str(path))


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """The tables of TOML text. Raises ValueError that names `where` it comes from."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{where} is not valid TOML: {error}") from None

"""`synth speakable`: text as it is spoken, a line in, a line out."""

from __future__ import annotations

import sys
from typing import Annotated

import typer


def speakable(
    text: Annotated[list[str] | None, typer.Argument(help="What to read; lines of standard input if left out.")] = None,
    language: Annotated[str, typer.Option(help="Its ISO 639-1 code.")] = "en",
) -> None:
    """Print how each line is read aloud, or `! ` and what in it cannot be."""
    from ..script.language import load_language
    from ..script.speakable import speakable

    known = load_language(language)
    for line in text or (line.rstrip("\n") for line in sys.stdin):
        try:
            print(speakable(line, known), flush=True)
        except ValueError as error:
            print(f"! {error}", flush=True)

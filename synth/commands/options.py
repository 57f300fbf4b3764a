"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Corpus = Annotated[Path, typer.Argument(help="A corpus directory.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output and nothing else.")]
RecipeFile = Annotated[Path | None, typer.Option(help="A recipe (TOML); the built-in one if left out.")]
Seed = Annotated[int, typer.Option(help="Everything random derives from it.")]
WriterName = Annotated[
    str | None,
    typer.Option("--writer", help="builtin, openai:URL#MODEL, transformers:ID_OR_PATH, gguf:FILE, scripts:FILE."),
]
Writers = Annotated[
    int, typer.Option("--writers", help="Requests to a language model at the same time; 0: as the recipe says.")
]
Timing = Annotated[str | None, typer.Option(help="Timing preset, in place of the recipe's.")]

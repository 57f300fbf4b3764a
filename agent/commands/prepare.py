"""`agent prepare`: what is made once for a model to talk quickly on this computer, made at install."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def prepare(
    model: Annotated[str, typer.Argument(help="shipped name or folder")] = "laptop",
    codec: Annotated[str | None, typer.Option(help="another codec than the model's own")] = None,
    cache: Annotated[Path | None, typer.Option(help="folder to keep it in; the user's cache folder if none")] = None,
) -> None:
    """Export a model's codec ahead of its first talk, which waits for it otherwise; once is enough."""
    from codec.runtime import fastest, folder_name
    from corpus.user_folders import cache_folder

    from ..files.bundle import load_bundle

    voice = load_bundle(model, codec=codec).codec
    folder = (cache_folder() if cache is None else cache) / folder_name(voice, int8=True)
    if folder.exists():
        typer.echo(f"{folder}: made before")
        return
    typer.echo("preparing the codec, once: some twenty seconds")
    fastest(voice, folder.parent)
    typer.echo(f"{folder}: made")

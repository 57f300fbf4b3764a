"""`agent unpack`: what `agent pack` put together, laid out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def unpack(
    file: Annotated[Path, typer.Argument(help="a pack, or its first part")],
    out: Annotated[Path, typer.Option(help="folder to lay it out in")] = Path(),
) -> None:
    """Lay out what `agent pack` put together."""
    from ..training.pack import unpack as run

    for path in run(file, out):
        typer.echo(str(path))

"""`agent pack`: what a run needs elsewhere, and what comes back, in files of bounded size."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def pack(
    sources: Annotated[list[Path], typer.Argument(help="tokens, recordings, a corpus, a run or model, or files")],
    out: Annotated[Path, typer.Option(help="the pack, a .zip")],
    limit: Annotated[float, typer.Option(help="MiB at most")] = 64.0,
    hours: Annotated[float | None, typer.Option(help="of each folder of tokens or recordings, at most")] = None,
    parts: Annotated[float | None, typer.Option(help="cut it into files of so many MiB: OUT.001, ...")] = None,
) -> None:
    """Put data for a run, or what a run made, into one file that travels; recordings become Opus."""
    from ..training.pack import MEBIBYTE
    from ..training.pack import pack as run

    for file in run(sources, out, limit, hours, parts):
        typer.echo(f"{file} {file.stat().st_size / MEBIBYTE:.1f} MiB")

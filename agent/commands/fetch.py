"""`agent fetch`: the weights of an assistant's ear and mouth."""

from __future__ import annotations

from typing import Annotated

import typer


def fetch(
    names: Annotated[list[str], typer.Argument(help="ears and mouths, such as whisper:base.en pocket")],
) -> None:
    """Download the weights of ears and mouths; a broken download goes on where it ended."""
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

    from synth.engines.weights import missing

    from ..assistant.fetch import fetch as get
    from ..assistant.fetch import weights_of

    wanted = {name: weights_of(name) for name in names}  # all names are known before anything is fetched
    bars = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    for name, weights in wanted.items():
        if not missing(weights):
            typer.echo(f"{name}: all it needs is on this disk")
            continue
        with Progress(*bars, console=Console(stderr=True), transient=True) as shown:
            tasks = {file: shown.add_task(file, total=None) for _, file in missing(weights)}
            get(weights, typer.echo, lambda f, n, of: shown.update(tasks[f], completed=n, total=of or None))  # noqa: B023
        typer.echo(f"{name}: fetched")

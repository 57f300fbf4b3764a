"""`synth listen`: a stored dialogue, played beside its transcript."""

from __future__ import annotations

from typing import Annotated

import typer

from .options import Corpus


def listen(
    corpus: Corpus,
    id: Annotated[str, typer.Argument(help="A dialogue, such as d0000003.", show_default=False)],
    channel: Annotated[str | None, typer.Option(help="agent or user; both if left out.")] = None,
    player: Annotated[str | None, typer.Option(help="sounddevice or a program on PATH.")] = None,
) -> None:
    """Play a dialogue beside its transcript."""
    from ..report.playback import listen as play

    play(corpus, id, channel, player)

"""`synth plan`: dialogues before they are spoken, one JSON record a line."""

from __future__ import annotations

import contextlib
import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TextIO

import typer

from .options import RecipeFile, Seed, Timing, WriterName


def plan(
    hours: Annotated[float, typer.Option(help="Plan about so many hours.")],
    recipe: RecipeFile = None,
    timing: Timing = None,
    writer: WriterName = None,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Write here (gzip if it ends in .gz), not to the screen.")] = None,
    timed: Annotated[
        bool, typer.Option("--timed", help="Give words estimated times: text for `agent train --unspoken`.")
    ] = False,
) -> None:
    """Print the plans that `generate` would render, one JSON record a line."""
    from ..plan import estimated_seconds
    from ..running.generate import CorpusOrder
    from ..running.people import prepare_people
    from ..running.workers import Job
    from ..speaking.rehearse import rehearse

    order = CorpusOrder.of(out=Path(), hours=hours, recipe=recipe, timing=timing, writer=writer, seed=seed)
    prepare_people(order.recipe)
    planner, seconds = Job(order.out, order.recipe, order.seed).planner(), 0.0
    with _lines_to(out) as stream:
        for planned in planner.dialogues():
            dialogue = rehearse(planned, steady=order.recipe.voices.steady) if timed else planned
            stream.write(dialogue.model_dump_json(exclude_defaults=True) + "\n")
            seconds += estimated_seconds(dialogue)
            if seconds >= hours * 3600:
                break


@contextlib.contextmanager
def _lines_to(path: Path | None) -> Iterator[TextIO]:
    """Standard output, or a new text file, compressed if its name ends in .gz."""
    if path is None:
        yield sys.stdout
    elif path.suffix == ".gz":
        with gzip.open(path, "wt", encoding="utf-8") as stream:
            yield stream
    else:
        with path.open("w", encoding="utf-8") as stream:
            yield stream

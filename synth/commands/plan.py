"""`synth plan`: dialogues before they are spoken, one JSON record a line; or a sample, to see a writer's worth."""

from __future__ import annotations

import contextlib
import math
import sys
from pathlib import Path
from typing import Annotated

import typer

from .options import RecipeFile, Seed, Timing, WriterName, Writers


def plan(
    hours: Annotated[float | None, typer.Option(help="Plan about so many hours.")] = None,
    recipe: RecipeFile = None,
    timing: Timing = None,
    writer: WriterName = None,
    writers: Writers = 0,
    seed: Seed = 0,
    out: Annotated[Path | None, typer.Option(help="Write here (gzip if it ends in .gz), not to the screen.")] = None,
    timed: Annotated[
        bool, typer.Option("--timed", help="Give words estimated times: text for `agent train --unspoken`.")
    ] = False,
    sample: Annotated[
        int | None, typer.Option(help="Ask for so many dialogues and print what was refused, why, and what it cost.")
    ] = None,
) -> None:
    """Print the plans that `generate` would render, one JSON record a line."""
    from ..running.generate import CorpusOrder
    from ..running.planned import Planned, lines_file

    if (hours is None) == (sample is None) or (sample is not None and sample < 1):
        raise ValueError("say how much to plan: --hours H, or --sample N dialogues")
    order = CorpusOrder.of(
        out=Path(), hours=hours or 1.0, recipe=recipe, timing=timing, writer=writer, writers=writers, seed=seed
    )
    planned = Planned.of(order, sample)
    screen = sys.stdout if sample is None else None  # a sample is judged, not printed
    with lines_file(out) if out else contextlib.nullcontext(screen) as stream, planned:
        wanted = math.inf if hours is None else 3600 * hours
        for dialogue in planned.lasting(wanted, timed=timed):
            if stream:
                stream.write(dialogue.model_dump_json(exclude_defaults=True) + "\n")
    if sample is not None:
        made = sample - len(planned.refused)
        print(f"{made} of {sample} dialogues, about {planned.seconds / 3600:.2f} h", file=sys.stderr)
    planned.told(lambda line: print(line, file=sys.stderr), hours=planned.seconds / 3600)

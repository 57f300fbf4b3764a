"""`synth plan`: dialogues before they are spoken, one JSON record a line; or a sample, to see a writer's worth."""

from __future__ import annotations

import contextlib
import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TextIO, cast

import typer

from corpus.durable import replacing

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
    from ..plan import estimated_seconds
    from ..running.casts import prepare_casts
    from ..running.generate import CorpusOrder
    from ..running.people import prepare_people
    from ..running.planned import Planned
    from ..running.workers import CorpusJob
    from ..speaking.rehearse import rehearse

    if (hours is None) == (sample is None) or (sample is not None and sample < 1):
        raise ValueError("say how much to plan: --hours H, or --sample N dialogues")
    order = CorpusOrder.of(
        out=Path(), hours=hours or 1.0, recipe=recipe, timing=timing, writer=writer, writers=writers, seed=seed
    )
    prepare_people(order.recipe)
    prepare_casts(order.recipe)
    planned, seconds, count = (
        Planned(CorpusJob(order.out, order.recipe, order.seed, order.hours).planner(), sample),
        0.0,
        0,
    )
    nowhere = contextlib.nullcontext(None)  # a sample is judged, not printed
    with nowhere if sample is not None and out is None else _lines_to(out) as stream, planned:
        for draft in planned.dialogues():
            dialogue = rehearse(draft, steady=order.recipe.voices.steady) if timed else draft
            if stream:
                stream.write(dialogue.model_dump_json(exclude_defaults=True) + "\n")
            seconds, count = seconds + estimated_seconds(dialogue), count + 1
            if hours is not None and seconds >= hours * 3600:
                break
    if sample is not None:
        print(f"{count} of {sample} dialogues, about {seconds / 3600:.2f} h", file=sys.stderr)
    planned.told(lambda line: print(line, file=sys.stderr), hours=seconds / 3600)


@contextlib.contextmanager
def _lines_to(path: Path | None) -> Iterator[TextIO]:
    """Standard output, or a text file that appears whole at the end, compressed if its name ends in .gz."""
    if path is None:
        yield sys.stdout
        return
    if not path.parent.is_dir():
        raise ValueError(f"there is no folder {path.parent} to write {path.name} in")
    opener = gzip.open if path.suffix == ".gz" else open
    with replacing(path, shared=True) as partial, opener(partial, "wt", encoding="utf-8") as stream:
        yield cast(TextIO, stream)

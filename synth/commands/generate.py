"""`synth generate`: a corpus of so many hours, resumed and extended by the same command."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from .options import AsJson, RecipeFile, Seed, Timing, WriterName, Writers


def generate(
    out: Annotated[Path, typer.Option(help="The corpus directory: new, or an earlier run's to resume or extend.")],
    hours: Annotated[float, typer.Option(help="Hours of dialogue the corpus shall hold.")],
    recipe: RecipeFile = None,
    engine: Annotated[str | None, typer.Option(help="Speech engine, in place of the recipe's.")] = None,
    timing: Timing = None,
    writer: WriterName = None,
    writers: Writers = 0,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(help="Processes; 0 means one for each core, of the cluster with --ray.")] = 0,
    ray: Annotated[str, typer.Option(help="Render on this Ray cluster: auto, local or HOST:PORT.")] = "",
    ray_gpus: Annotated[float, typer.Option(help="Share of a GPU for each worker of the cluster.")] = 0.0,
    mirror: Annotated[str, typer.Option(help="Copy finished shards here: any URL that fsspec knows.")] = "",
    dialogues: Annotated[int, typer.Option(help="At most so many, however short; 0: no bound.")] = 0,
    quality: Annotated[bool, typer.Option("--quality", help="Switch the quality gates on; see [quality].")] = False,
    whisper: Annotated[str, typer.Option(help="Gate words too: a faster-whisper model's folder.")] = "",
    strict: Annotated[bool, typer.Option(help="Fail when the measured timing is out of the preset's bands.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a corpus of so many hours. The same command again resumes; more hours append."""
    from ..running.generate import CorpusOrder, generate
    from ..running.progress import summary_table

    order = CorpusOrder.of(
        out=out,
        hours=hours,
        recipe=recipe,
        engine=engine,
        timing=timing,
        writer=writer,
        writers=writers,
        seed=seed,
        workers=workers,
        ray=ray,
        ray_gpus=ray_gpus,
        mirror=mirror,
        dialogues=dialogues,
        quality=quality,
        whisper=whisper,
    )
    outcome = generate(order, silent=as_json)
    if as_json:
        print(outcome.to_json())
    else:
        Console().print(summary_table(outcome.stats, outcome.report, speed=outcome.speed))
    if strict and outcome.out_of_band:
        raise ValueError(f"timing out of band: {'; '.join(outcome.out_of_band)}")

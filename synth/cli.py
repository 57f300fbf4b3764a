"""The command `synth`: write, speak, check, repair and show corpora of dialogues."""

from __future__ import annotations

import contextlib
import dataclasses
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, TextIO

import typer
from rich.console import Console

from corpus.command import run

from .commands import formats as formats_command
from .commands import voices as voices_command
from .commands.engines import engines_app

app = typer.Typer(
    name="synth",
    help="Synthetic two-channel dialogues: written, timed, spoken, rendered and stored as a corpus.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.add_typer(engines_app, name="engines")
app.add_typer(voices_command.app)
app.command("export")(formats_command.export)
app.command("import")(formats_command.import_)
app.command("push")(formats_command.push)
app.command("pack")(formats_command.pack)
Corpus = Annotated[Path, typer.Argument(help="A corpus directory.", show_default=False)]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output and nothing else.")]
RecipeFile = Annotated[Path | None, typer.Option(help="A recipe (TOML); the built-in one if left out.")]
Seed = Annotated[int, typer.Option(help="Everything random derives from it.")]
WriterName = Annotated[
    str | None, typer.Option("--writer", help="builtin, openai:URL#MODEL, transformers:ID_OR_PATH or gguf:FILE.")
]
Timing = Annotated[str | None, typer.Option(help="Timing preset, in place of the recipe's.")]


@app.command()
def generate(
    out: Annotated[Path, typer.Option(help="The corpus directory: new, or an earlier run's to resume or extend.")],
    hours: Annotated[float, typer.Option(help="Hours of dialogue the corpus shall hold.")],
    recipe: RecipeFile = None,
    engine: Annotated[str | None, typer.Option(help="Speech engine, in place of the recipe's.")] = None,
    timing: Timing = None,
    writer: WriterName = None,
    seed: Seed = 0,
    workers: Annotated[int, typer.Option(help="Processes; 0 means one for each core, of the cluster with --ray.")] = 0,
    ray: Annotated[str, typer.Option(help="Render on this Ray cluster: auto, local or HOST:PORT.")] = "",
    ray_gpus: Annotated[float, typer.Option(help="Share of a GPU for each worker of the cluster.")] = 0.0,
    mirror: Annotated[str, typer.Option(help="Copy finished shards here: any URL that fsspec knows.")] = "",
    quality: Annotated[bool, typer.Option("--quality", help="Switch the quality gates on; see [quality].")] = False,
    whisper: Annotated[str, typer.Option(help="Gate words too: a faster-whisper model's folder.")] = "",
    strict: Annotated[bool, typer.Option(help="Fail when the measured timing is out of the preset's bands.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write a corpus of so many hours. The same command again resumes; more hours append."""
    from .running.generate import Order, generate
    from .running.progress import summary_table

    order = Order.of(
        out=out,
        hours=hours,
        recipe=recipe,
        engine=engine,
        timing=timing,
        writer=writer,
        seed=seed,
        workers=workers,
        ray=ray,
        ray_gpus=ray_gpus,
        mirror=mirror,
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


@app.command()
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
    from .plan import estimated_seconds
    from .running.generate import Order
    from .running.workers import Job
    from .speaking.rehearse import rehearse

    order = Order.of(out=Path(), hours=hours, recipe=recipe, timing=timing, writer=writer, seed=seed)
    planner, seconds = Job(order.out, order.recipe, order.seed).planner(), 0.0
    with _lines_to(out) as stream:
        for planned in planner.dialogues():
            dialogue = rehearse(planned, steady=order.recipe.voices.steady) if timed else planned
            stream.write(dialogue.model_dump_json(exclude_defaults=True) + "\n")
            seconds += estimated_seconds(dialogue)
            if seconds >= hours * 3600:
                break


@app.command()
def verify(corpus: Corpus, as_json: AsJson = False) -> None:
    """Check every file of a corpus against its checksums and records."""
    from corpus.verify import verify

    problems = verify(corpus)
    if as_json:
        print(json.dumps([dataclasses.asdict(problem) for problem in problems], default=str, indent=2))
    for problem in problems if not as_json else []:
        print(problem)
    if problems:
        raise ValueError(
            f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in {corpus}; try: synth repair {corpus}"
        )
    if not as_json:
        print(f"{corpus} is sound")


@app.command()
def repair(corpus: Corpus) -> None:
    """Bring a damaged corpus back to a state that verifies, leaving out what is lost."""
    from corpus.repair import repair

    actions = repair(corpus)
    print("\n".join(actions) if actions else f"{corpus} needs no repair")


@app.command()
def merge(
    sources: Annotated[list[Path], typer.Argument(help="Two corpora or more.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The new corpus directory.")],
) -> None:
    """Join several corpora into a new one."""
    from corpus.merge import merge

    merge(sources, out)
    print(f"{out} holds {len(sources)} corpora")


@app.command()
def listen(
    corpus: Corpus,
    id: Annotated[str, typer.Argument(help="A dialogue, such as d0000003.", show_default=False)],
    channel: Annotated[str | None, typer.Option(help="agent or user; both if left out.")] = None,
    player: Annotated[str | None, typer.Option(help="sounddevice or a program on PATH.")] = None,
) -> None:
    """Play a dialogue beside its transcript."""
    from .commands.listen import listen

    listen(corpus, id, channel, player)


@app.command()
def stats(corpus: Corpus, as_json: AsJson = False) -> None:
    """Count a corpus: hours, words, events, voices, measured timing."""
    from .commands.listen import stats
    from .running.progress import summary_table

    counted = stats(corpus)
    if as_json:
        print(json.dumps(counted.to_dict(), indent=2))
    else:
        Console().print(summary_table(counted))


@app.command()
def report(corpus: Corpus) -> None:
    """Write a corpus's report.html anew."""
    from .report import write_report

    print(write_report(corpus))


@app.command()
def quality(corpus: Corpus, as_json: AsJson = False) -> None:
    """What the quality gates found: takes, yield, why takes were thrown away, mean measures."""
    from corpus.store import Corpus as Reader

    from .speaking.quality.yields import collect_yield

    found = collect_yield(Reader(corpus))
    if as_json:
        print(json.dumps(found.to_dict(), indent=2))
    else:
        Console().print(found.table())


@app.command()
def lint(corpus: Corpus, as_json: AsJson = False) -> None:
    """Find what would hurt a training run, in a corpus of any known layout."""
    from corpus.lint import lint

    found = lint(corpus)
    print(found.to_json() if as_json else found)
    if found.errors:
        raise ValueError(f"{found.errors} error{'s' if found.errors > 1 else ''} in {corpus}")


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


def main() -> None:
    """The entry point."""
    run(app, "synth")

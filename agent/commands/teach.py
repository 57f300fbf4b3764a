"""`agent teach`: an agent of one's own, from a file of questions and answers."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def teach(
    source: Annotated[
        Path | None, typer.Argument(metavar="FILE", help="what to teach: .toml, .json or .csv; see --example")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="the agent's folder; runs/ and the file's name if left out")] = None,
    example: Annotated[str, typer.Option(help="write a commented file to begin with, here, and stop: pizza")] = "",
    recipe: Annotated[Path | None, typer.Option(help="TOML over the keys of agent/teach/recipe.toml")] = None,
    base: Annotated[str, typer.Option(help="model to start from: shipped name or folder")] = "laptop",
    minutes: Annotated[float | None, typer.Option(help="of dialogue to practise with")] = None,
    steps: Annotated[int | None, typer.Option(help="of training")] = None,
    workers: Annotated[int, typer.Option(help="processes that speak and tokenize; 0 means one for each core")] = 0,
    threads: Annotated[int, typer.Option(help="CPU threads of the training; 0: torch's choice")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="print every answer as JSON")] = False,
) -> None:
    """Teach the agent your questions and answers. The same command resumes; after an edit it redoes what changed."""
    if example:
        _write_example(example)
        return
    if source is None:
        raise ValueError("name the file of what to teach; agent teach --example pizza writes one to begin with")
    import os

    from rich.console import Console

    from ..teach import TeachOrder
    from ..teach import teach as run

    order = TeachOrder.of(
        source,
        out,
        recipe=recipe,
        base=base,
        minutes=minutes,
        steps=steps,
        workers=workers or os.cpu_count() or 1,
        threads=threads,
    )
    report = run(order, Console(stderr=True))
    if as_json:
        print(report.model_dump_json(indent=1))
        return
    console = Console()
    console.print(report.table())
    for each in report.answers:
        mark = "right" if each.right else "wrong"
        said = f"{mark}: {each.asked} - {each.said.strip() or '(nothing)'}  {order.out / each.sound}"
        console.print(said, highlight=False, markup=False, soft_wrap=True)  # a path in one piece can be copied
    console.print(f"Talk with it: agent talk --model {order.out}", highlight=False)


def _write_example(name: str) -> None:
    """Write a template into the working folder. Raises ValueError where there is such a file or no such template."""
    from corpus.suggestion import suggestion
    from synth.script.syllabus import EXAMPLES

    known = sorted(path.stem for path in EXAMPLES.glob("*.toml"))
    if name not in known:
        raise ValueError(f"no example is called {name!r}{suggestion(name, known)}")
    path = Path(f"{name}.toml")
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write((EXAMPLES / path.name).read_text(encoding="utf-8"))
    except FileExistsError:
        raise ValueError(f"{path} is there already: rename it first") from None
    typer.echo(f"{path}: change its texts to yours, then: agent teach {path}")

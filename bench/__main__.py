"""`python -m bench NAME`: run one of the measurements in this folder."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path
from typing import Annotated

import typer

NAMES = {path.stem: f".{path.parent.name}.{path.stem}" for path in sorted(Path(__file__).parent.glob("*/[a-z]*.py"))}


def main(
    names: Annotated[list[str] | None, typer.Argument(help=f"any of: {', '.join(NAMES)}; all if left out")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    smallest: Annotated[bool, typer.Option("--smallest", help="See that it runs; figures mean nothing.")] = False,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="gpu: to end within.")] = None,
    out: Annotated[Path | None, typer.Option(help="gpu: folder of its report.")] = None,
) -> None:
    """Measure, and print a table for each."""
    for name in names or list(NAMES):
        if name not in NAMES:
            raise SystemExit(f"bench: no measurement is called {name!r}; valid: {', '.join(NAMES)}")
        run = importlib.import_module(NAMES[name], __package__).run
        given = {key: value for key, value in (("minutes", minutes), ("out", out)) if value is not None}
        for key in given:
            if key not in inspect.signature(run).parameters:
                raise SystemExit(f"bench: {name} takes no --{key}")
        run(as_json=as_json, smallest=smallest, **given)


if __name__ == "__main__":
    typer.run(main)

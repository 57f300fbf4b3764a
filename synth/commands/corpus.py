"""`synth verify`, `repair`, `merge` and `lint`: is a corpus sound, and what to do if it is not."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection
from pathlib import Path
from typing import Annotated

import typer

from .options import AsJson, Corpus


def verify(corpus: Corpus, as_json: AsJson = False) -> None:
    """Check every file of a corpus against its checksums and records."""
    from corpus.verify import verify

    problems = verify(corpus)
    if as_json:
        print(json.dumps([dataclasses.asdict(problem) for problem in problems], default=str, indent=2))
    for problem in problems if not as_json else []:
        print(problem)
    if problems:
        many = f"{len(problems)} problem{'s' if len(problems) > 1 else ''} in {corpus}"
        raise ValueError(f"{many}; {advice(corpus, {problem.kind for problem in problems})}")
    if not as_json:
        print(f"{corpus} is sound")


def advice(corpus: Path, kinds: Collection[str]) -> str:
    """What to do about problems of these kinds; never something that `repair` refuses."""
    if "identity" in kinds:
        return "corpus.json cannot be rebuilt: put it back from a copy or a mirror of this corpus, then verify again"
    if set(kinds) == {"leftover"}:
        return f"run the command that writes it again, or go without what is unfinished: synth repair {corpus}"
    return f"try: synth repair {corpus}"


def repair(corpus: Corpus) -> None:
    """Bring a damaged corpus back to a state that verifies, leaving out what is lost."""
    from corpus.repair import repair

    actions = repair(corpus)
    print("\n".join(actions) if actions else f"{corpus} needs no repair")


def merge(
    sources: Annotated[list[Path], typer.Argument(help="Two corpora or more.", show_default=False)],
    out: Annotated[Path, typer.Option(help="The new corpus directory.")],
) -> None:
    """Join several corpora into a new one."""
    from corpus.merge import merge

    merge(sources, out)
    print(f"{out} holds {len(sources)} corpora")


def lint(corpus: Corpus, as_json: AsJson = False) -> None:
    """Find what would hurt a training run, in a corpus of any known layout."""
    from corpus.lint import lint

    report = lint(corpus)
    print(report.to_json() if as_json else report)
    if report.errors:
        raise ValueError(f"{report.errors} error{'s' if report.errors > 1 else ''} in {corpus}")

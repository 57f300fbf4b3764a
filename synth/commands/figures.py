"""`synth stats`, `report` and `quality`: the figures of a corpus."""

from __future__ import annotations

import json
from typing import Annotated

import typer
from rich.console import Console

from .options import AsJson, Corpus


def stats(corpus: Corpus, as_json: AsJson = False) -> None:
    """Count a corpus: hours, words, events, voices, measured timing."""
    from corpus.store import Corpus as Reader

    from ..report.stats import stats_of
    from ..running.progress import summary_table

    counted = stats_of(Reader(corpus))
    if as_json:
        print(json.dumps(counted.to_dict(), indent=2))
    else:
        Console().print(summary_table(counted))


def report(corpus: Corpus) -> None:
    """Write a corpus's report.html, card and rows (`datasets.load_dataset(CORPUS)` reads them) anew."""
    from corpus.dialogue_rows import write_rows

    from ..report import write_report

    page = write_report(corpus)
    write_rows(corpus, scratch=corpus)
    print(page)


def quality(
    corpus: Corpus,
    rejects: Annotated[
        bool, typer.Option("--rejects", help="List every take thrown away: text, heard, reason.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """What the quality gates found: takes, yield, why takes were thrown away, mean measures."""
    from corpus.store import Corpus as Reader

    from ..speaking.quality.yields import collect_yield

    counted = collect_yield(Reader(corpus))
    if as_json:
        print(json.dumps(counted.to_dict(), indent=2))
        return
    if rejects:
        print("\n".join(map(str, counted.rejects)))
    Console().print(counted.table())

"""`agent evaluate` with a mind: an assistant judged with recorded people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from corpus.audio import read_mono

from ..assistant.opening import file_executor, open_assistant
from ..assistant.settings import AssistantSettings
from ..assistant.turns import load_turns
from ..judging.assistant_report import judge
from ..listener.collection import Collection

TRANSCRIPTS, HELD_OUT = Path("datasets/speech-transcripts.jsonl.gz"), Path("datasets/held-out-speakers.txt")


def open_collection(speech: Path) -> Collection:
    """Recordings of people, told apart as they are here. Raises ValueError when a list cannot be read."""
    return Collection.open(speech, TRANSCRIPTS, HELD_OUT)


def evaluate_assistant(
    settings: AssistantSettings,
    speech: Path | None,
    beside: Sequence[str],
    *,
    probes: int,
    conditions: str,
    minutes: float,
    nods: Sequence[Path],
    seed: int,
    as_json: bool,
) -> None:
    """Judge and print.

    Args:
        settings: of the assistant.
        speech: folder of recorded people, with its manifests.
        beside: further sources of turn ends.
        probes: of each kind.
        conditions: with commas between.
        minutes: of each empty sound.
        nods: recordings of "mhm".
        seed: draws the probes.
        as_json: print JSON.
    """
    if speech is None:
        raise ValueError("an assistant is judged with recorded people: give --speech, the folder of their manifests")
    executor = file_executor(settings)
    assistant = open_assistant(settings, executor)
    sources = {name: load_turns(name, executor) for name in (settings.turn, *beside)}
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("talking", total=None)
        report = judge(
            assistant,
            {name: (turns, settings.manners(turns)) for name, turns in sources.items()},
            open_collection(speech),
            count=probes,
            conditions=[each.strip() for each in conditions.split(",")],
            minutes=minutes,
            nods=[read_mono(path) for path in nods],
            seed=seed,
            progress=lambda done, total: bar.update(task, completed=done, total=total),
        )
    if as_json:
        print(json.dumps(report.as_json(), indent=2))
        return
    for table in report.tables():
        Console().print(table)

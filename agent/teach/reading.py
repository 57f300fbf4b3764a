"""What is read in every step of the training, and never heard: plans of dialogues, their words timed by estimate.

As text a model can take in fifty times as much as it could hear for the same work, and so keeps more of what it knew.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

from corpus.durable import replace_text
from synth.recipe import CorpusRecipe
from synth.running.generate import CorpusOrder
from synth.running.planned import Planned, lines_file
from synth.script.practice import practice

from .order import TeachOrder
from .rehearsal import read_recipe
from .stages import READING, Advance, TeachStage, corpus_recipe, script_of
from .state import digest_of

KNOWN, TAUGHT = "known", "taught"  # files in the stage's folder


def read(order: TeachOrder) -> TeachStage:
    """Write down hours of the talk that the base was made from, and of the file's own dialogues in another order."""
    hours, seed = order.recipe.reading, order.recipe.seed + 1  # other dialogues than those that are heard
    parts: list[tuple[str, float, CorpusRecipe]] = []
    script = ""
    if hours.taught:
        path = order.out / f"{READING}.jsonl"
        script = script_of(practice(order.syllabus, 3600 * hours.taught, seed))
        replace_text(path, script)
        parts.append((TAUGHT, hours.taught, corpus_recipe(order, READING, path, None)))
    if hours.known:
        parts.append((KNOWN, hours.known, read_recipe(order)))

    def work(folder: Path, advance: Advance) -> None:
        before, total = 0.0, 3600 * (hours.known + hours.taught)
        folder.mkdir(exist_ok=True)
        for name, each, recipe in parts:
            path = folder / f"{name}.jsonl.gz"
            if not path.exists():  # written whole or not at all
                _write(path, CorpusOrder(folder, each, recipe, seed, 1), partial(_onward, advance, before, total))
            before += 3600 * each

    told = [part for name, each, recipe in parts for part in (name, each, recipe.model_dump_json())]
    return TeachStage(READING, "writing what it reads", 0.01, digest_of(script, seed, *told), work)


def files_of(order: TeachOrder) -> list[Path]:
    """The files of the stage."""
    hours = order.recipe.reading
    names = [name for name, each in ((KNOWN, hours.known), (TAUGHT, hours.taught)) if each]
    return [order.out / READING / f"{name}.jsonl.gz" for name in names]


def _write(path: Path, order: CorpusOrder, heed: Callable[[float], None]) -> None:
    with Planned.of(order, silent=True) as planned, lines_file(path) as stream:
        for dialogue in planned.lasting(3600 * order.hours, timed=True):
            stream.write(f"{dialogue.model_dump_json(exclude_defaults=True)}\n")
            heed(planned.seconds)


def _onward(advance: Advance, before: float, total: float, done: float) -> None:
    advance(before + done, total)

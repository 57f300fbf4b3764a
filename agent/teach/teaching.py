"""Carrying out an order of `agent teach`: stage after stage, each only where something changed."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from corpus.card import CARD
from corpus.durable import replace_text
from corpus.lock import FileLock

from ..files.shipped import find_bundle
from .card import teaching_card
from .examination import ExamReport, examine, read_report
from .order import BEFORE, KNOWN, TeachOrder
from .progress import TeachProgress
from .reading import files_of, read
from .rehearsal import REHEARSAL, asked_again, rehearsed
from .stages import AGENT_FILE, CORPUS, EXAM, TOKENS, TRAINING, Advance, TeachStage, learnt, spoken, tokenized
from .state import TeachFolder, digest_of


def teach(order: TeachOrder, console: Console) -> ExamReport:
    """Make the agent of an order, or what is missing or changed of it.

    Args:
        order: checked.
        console: for the line of progress.

    Returns:
        What it answered.

    Raises:
        ValueError: the folder holds something else, a voice or the engine cannot be had, the disk is full.
        KeyboardInterrupt: stopped by the user; the same order goes on.
    """
    folder = TeachFolder(order.out)
    lock = FileLock(order.out / "teach.lock", order.out)
    lock.acquire()
    try:
        left = [stage for stage in stages_of(order) if not _is_done(folder, stage)]
        with TeachProgress(console, sum(stage.share for stage in left)) as progress:
            for stage in left:
                progress.stage(stage.title, stage.share)
                stage.work(folder.begin(stage.name, stage.digest), progress.advance)
                folder.finish(stage.name, stage.digest)
        report = read_report(order.out / EXAM)
        replace_text(order.out / CARD, teaching_card(order, report))
        return report
    finally:
        lock.release()


def _is_done(folder: TeachFolder, stage: TeachStage) -> bool:
    there = stage.name != TRAINING or (folder.path / AGENT_FILE).is_file()
    return there and folder.is_done(stage.name, stage.digest)


def stages_of(order: TeachOrder) -> list[TeachStage]:
    """All stages in order: everything is spoken first, so that a voice that cannot be had is told before any training.

    Writes the scripts of all dialogues into the order's folder.
    """
    spoken_ones = [spoken(order, CORPUS, "speaking", 0.15, order.practice(), None)]
    tokens = [tokenized(order, spoken_ones[0], TOKENS, 0.08)]
    held = [
        (exam, spoken(order, f"{EXAM}-{exam.name}", f"preparing the examination, {exam.title}", 0.02, dialogues, exam))
        for exam, dialogues in order.exams()
    ]
    asked = [(exam, order.out / stage.name, order.out) for exam, stage in held]
    spoken_ones += [stage for _, stage in held]
    if order.recipe.rehearsal:
        again, known = rehearsed(order), asked_again(order)
        spoken_ones += [again, known]
        tokens.append(tokenized(order, again, f"{REHEARSAL}-{TOKENS}", 0.03))
        corpus = order.out / known.name
        asked += [(KNOWN, corpus, order.out), (BEFORE, corpus, find_bundle(order.base))]
    reading = [read(order)] if order.recipe.training.unspoken else []
    training = learnt(order, tokens, reading, files_of(order) if reading else ())

    def work(folder: Path, advance: Advance) -> None:
        examine(asked, folder, advance)

    digest = digest_of(training.digest, *(stage.digest for stage in spoken_ones[1:]))
    return [*spoken_ones, *reading, *tokens, training, TeachStage(EXAM, "examining", 0.1, digest, work)]

"""Examining a taught agent: every question is said to it, and its answer must contain the key."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from rich.table import Table

from codec.device import pick_device
from corpus.durable import replace_text
from corpus.reader import Corpus
from corpus.strict import Strict, load_json

from ..files.bundle import load_bundle
from ..judging.answers import answered
from ..judging.evaluate import hold, write_talks
from ..judging.probes import question_probes
from ..judging.scoring import EARLY, Judged
from .order import BEFORE, EXAMS, KNOWN, Exam
from .stages import Advance

OUTCOME = "outcome.json"


class ExamAnswer(Strict):
    """What was asked and what the agent said."""

    exam: str
    asked: str
    voice: str
    key: str
    said: str  # the agent's words from shortly before the question's end on
    right: bool
    others: float  # share of the other questions' keys that the words contain: what talking much is worth
    sound: str  # path in the agent's folder: agent left, user right


class ExamReport(Strict):
    """All answers."""

    answers: tuple[ExamAnswer, ...] = ()

    def of(self, exam: Exam) -> list[ExamAnswer]:
        """Those of one examination."""
        return self.of_name(exam.name)

    def of_name(self, name: str) -> list[ExamAnswer]:
        """Those of the examination of this name."""
        return [each for each in self.answers if each.exam == name]

    def rows(self) -> list[tuple[str, int, int, float]]:
        """Title, right answers, answers in all, share that is right by chance; of each examination that was held."""
        held = [(exam.title, self.of(exam)) for exam in (*EXAMS, KNOWN, BEFORE) if self.of(exam)]
        return [
            (title, sum(each.right for each in answers), len(answers), sum(a.others for a in answers) / len(answers))
            for title, answers in held
        ]

    def table(self) -> Table:
        """Right answers, of how many, by examination."""
        table = Table("asked", "right", "by chance", title="Right answers")
        for title, right, count, chance in self.rows():
            table.add_row(title, f"{right} of {count}", f"{100 * chance:.0f} %")
        return table


def examine(held: Sequence[tuple[Exam, Path, Path]], folder: Path, advance: Advance) -> ExamReport:
    """Hold every talk of some examinations, write what came of it and the sound of every talk.

    Args:
        held: examinations, each with its corpus and the folder of the model that is asked.
        folder: for `outcome.json` and `EXAM/turn-ID.flac`.
        advance: told seconds of talk done, and in all.
    """
    probes = [question_probes(Corpus(corpus)) for _, corpus, _ in held]
    lasting = [sum(probe.turn[1] + probe.tail for probe in each) for each in probes]
    answers: list[ExamAnswer] = []
    for number, (exam, corpus, model) in enumerate(held):
        bundle = load_bundle(model, device=pick_device("auto"))
        judged = hold(bundle, probes[number], progress=partial(_onward, advance, sum(lasting[:number]), sum(lasting)))
        write_talks(folder / exam.name, judged)
        keys = {each.probe.question.answer for each in judged if each.probe.question is not None}
        voices = {dialogue.id: dialogue.speaker("user").voice for dialogue in Corpus(corpus)}
        for each in judged:
            voice = voices[each.probe.id.rsplit("-", 1)[0]]
            sound = Path(folder.name) / exam.name / f"{each.probe.kind}-{each.probe.id}.flac"
            answers.append(_answer(exam, each, keys, "" if voice is None else voice.id, sound))
    report = ExamReport(answers=tuple(answers))
    replace_text(folder / OUTCOME, report.model_dump_json(indent=1) + "\n")
    return report


def _onward(advance: Advance, before: float, total: float, done: float, _: float) -> None:
    """Progress of one examination as progress of all."""
    advance(before + done, total)


def _answer(exam: Exam, judged: Judged, keys: set[str], voice: str, sound: Path) -> ExamAnswer:
    probe = judged.probe
    assert probe.question is not None
    said, key = judged.said(probe.turn[1] - EARLY, judged.talk.seconds), probe.question.answer
    others = [answered(said, other) for other in sorted(keys - {key})]
    return ExamAnswer(
        exam=exam.name,
        asked=probe.text,
        voice=voice,
        key=key,
        said=said,
        right=answered(said, key),
        others=sum(others) / max(len(others), 1),
        sound=str(sound),
    )


def read_report(folder: Path) -> ExamReport:
    """What `examine` wrote. Raises ValueError where it cannot be read."""
    return load_json(folder / OUTCOME, ExamReport, "examination's outcome")

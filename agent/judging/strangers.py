"""Strangers: does a model answer what it knows and decline what it does not, whoever asks and from wherever?

Asked are a corpus' checkable questions and its requests of the family `beyond`, whose right answer is that the agent
does not know. The corpus decides who asks: recorded people, or an engine that nobody trained on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from rich.table import Table

from corpus.audio import to_samples
from corpus.reader import Corpus

from ..files.talking_model import TalkingModel
from ..listener.collection import Collection
from ..tokens.stretch import stretched
from .answers import answered
from .assistant_report import change
from .evaluate import hold
from .probes import Probe, beyond_probes, question_probes
from .scoring import EARLY, Judged

DECLINES = ("not know", "not catch", "not hear you", "say that again", "simple things")
FASTER = 1.1  # tempo of the condition `faster`
INTO = 0.2  # s of a turn at either end in which a word of the agent is not yet, or no longer, said into it


@dataclass(frozen=True)
class StrangersFigures:
    """What came of the talks under one condition."""

    known: int  # questions asked
    right: int  # of them, answered rightly
    beyond: int  # requests made
    declined: int  # of them, declined
    spoken_into: int  # of all turns, those with words of the agent inside

    @classmethod
    def of(cls, judged: Sequence[Judged]) -> StrangersFigures:
        """Count."""
        known = [each for each in judged if each.probe.question is not None]
        beyond = [each for each in judged if each.probe.question is None]
        return cls(
            len(known),
            sum(_right(each) for each in known),
            len(beyond),
            sum(any(answered(_said(each), words) for words in DECLINES) for each in beyond),
            sum(_spoken_into(each) for each in judged),
        )


@dataclass(frozen=True)
class StrangersReport:
    """Figures by condition, and who asked."""

    voices: tuple[str, ...]
    figures: dict[str, StrangersFigures]

    def as_json(self) -> dict[str, Any]:
        """Plain numbers."""
        return {"voices": list(self.voices), "conditions": {name: asdict(each) for name, each in self.figures.items()}}

    def table(self) -> Table:
        """A row for each condition."""
        title = f"Strangers: {', '.join(self.voices)}"
        table = Table("", "known, right", "unknown, declined", "turns spoken into", title=title)
        for name, each in self.figures.items():
            into = f"{each.spoken_into} of {each.known + each.beyond}"
            table.add_row(name, f"{each.right} of {each.known}", f"{each.declined} of {each.beyond}", into)
        return table


def judge_strangers(
    bundle: TalkingModel,
    corpus: Corpus,
    conditions: Sequence[str] = ("clean",),
    collection: Collection | None = None,
    count: int = 24,
    seed: int = 0,
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> tuple[StrangersReport, dict[str, list[Judged]]]:
    """Ask under each condition.

    Args:
        bundle: the model.
        corpus: who asks what; see `datasets/strangers.toml`.
        conditions: of clean, quiet, faster, 20dB, 10dB, telephone, room.
        collection: of recordings, for the room and the noise of the last four.
        count: questions, and requests, at most; the first of the corpus.
        seed: of the sampling.
        progress: told seconds of talk done, and in all.

    Raises:
        ValueError: the corpus asks nothing, a condition is unknown or lacks its recordings.
    """
    asked = [*question_probes(corpus)[:count], *beyond_probes(corpus)[:count]]
    if not asked:
        raise ValueError(f"{corpus.directory} asks nothing: make it with the topics questions and beyond")
    talks: dict[str, list[Judged]] = {}
    lasting = sum(probe.turn[1] + probe.tail for probe in asked)
    for number, name in enumerate(conditions):
        under = [_under(name, probe, collection) for probe in asked]

        def onward(done: float, _: float, before: float = number * lasting) -> None:
            progress(before + done, lasting * len(conditions))

        talks[name] = hold(bundle, under, seed, progress=onward)
    voices = {voice.id for dialogue in corpus if (voice := dialogue.speaker("user").voice) is not None}
    figures = {name: StrangersFigures.of(judged) for name, judged in talks.items()}
    return StrangersReport(tuple(sorted(voices)), figures), talks


def _under(name: str, probe: Probe, collection: Collection | None) -> Probe:
    return _faster(probe) if name == "faster" else replace(probe, user=change(name, collection)(probe.user))


def _faster(probe: Probe) -> Probe:
    """The turn alone at another tempo: what was said before stays in step with the agent's words."""
    begin, end = probe.turn
    before, turn = probe.user[: to_samples(begin)], probe.user[to_samples(begin) :]
    user = stretched(turn, 1 / FASTER)
    return replace(
        probe,
        user=np.concatenate([before, user]),
        turn=(begin, begin + (end - begin) / FASTER),
        pauses=tuple((begin + (a - begin) / FASTER, begin + (b - begin) / FASTER) for a, b in probe.pauses),
    )


def _said(judged: Judged) -> str:
    return judged.said(judged.probe.turn[1] - EARLY, judged.talk.seconds)


def _right(judged: Judged) -> bool:
    question = judged.probe.question
    return question is not None and answered(_said(judged), question.answer)


def _spoken_into(judged: Judged) -> bool:
    begin, end = judged.probe.turn
    return bool(judged.said(begin + INTO, end - INTO))

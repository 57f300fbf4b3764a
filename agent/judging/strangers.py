"""Strangers: does a model answer what it knows and decline what it does not, whoever asks and from wherever?

Asked are a corpus' checkable questions and its requests of the family `beyond`, whose right answer is that the agent
does not know. The corpus decides who asks: recorded people, or an engine that nobody trained on.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np
from rich.table import Table

from corpus.audio import Samples, to_samples, to_seconds
from corpus.reader import Corpus

from ..files.talking_model import TalkingModel
from ..listener.collection import Collection
from ..listener.report import empty_sounds
from ..tokens.stretch import stretched
from .answers import answered
from .assistant_report import change
from .evaluate import hold
from .probes import Probe, beyond_probes, question_probes
from .scoring import EARLY, Judged

DECLINES = ("not know", "not catch", "not hear you", "say that again", "simple things")
QUIET = 0.06  # s within which a moment is judged
FASTER = 1.1  # tempo of the condition `faster`
PAUSE = 1.2  # s of silence in the middle of the turn, condition `pause`
LONG, LATE, TALKS = 600.0, 480.0, 3  # s of the talks of the condition `long`, and from when on they count; how many
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
    emptiness: dict[str, float] = field(default_factory=dict)  # sentences a minute where nobody talks to it

    def as_json(self) -> dict[str, Any]:
        """Plain numbers."""
        conditions = {name: asdict(each) for name, each in self.figures.items()}
        return {"voices": list(self.voices), "conditions": conditions, "sentences_a_minute": self.emptiness}

    def table(self) -> Table:
        """A row for each condition."""
        title = f"Strangers: {', '.join(self.voices)}"
        spoken = ", ".join(f"{name} {rate:.1f}" for name, rate in self.emptiness.items())
        caption = f"Sentences a minute when nobody talks to it: {spoken}" if spoken else None
        table = Table("", "known, right", "unknown, declined", "turns spoken into", title=title, caption=caption)
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
    minutes: float = 0.0,
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> tuple[StrangersReport, dict[str, list[Judged]]]:
    """Ask under each condition.

    Args:
        bundle: the model.
        corpus: who asks what; see `datasets/strangers.toml`.
        conditions: of clean, quiet, faster, pause, long, 20dB, 10dB, telephone, room; `long` is what is asked in the
            last two of ten minutes' talk.
        collection: of recordings, for the room and the noise of the last four.
        count: questions, and requests, at most; the first of the corpus.
        seed: of the sampling.
        minutes: of silence, noise and others' talk to sit through; 0: none.
        progress: told conditions done, and how many there are.

    Raises:
        ValueError: the corpus asks nothing, a condition is unknown or lacks its recordings.
    """
    asked = [*question_probes(corpus)[:count], *beyond_probes(corpus)[:count]]
    if not asked:
        raise ValueError(f"{corpus.directory} asks nothing: make it with the topics questions and beyond")
    if minutes and collection is None:
        raise ValueError("--minutes of noise and others' talk need --speech")
    talks: dict[str, list[Judged]] = {}
    parts = len(conditions) + bool(minutes)
    for number, name in enumerate(conditions):

        def onward(done: float, total: float, before: int = number) -> None:
            progress(before + done / total, parts)

        if name == "long":
            talks[name] = _hold_long(bundle, asked, seed, onward)
        else:
            talks[name] = hold(bundle, [_under(name, probe, collection) for probe in asked], seed, progress=onward)
    voices = {voice.id for dialogue in corpus if (voice := dialogue.speaker("user").voice) is not None}
    figures = {name: StrangersFigures.of(judged) for name, judged in talks.items()}
    emptiness: dict[str, float] = {}
    if minutes and collection is not None:
        empty = empty_sounds(collection, minutes)
        held = hold(bundle, [_nobody(name, sound) for name, sound in empty.items()], seed)
        emptiness = {each.probe.id: sentences(each.said(0.0, np.inf)) / minutes for each in held}
    return StrangersReport(tuple(sorted(voices)), figures, emptiness), talks


def sentences(text: str) -> int:
    """Of words in a line, an unfinished one at the end counted."""
    return len([part for part in re.split(r"[.?!]+", text) if part.strip()])


def _nobody(name: str, sound: Samples) -> Probe:
    nothing = np.zeros(0, np.float32)
    return Probe(name, "turn", sound, nothing, (), (0.0, to_seconds(len(sound))), tail=0.0)


def _under(name: str, probe: Probe, collection: Collection | None) -> Probe:
    if name == "faster":
        return _faster(probe)
    if name == "pause":
        return _pausing(probe)
    return replace(probe, user=change(name, collection)(probe.user))


def _pausing(probe: Probe) -> Probe:
    """The turn with a silence where it is quietest in its middle half."""
    begin, end = probe.turn
    first, last = (to_samples(begin + share * (end - begin)) for share in (0.25, 0.75))
    loud = np.convolve(probe.user[first:last] ** 2, np.ones(to_samples(QUIET)), "valid")
    at = first + int(loud.argmin()) + to_samples(QUIET) // 2
    silence = np.zeros(to_samples(PAUSE), np.float32)
    user = np.concatenate([probe.user[:at], silence, probe.user[at:]])
    return replace(probe, user=user, turn=(begin, end + PAUSE), pauses=())


def _hold_long(
    bundle: TalkingModel, asked: Sequence[Probe], seed: int, progress: Callable[[float, float], None]
) -> list[Judged]:
    """Talks in which one turn follows the other for ten minutes; what came of the late ones."""
    laid = [_laid([*asked, *asked][number * len(asked) // TALKS :] * TALKS) for number in range(TALKS)]
    held = hold(bundle, [whole for whole, _ in laid], seed, progress=progress)
    late: list[Judged] = []
    for judged, (_, parts) in zip(held, laid, strict=True):
        late += [replace(judged, probe=part) for part in parts if part.turn[0] > LATE]
    return late


def _laid(probes: Sequence[Probe]) -> tuple[Probe, list[Probe]]:
    """One probe of many turns, each followed by a silence to answer in, and those turns where they are in it."""
    sounds: list[Samples] = []
    parts: list[Probe] = []
    now = 0.0
    for probe in probes:
        said = probe.user[to_samples(probe.turn[0]) : to_samples(probe.turn[1])]
        begin, end = now + 0.5, now + 0.5 + to_seconds(len(said))
        if end + probe.tail > LONG:
            break
        parts.append(replace(probe, turn=(begin, end), pauses=()))
        tail = np.zeros(to_samples(probe.tail), np.float32)
        sounds += [np.zeros(to_samples(0.5), np.float32), said, tail]
        now = to_seconds(sum(map(len, sounds)))
    nothing = np.zeros(0, np.float32)
    last = parts[-1]
    user = np.concatenate(sounds[:-1])
    return replace(last, user=user, agent=nothing, words=(), turn=(0.0, last.turn[1])), parts


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
    end = judged.probe.turn[1]
    return judged.said(end - EARLY, end + judged.probe.tail)


def _right(judged: Judged) -> bool:
    question = judged.probe.question
    return question is not None and answered(_said(judged), question.answer)


def _spoken_into(judged: Judged) -> bool:
    begin, end = judged.probe.turn
    return bool(judged.said(begin + INTO, end - INTO))

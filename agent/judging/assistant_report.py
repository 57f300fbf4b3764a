"""What judging an assistant gives: a column for each source of turn ends, as JSON and as a table."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from rich.table import Table

from corpus.audio import Samples

from ..assistant.manners import Manners
from ..assistant.partner import Assistant
from ..assistant.turns import TurnSource
from ..listener.collection import Collection
from ..listener.report import condition, empty_sounds
from .assistant import Figures, figures, hold_all, self_answers, sentences_a_minute
from .assistant_probes import VoiceProbe, changed, voice_probes

ROWS = {
    "first_sound_p50": "first sound after the turn's end, s, p50 (aim 0.8)",
    "first_sound_p90": "the same, p90 (aim 1.2)",
    "words_p50": "  of it: the ear has the words",
    "thought_p50": "  of it: the mind has begun",
    "begun_p50": "  of it: the floor was taken",
    "never_answered": "never answered",
    "pause_takeovers": "takes over in a pause of 0.7 to 2 s (aim 0.10)",
    "spoken_into": "turns spoken into (aim 0.05)",
    "wer": "word errors of what was understood, against the whole clip",
    "stop_p50": "stops after a barge-in, s, p50 (aim 0.4)",
    "stops": "stops at all",
    "goes_on": "goes on after mhm (aim 0.9)",
    "self_answers": "answers to its own echo at -20 dB, a talk (aim 0)",
}
PUBLISHED: Mapping[str, Figures] = {  # stop_p50 and the like as their makers or others report them
    "Gemini Live": {"stop_p50": 0.46},
    "Moshi": {"stop_p50": 1.38},
}
NOTE = (
    "Seconds of the parts' own CPU, a core for each part, after the end of a recorded voice; people held out. "
    "Published: other users, other machines."
)
SOFTER = np.float32(0.1)  # a quiet speaker: -20 dB


@dataclass
class AssistantReport:
    """What was measured: by condition and by source of turn ends."""

    parts: Mapping[str, str]
    talks: int
    figures: dict[str, dict[str, Figures]] = field(default_factory=dict)  # condition, source, quantity
    emptiness: dict[str, dict[str, float]] = field(default_factory=dict)  # source, sound: sentences a minute

    def as_json(self) -> dict[str, Any]:
        """Plain values; null: not measured."""
        return {
            "parts": dict(self.parts),
            "talks": self.talks,
            "figures": self.figures,
            "sentences_a_minute": self.emptiness,
            "published": {name: dict(row) for name, row in PUBLISHED.items()},
            "note": NOTE,
        }

    def tables(self) -> list[Table]:
        """One table a condition, and one of what was said into emptiness."""
        tables = [self._table(name, sources) for name, sources in self.figures.items()]
        if self.emptiness:
            sounds = list(next(iter(self.emptiness.values())))
            table = Table("sentences a minute (aim 0)", *sounds)
            for source, counted in self.emptiness.items():
                table.add_row(source, *(f"{counted[sound]:.2f}" for sound in sounds))
            tables.append(table)
        return tables

    def _table(self, condition: str, sources: Mapping[str, Figures]) -> Table:
        columns = {**sources, **PUBLISHED} if condition == "clean" else dict(sources)
        table = Table("", *columns, title=f"{condition}, {self.talks} talks", caption=NOTE)
        for name, title in ROWS.items():
            table.add_row(title, *(_shown(values.get(name)) for values in columns.values()))
        return table


def judge(
    assistant: Assistant,
    sources: Mapping[str, tuple[TurnSource, Manners]],
    collection: Collection,
    *,
    part: str = "judge",
    count: int = 24,
    conditions: Sequence[str] = ("clean",),
    minutes: float = 0.0,
    nods: Sequence[Samples] = (),
    seed: int = 0,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> AssistantReport:
    """Judge an assistant with each source of turn ends.

    Args:
        assistant: on the clock of its parts' own work.
        sources: by name, each with its manners.
        collection: recordings of people.
        part: of those held out, "judge" or "develop".
        count: probes of each kind.
        conditions: of clean, 20dB, 10dB, telephone, room, quiet; those that disturb are clean only.
        minutes: of each empty sound; 0: none.
        nods: signs of listening.
        seed: draws the probes.
        progress: called with talks held and all there are.
    """
    probes = voice_probes(collection, part, count, nods, seed)
    plain = [probe for probe in probes if probe.disturbance is None]
    total = len(sources) * (len(probes) + len(plain) * (len(conditions) - 1))
    about, done = assistant.about, 0
    report = AssistantReport({"ear": about.ear, "mind": about.mind, "mouth": about.mouth}, len(probes))
    for name, (turns, manners) in sources.items():
        assistant.parts = replace(assistant.parts, turns=turns)
        assistant.options = replace(assistant.options, manners=manners)
        for each in conditions:
            chosen = probes if each == "clean" else [changed(probe, change(each, collection)) for probe in plain]
            talks = hold_all(assistant, chosen, lambda held, base=done: progress(base + held, total))  # type: ignore[misc]
            done += len(chosen)
            report.figures.setdefault(each, {})[name] = figures(talks)
        if "clean" in conditions:
            report.figures["clean"][name]["self_answers"] = _echoes(assistant, plain)
        if minutes:
            empty = empty_sounds(collection, minutes)
            report.emptiness[name] = {sound: sentences_a_minute(assistant, heard) for sound, heard in empty.items()}
    return report


def change(name: str, collection: Collection | None) -> Callable[[Samples], Samples]:
    """What a condition does to a sound, `quiet` among them. Unknown, or lacking its recordings: ValueError."""
    if name == "quiet":
        return lambda sound: sound * SOFTER
    if collection is None:
        if name == "clean":
            return lambda sound: sound
        raise ValueError(f"the condition {name} needs --speech, the folder of rooms and noises")
    return condition(name, collection)


def _echoes(assistant: Assistant, probes: Sequence[VoiceProbe]) -> float | None:
    """Of a few requests, answered over a loudspeaker."""
    few = [probe for probe in probes if probe.kind == "request"][:4]
    return sum(self_answers(assistant, probe) for probe in few) / len(few) if few else None


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"

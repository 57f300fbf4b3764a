"""The figures of a corpus, counted dialogue by dialogue: hours, words, events, questions, voices, timing, acoustics."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from corpus.record import Dialogue, TimingStats, Turn, Voice
from corpus.store import Corpus, CorpusInfo
from corpus.timing import Offsets, TimingSummary, offset_distance, summarise

from ..presets import PRESETS, TimingPreset

REFERENCE_OFFSETS = 20_000  # drawn from the preset to compare with: its median is then known to a few milliseconds
UNITS = {
    "ipu": "s/min",
    "pause": "s/min",
    "gap": "s/min",
    "overlap": "s/min",
    "median_offset": "s",
    "overlapped_share": "",
    "offset_distance": "s",
}


@dataclass(frozen=True)
class Measure:
    """One measured quantity beside the preset's band; `value` is None when nothing could be measured."""

    name: str
    value: float | None
    unit: str
    band: tuple[float, float] | None = None

    @property
    def inside(self) -> bool | None:
        """Whether the value lies in the band; None when either is missing."""
        if self.value is None or self.band is None:
            return None
        return self.band[0] <= self.value <= self.band[1]


@dataclass(frozen=True)
class VoiceUse:
    """One voice and how much of the corpus it speaks, `seconds` from the onset to the end of each turn."""

    voice: Voice
    roles: tuple[str, ...]
    dialogues: int
    turns: int
    seconds: float


@dataclass(frozen=True)
class CorpusStats:
    """Everything a corpus can be summed up by in numbers. Counters are ordered, the most frequent first."""

    recipe: str
    engine: str
    preset: str
    seed: int
    seconds: float
    dialogues: int
    turns: int
    words: int
    word_sources: dict[str, int]
    events: dict[str, int]
    questions: dict[str, int]
    answered: dict[str, int]  # questions that have an answering turn, by kind
    voices: tuple[VoiceUse, ...]
    noises: dict[str, int]  # dialogues by "id (licence)" of the noise laid under them
    acoustics: dict[str, int]  # dialogues by what was done to the user's channel
    measures: tuple[Measure, ...]

    @property
    def hours(self) -> float:
        """Hours of recording."""
        return self.seconds / 3600

    @property
    def timing(self) -> dict[str, float]:
        """Measured values by name, in the units of `UNITS`; NaN where nothing could be measured."""
        return {measure.name: math.nan if measure.value is None else measure.value for measure in self.measures}

    def to_dict(self) -> dict[str, Any]:
        """The same as plain values for `json.dumps`: times in seconds, unmeasured quantities None."""
        record = {**asdict(self), "hours": self.hours}
        record["voices"] = [{**asdict(use), "voice": use.voice.model_dump()} for use in self.voices]
        record["measures"] = {
            measure.name: {"value": measure.value, "unit": measure.unit, "band": measure.band, "inside": measure.inside}
            for measure in self.measures
        }
        return record


@dataclass
class _Usage:
    """A voice's counts while they grow."""

    voice: Voice
    roles: set[str] = field(default_factory=set)
    dialogues: int = 0
    turns: int = 0
    seconds: float = 0.0


class Tally:
    """Counts dialogues one at a time, so that a corpus of any size is read once."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.dialogues = 0
        self.turns = 0
        self.words: Counter[str] = Counter()
        self.events: Counter[str] = Counter()
        self.questions: Counter[str] = Counter()
        self.answered: Counter[str] = Counter()
        self.noises: Counter[str] = Counter()
        self.acoustics: Counter[str] = Counter()
        self.timings: list[TimingStats] = []
        self._voices: dict[str, _Usage] = {}

    def add(self, dialogue: Dialogue) -> None:
        """Count one dialogue."""
        self.dialogues += 1
        self.turns += len(dialogue.turns)
        self.seconds += dialogue.audio.duration if dialogue.audio else 0.0
        for turn in dialogue.turns:
            self.events[turn.event] += 1
            self.words.update(word.source for word in turn.words)
        if dialogue.stats is not None:
            self.timings.append(dialogue.stats)
        self._add_questions(dialogue.turns)
        self._add_voices(dialogue)
        self._add_acoustics(dialogue)

    def _add_questions(self, turns: Iterable[Turn]) -> None:
        asked = {turn.index: turn.question.kind for turn in turns if turn.question}
        self.questions.update(asked.values())
        answered = {turn.answers for turn in turns if turn.answers is not None}
        self.answered.update(kind for index, kind in asked.items() if index in answered)

    def _add_voices(self, dialogue: Dialogue) -> None:
        for speaker in dialogue.speakers:
            if speaker.voice is None:
                continue
            use = self._voices.setdefault(speaker.voice.id, _Usage(speaker.voice))
            turns = [turn for turn in dialogue.turns if turn.speaker == speaker.id]
            use.roles.add(speaker.role)
            use.dialogues += 1
            use.turns += len(turns)
            use.seconds += sum((turn.end or 0.0) - (turn.start or 0.0) for turn in turns)

    def _add_acoustics(self, dialogue: Dialogue) -> None:
        used = dialogue.acoustics
        if used is None:
            return
        parts = {"gain": used.user_gain_db != 0, "noise": used.noise, "echo": used.echo, "room": used.room}
        self.acoustics.update(name for name, value in parts.items() if value)
        if not any(parts.values()):
            self.acoustics["clean"] += 1
        if used.noise:
            self.noises[f"{used.noise.id} ({used.noise.licence})"] += 1

    def timing(self) -> TimingSummary | None:
        """Turn-taking pooled over the dialogues counted; None when none of them was measured."""
        return summarise(self.timings) if self.timings else None

    def result(self, info: CorpusInfo, preset: TimingPreset | None) -> CorpusStats:
        """The figures so far, the timing beside the bands of `preset`."""
        voices = sorted(self._voices.values(), key=lambda use: (-use.seconds, use.voice.id))
        return CorpusStats(
            recipe=str(info.recipe.get("name", "")),
            engine=info.engine,
            preset=preset.name if preset else info.timing,
            seed=info.seed,
            seconds=self.seconds,
            dialogues=self.dialogues,
            turns=self.turns,
            words=self.words.total(),
            word_sources=dict(self.words.most_common()),
            events=dict(self.events.most_common()),
            questions=dict(self.questions.most_common()),
            answered=dict(self.answered.most_common()),
            voices=tuple(
                VoiceUse(use.voice, tuple(sorted(use.roles)), use.dialogues, use.turns, use.seconds) for use in voices
            ),
            noises=dict(self.noises.most_common()),
            acoustics=dict(self.acoustics.most_common()),
            measures=measures(self.timing(), preset),
        )


def measures(summary: TimingSummary | None, preset: TimingPreset | None) -> tuple[Measure, ...]:
    """Turn-taking beside the preset's bands, and the Wasserstein-1 distance of the offsets to the preset's own."""
    values: dict[str, float] = dict.fromkeys(UNITS, math.nan)
    if summary is not None:
        distance = offset_distance(summary.offsets, reference_offsets(preset))
        values |= {**summary.quantities(), "offset_distance": distance}
    bands = preset.bands if preset else {}
    return tuple(
        Measure(name, values[name] if math.isfinite(values[name]) else None, unit, bands.get(name))
        for name, unit in UNITS.items()
    )


def reference_offsets(preset: TimingPreset | None) -> Offsets:
    """The sample of the preset's offsets (s) that a corpus is compared with; empty without a preset."""
    return preset.offsets(REFERENCE_OFFSETS) if preset else np.zeros(0)


def preset_of(info: CorpusInfo) -> TimingPreset | None:
    """The preset a corpus names; None for one merged from several presets."""
    make = PRESETS.get(info.timing)
    return make() if make else None


def stats_of(corpus: Corpus) -> CorpusStats:
    """The figures of a whole corpus, in one pass over its records; no audio is read."""
    tally = Tally()
    for dialogue in corpus:
        tally.add(dialogue)
    return tally.result(corpus.info, preset_of(corpus.info))

"""The figures of a corpus, counted dialogue by dialogue: hours, words, events, questions, voices, timing, acoustics."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from corpus.formats.importing import RECORDED
from corpus.record import Voice
from corpus.store import Corpus, CorpusInfo
from corpus.summary import CorpusSummary
from corpus.timing import Offsets, offset_distance, offset_test, summarise

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
    "offset_ks": "",
    "offset_p": "",
    "backchannels": "/h",
    "backchannels_enclosed": "/min",
    "backchannels_overlapped": "",
    "backchannel_length": "s",
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


def stats_from(summary: CorpusSummary, info: CorpusInfo, preset: TimingPreset | None) -> CorpusStats:
    """The figures of what was counted, the timing beside the bands of `preset`."""
    voices = sorted(summary.voices.values(), key=lambda use: (-use.seconds, use.voice.id))
    return CorpusStats(
        recipe=str(info.recipe.get("name", "")),
        engine=info.engine,
        preset=preset.name if preset else info.timing,
        seed=info.seed,
        seconds=summary.seconds,
        dialogues=summary.dialogues,
        turns=summary.turns,
        words=summary.words.total(),
        word_sources=dict(summary.words.most_common()),
        events=dict(summary.events.most_common()),
        questions=dict(summary.questions.most_common()),
        answered=dict(summary.answered.most_common()),
        voices=tuple(
            VoiceUse(use.voice, tuple(sorted(use.roles)), use.dialogues, use.turns, use.seconds) for use in voices
        ),
        noises=dict(summary.noises.most_common()),
        acoustics=dict(summary.acoustics.most_common()),
        measures=measures(summary, preset),
    )


def measures(summary: CorpusSummary, preset: TimingPreset | None) -> tuple[Measure, ...]:
    """Turn-taking beside the preset's bands: seconds per minute, offsets against what people do, backchannels."""
    values: dict[str, float] = dict.fromkeys(UNITS, math.nan)
    if summary.timings:
        pooled = summarise(summary.timings)
        values |= {name: getattr(pooled, name) for name in ("ipu", "pause", "gap", "overlap")}
    if summary.offsets:
        offsets, reference = np.array(summary.offsets), reference_offsets(preset)
        distance, p_value = offset_test(offsets, reference)
        values |= {
            "median_offset": float(np.median(offsets)),
            "overlapped_share": float((offsets < 0).mean()),
            "offset_distance": offset_distance(offsets, reference),
            "offset_ks": distance,
            "offset_p": p_value,
        }
    if summary.speech:
        nods = summary.backchannels
        values["backchannels"] = nods.number / summary.speech * 3600
        values["backchannels_enclosed"] = nods.enclosed / summary.seconds * 60 if summary.seconds else math.nan
        if nods.number:
            values["backchannels_overlapped"] = nods.overlapped / nods.number
            values["backchannel_length"] = nods.seconds / nods.number
    bands = preset.bands if preset else {}
    return tuple(
        Measure(name, values[name] if math.isfinite(values[name]) else None, unit, bands.get(name))
        for name, unit in UNITS.items()
    )


def reference_offsets(preset: TimingPreset | None) -> Offsets:
    """The sample of the preset's offsets (s) that a corpus is compared with; empty without a preset."""
    return preset.offsets(REFERENCE_OFFSETS) if preset else np.zeros(0)


def preset_of(info: CorpusInfo) -> TimingPreset | None:
    """The preset a corpus names, for recordings of people that of telephone calls; None for one merged from several."""
    make = PRESETS.get("fisher" if info.timing == RECORDED else info.timing)
    return make() if make else None


def stats_of(corpus: Corpus) -> CorpusStats:
    """The figures of a whole corpus, in one pass over its records; no audio is read."""
    return stats_from(CorpusSummary.of(corpus), corpus.info, preset_of(corpus.info))

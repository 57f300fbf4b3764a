"""The listener's figures as a report: who was judged on what, in which condition."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import soxr  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples, read_mono

from . import sounds
from .collection import Collection
from .ear import EarTurnHead
from .files import write_thresholds
from .judging import (
    DecisionScore,
    Separation,
    asked,
    figures,
    fitted_thresholds,
    milliseconds_per_frame,
    scores,
    triggers,
)
from .listener import Listener, find_weights
from .recipe import ListenerRecipe
from .recordings import read_recordings
from .smart_turn import SmartTurn
from .sounds import JudgedSound
from .whisper_frames import RATE, WhisperFrames

HEARD = 6.0  # seconds of sound that the ear's encoder is given
SILENCES = (0.2, 0.5, 1.2)  # seconds at which there are thresholds
CAFE_LEVEL, TALK_LEVEL, PINK_LEVEL = -40.0, -45.0, -40.0  # dB of full scale


@dataclass(frozen=True)
class Judges:
    """Who is asked: the listener, and what else is at hand."""

    folder: Path
    listener: Listener
    ear: Callable[[Samples, float], float] | None = None
    smart_turn: Callable[[Samples, float], float] | None = None

    @classmethod
    def open(
        cls, model: str, ear: str = "ear-turn", whisper: Path | None = None, smart_turn: Path | None = None
    ) -> Judges:
        """Load them. What is not there: ValueError."""
        return cls(
            find_weights(model, "listener"),
            Listener.load(model),
            None if whisper is None else ear_opinion(EarTurnHead.load(ear), WhisperFrames(whisper)),
            None if smart_turn is None else SmartTurn(smart_turn),
        )

    def fit(self, collection: Collection, budget: float) -> None:
        """Fit the listener's thresholds on the people of "develop" and write them beside its weights."""
        write_thresholds(self.folder, fitted_thresholds(self.listener, collection.judged("develop"), SILENCES, budget))

    def scores(self, judged: Sequence[JudgedSound], silence: float) -> dict[str, list[DecisionScore]]:
        """Everybody's, and the sum of listener's and ear's log odds."""
        by_judge = {"listener": scores(self.listener, judged, silence)}
        if self.ear is not None:
            by_judge["ear"] = asked(self.ear, judged, silence)
            both = zip(by_judge["listener"], by_judge["ear"], strict=True)
            by_judge["both"] = [replace(mine, value=mine.value + other.value) for mine, other in both]
        if self.smart_turn is not None:
            by_judge["smart turn"] = asked(self.smart_turn, judged, silence)
        return by_judge


def ear_opinion(head: EarTurnHead, whisper: WhisperFrames) -> Callable[[Samples, float], float]:
    """The head on the ear as an opinion on sound at 24 kHz."""

    def opinion(sound: Samples, silence: float) -> float:
        heard = soxr.resample(sound[-int(HEARD * SAMPLE_RATE) :], SAMPLE_RATE, RATE)
        return head.probability(whisper.encode(heard), silence)

    return opinion


@dataclass(frozen=True)
class ListenerReport:
    """The figures, and on whom."""

    part: str
    speakers: int
    silence: float
    milliseconds: float  # a frame
    rows: Mapping[str, Mapping[str, Mapping[str, Separation]]]  # condition -> who -> row
    per_minute: Mapping[str, float] = field(default_factory=dict)  # false triggers

    def as_json(self) -> dict[str, object]:
        """All of it."""
        rows = {c: {w: {n: vars(s) for n, s in r.items()} for w, r in who.items()} for c, who in self.rows.items()}
        return {**vars(self), "rows": rows, "per_minute": dict(self.per_minute)}

    def text(self) -> str:
        """All of it, to read."""
        lines = [
            f"{self.part}: {self.speakers} people, {self.silence} s after the voice stops, "
            f"{self.milliseconds:.2f} ms a frame; pauses taken for ends where 5 / 13 % of the ends are missed"
        ]
        for condition, who in self.rows.items():
            for name, rows in who.items():
                for row, s in rows.items():
                    taken = " / ".join(f"{100 * share:.0f}" for share in s.taken)
                    counts = f"{s.pauses} pauses, {s.ends} ends"
                    lines.append(f"{condition:10} {name:10} {row:22} AUC {s.auc:.3f}  {taken} %  ({counts})")
        lines += [f"triggers a minute in {name}: {rate:.1f}" for name, rate in self.per_minute.items()]
        return "\n".join(lines)


def report(
    judges: Judges, collection: Collection, part: str, silence: float, conditions: Sequence[str], minutes: float = 0.0
) -> ListenerReport:
    """Judge everybody.

    Args:
        judges: who.
        collection: of recorded people.
        part: "judge" or "develop".
        silence: seconds after the voice stops at which everybody is asked.
        conditions: of clean, 20dB, 10dB (cafe noise), telephone, room.
        minutes: of each empty sound in which the listener should not trigger; 0: none.
    """
    people = collection.judged(part)
    changes = {name: condition(name, collection) for name in conditions}
    rows = {}
    for name, change in changes.items():
        changed = [replace(judged, sound=change(judged.sound)) for judged in people]
        rows[name] = {who: figures(scores) for who, scores in judges.scores(changed, silence).items()}
    speakers = len({judged.speaker for judged in people})
    threshold = max(judges.listener.thresholds.values())
    rates = {
        name: triggers(judges.listener, sound, threshold) / minutes
        for name, sound in (empty_sounds(collection, minutes) if minutes else {}).items()
    }
    return ListenerReport(part, speakers, silence, milliseconds_per_frame(judges.listener), rows, rates)


def condition(name: str, collection: Collection) -> Callable[[Samples], Samples]:
    """What a condition does to a sound. Unknown: ValueError."""
    if name == "clean":
        return lambda sound: sound
    if name == "telephone":
        return sounds.on_telephone
    if name == "room":
        room = ListenerRecipe().judged_room
        response = read_mono(collection.folder / "rir" / f"{room}.flac")
        return lambda sound: sounds.in_living_room(sound, response)
    if name in ("20dB", "10dB"):
        cafe, generator = _cafe(collection), np.random.default_rng(3)
        return lambda sound: sounds.in_noise(sound, cafe, float(name[:-2]), generator)
    raise ValueError(f"{name} is no condition: clean, 20dB, 10dB, telephone, room")


def empty_sounds(collection: Collection, minutes: float) -> dict[str, Samples]:
    """Minutes in which nobody talks to the listener: silence, pink noise, a cafe, other people far off."""
    length, generator = int(60 * minutes * SAMPLE_RATE), np.random.default_rng(9)
    hertz = np.maximum(np.fft.rfftfreq(length, 1 / SAMPLE_RATE), 20)
    pink = np.fft.irfft(np.fft.rfft(generator.standard_normal(length)) / np.sqrt(hertz), length)
    talk = np.concatenate([j.sound for j in collection.judged("develop") if j.group == "requests"])
    response = read_mono(collection.folder / "rir" / f"{ListenerRecipe().judged_room}.flac")
    return {
        "silence": np.zeros(length, np.float32),
        "pink noise": _at(pink, PINK_LEVEL),
        "cafe": _at(np.resize(_cafe(collection), length), CAFE_LEVEL),
        "others' talk": _at(sounds.in_living_room(np.resize(talk, length), response), TALK_LEVEL),
    }


def _at(sound: np.ndarray[tuple[int], np.dtype[np.floating]], level: float) -> Samples:
    return np.asarray(sound / np.sqrt((sound**2).mean()) * 10 ** (level / 20), np.float32)


def _cafe(collection: Collection) -> Samples:
    word = ListenerRecipe().judged_noise
    return next(read_mono(n.path) for n in read_recordings(collection.folder, ["noise"]) if word in n.name)

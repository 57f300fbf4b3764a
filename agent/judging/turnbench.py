"""TurnBench (Sesame, arXiv 2608.25218): turn ends and interruptions of two-channel talk, found causally and scored.

    speaker 1  ###  ##|eot            .interruption            a found event: from 0.25 s before to 3 s after the true
    speaker 2            ########  ###########|eot             one, or to the next of its kind; each counts once

A submission is `predictions.json`; beside it go the probabilities it was cut from, one a frame. Firing in a pause
inside a turn, or at a backchannel, is a false positive, at most one at each. Every time is the moment by which all
audio that decided it had been heard, so what a model looks ahead is part of its latency. Times are seconds.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from corpus.durable import replace_synced
from corpus.record import Dialogue
from corpus.timing import Segment

EARLY, LATE = 0.25, 3.0  # s around a true event in which an event finds it
FALSE_POSITIVES = 0.1  # share of places to wait that thresholds are chosen for
FEWEST_POINTS = 200  # thresholds tried, at most
SPEAKERS = ("speaker_1", "speaker_2")
TASKS = ("eot", "interruption")

Probabilities = npt.NDArray[np.float32]


class SpeakerEvents(BaseModel):
    """Events of one speaker, each list strictly increasing."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    eot: tuple[float, ...] = ()
    interruption: tuple[float, ...] = ()

    @model_validator(mode="after")
    def _increasing(self) -> SpeakerEvents:
        for name in TASKS:
            times = getattr(self, name)
            if any(b <= a for a, b in itertools.pairwise(times)) or any(time < 0 for time in times):
                raise ValueError(f"the times of {name} must rise strictly from 0 on")
        return self


class Prediction(BaseModel):
    """What was found in one conversation."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    conversation_id: str
    speaker_1: SpeakerEvents = SpeakerEvents()
    speaker_2: SpeakerEvents = SpeakerEvents()

    def of(self, speaker: str, task: str) -> tuple[float, ...]:
        """The times of one speaker's events of a task."""
        return tuple(getattr(getattr(self, speaker), task))


class Submission(BaseModel):
    """The content of predictions.json."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    schema_version: int = Field(default=1, ge=1, le=1)
    predictions: tuple[Prediction, ...]


@dataclass(frozen=True)
class Truth:
    """What a task asks of one speaker: its events, and the places where there is nothing to be found."""

    events: tuple[float, ...]
    quiet: tuple[Segment, ...] = ()  # mid-turn pauses for eot, backchannels for interruption


@dataclass(frozen=True)
class Labels:
    """The truth about one conversation, by speaker and task."""

    conversation_id: str
    truths: Mapping[tuple[str, str], Truth]


@dataclass(frozen=True)
class TaskScore:
    """One task over all conversations: shares, seconds, and how many of each they are of."""

    recall: float
    false_positives: float
    latency: tuple[float, float, float]  # p10, p50, p90 of what was found; NaN where nothing was
    events: int
    places: int

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        p10, p50, p90 = (None if np.isnan(value) else round(value, 3) for value in self.latency)
        return {
            "recall": round(self.recall, 4),
            "false_positive_rate": round(self.false_positives, 4),
            "latency": {"p10": p10, "p50": p50, "p90": p90},
            "events": self.events,
            "places_to_wait": self.places,
        }


@dataclass
class _TaskCounts:
    found: int = 0
    events: int = 0
    fired: int = 0
    places: int = 0
    latencies: list[float] = field(default_factory=list)


def match(events: Sequence[float], truth: Truth) -> tuple[list[float], int]:
    """Latencies of the true events that are found, one to one in order, and at how many quiet places it fired."""
    latencies, free = [], list(events)
    for number, time in enumerate(truth.events):
        following = truth.events[number + 1] if number + 1 < len(truth.events) else float("inf")
        hit = next((each for each in free if time - EARLY <= each <= min(time + LATE, following)), None)
        if hit is not None:
            free.remove(hit)
            latencies.append(hit - time)
    fired = sum(any(start <= each <= end for each in free) for start, end in truth.quiet)
    return latencies, fired


def score(predictions: Iterable[Prediction], labels: Iterable[Labels], task: str) -> TaskScore:
    """Recall, false-positive rate and latency of a task; conversations without a prediction are missed whole."""
    by_id = {each.conversation_id: each for each in predictions}
    counts = _TaskCounts()
    for label in labels:
        prediction = by_id.get(label.conversation_id, Prediction(conversation_id=label.conversation_id))
        for speaker in SPEAKERS:
            truth = label.truths[speaker, task]
            latencies, fired = match(prediction.of(speaker, task), truth)
            counts.latencies += latencies
            counts.found += len(latencies)
            counts.events += len(truth.events)
            counts.fired += fired
            counts.places += len(truth.quiet)
    latency = np.percentile(counts.latencies, [10, 50, 90]) if counts.latencies else [np.nan] * 3
    return TaskScore(
        counts.found / counts.events if counts.events else float("nan"),
        counts.fired / counts.places if counts.places else float("nan"),
        (float(latency[0]), float(latency[1]), float(latency[2])),
        counts.events,
        counts.places,
    )


def events_of(probabilities: Probabilities, threshold: float, frame: float, delay: float = 0.0) -> tuple[float, ...]:
    """Where probabilities `[F]` rise to a threshold, once a rise; the ends of those frames, `delay` s later."""
    above = np.concatenate([[False], np.asarray(probabilities) >= threshold])
    rises = np.flatnonzero(above[1:] & ~above[:-1])
    return tuple(round(float((rise + 1) * frame + delay), 4) for rise in rises)


def choose_threshold(
    tracks: Mapping[tuple[str, str], Probabilities],
    labels: Sequence[Labels],
    task: str,
    frame: float,
    delay: float = 0.0,
) -> float:
    """The threshold of best recall whose false-positive rate is at most 0.1; to be chosen on other data than is judged.

    Args:
        tracks: probabilities `[F]` by conversation id and speaker.
        labels: the truth about those conversations.
        task: eot or interruption.
        frame, delay: as for `events_of`.
    """
    values = np.unique(np.concatenate([np.asarray(track) for track in tracks.values()]))
    tried = values[np.linspace(0, len(values) - 1, min(len(values), FEWEST_POINTS)).astype(int)]
    best = (-1.0, float(tried[-1]))
    for threshold in tried:
        result = score(predictions_of({task: tracks}, {task: float(threshold)}, frame, delay), labels, task)
        if not result.false_positives > FALSE_POSITIVES and result.recall > best[0]:
            best = (result.recall, float(threshold))
    return best[1]


def predictions_of(
    tracks: Mapping[str, Mapping[tuple[str, str], Probabilities]],
    thresholds: Mapping[str, float],
    frame: float,
    delay: float = 0.0,
) -> list[Prediction]:
    """Probabilities by task, conversation and speaker, cut at each task's threshold."""
    conversations = sorted({name for each in tracks.values() for name, _ in each})
    return [
        Prediction.model_validate(
            {
                "conversation_id": name,
                **{
                    speaker: {
                        task: events_of(tracks[task][name, speaker], thresholds[task], frame, delay)
                        for task in tracks
                        if (name, speaker) in tracks[task]
                    }
                    for speaker in SPEAKERS
                },
            }
        )
        for name in conversations
    ]


def labels_of(dialogue: Dialogue) -> Labels:
    """The exact truth about one of our own dialogues; channel 0 is speaker 1.

    A turn ends where its last word does and the other speaker takes the floor next; backchannels end none. Silences of
    0.2 s and more between words of one turn are places to wait. Who speaks up inside the other's turn to take it
    interrupts; a backchannel there is a place to wait.
    """
    floor = [turn for turn in dialogue.turns if turn.words and turn.event not in ("backchannel", "aside")]
    floor.sort(key=lambda turn: turn.words[0].start)
    truths = {}
    for channel, speaker in enumerate(SPEAKERS):
        own = [turn for turn in floor if dialogue.channel(turn) == channel]
        following = {a.index: b for a, b in itertools.pairwise(floor)}
        ends = [
            turn.words[-1].end
            for turn in own
            if turn.index in following and dialogue.channel(following[turn.index]) != channel and turn.cut_word is None
        ]
        pauses = [
            (a.end, b.start)
            for turn in own
            for a, b in zip(turn.words, turn.words[1:], strict=False)
            if b.start - a.end >= 0.2
        ]
        starts = [turn.words[0].start for turn in own if turn.event == "interrupt"]
        nods = [
            (turn.words[0].start, turn.words[-1].end + LATE / 3)
            for turn in dialogue.turns
            if turn.words and turn.event == "backchannel" and dialogue.channel(turn) == channel
        ]
        truths[speaker, "eot"] = Truth(_rising(ends), tuple(pauses))
        truths[speaker, "interruption"] = Truth(_rising(starts), tuple(nods))
    return Labels(dialogue.id, truths)


def _rising(times: Iterable[float]) -> tuple[float, ...]:
    return tuple(sorted({round(time, 4) for time in times}))


def write(
    folder: Path, predictions: Sequence[Prediction], tracks: Mapping[str, Mapping[tuple[str, str], Probabilities]]
) -> None:
    """predictions.json, and probs-eot.json and probs-int.json with every frame's probability."""
    folder.mkdir(parents=True, exist_ok=True)
    submission = Submission(predictions=tuple(predictions))
    replace_synced(folder / "predictions.json", (submission.model_dump_json(indent=1) + "\n").encode(), folder)
    for task, name in (("eot", "probs-eot.json"), ("interruption", "probs-int.json")):
        probabilities: dict[str, dict[str, list[float]]] = {}
        for (conversation, speaker), track in tracks.get(task, {}).items():
            probabilities.setdefault(conversation, {})[speaker] = [round(float(value), 4) for value in track]
        replace_synced(folder / name, (json.dumps(probabilities) + "\n").encode(), folder)


def read(path: Path) -> list[Prediction]:
    """The predictions of a file. Raises ValueError with one line for whatever a scorer would refuse."""
    try:
        return list(Submission.model_validate_json(path.read_bytes()).predictions)
    except OSError as error:
        raise ValueError(f"cannot read {path}: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        raise ValueError(f"{path}: {'.'.join(map(str, first['loc']))}: {first['msg']}") from None

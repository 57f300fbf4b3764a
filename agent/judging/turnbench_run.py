"""TurnBench with our listener: two channels of people in, its submission out, scored where the truth is at hand.

Each speaker is heard alone, as an assistant would hear its user; who interrupts needs both. The listener looks nothing
ahead, so a frame's events are known at the frame's end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, Samples, read
from corpus.manifest import IDENTITY
from corpus.reader import Corpus

from ..listener import Cues, Listener
from . import turnbench
from .turnbench import SPEAKERS, TASKS, Labels, Prediction, Probabilities, TaskScore

SOUNDS = (".wav", ".flac", ".ogg", ".opus")
VOICE = 0.5  # chance of speech from which a frame is voiced
SPOKE, SILENT = 3, 2  # frames of voice that make a turn; of silence before its end is asked for
INTO, HOLDS = 3, 6  # frames of voice that may interrupt; frames since the other's voice in which they do


@dataclass(frozen=True)
class BenchConversation:
    """Two speakers, float32 `[2, T]` at 24 kHz, and the truth about them where it is known."""

    id: str
    audio: Samples
    labels: Labels | None


@dataclass(frozen=True)
class BenchOutcome:
    """What was found, at which thresholds, and how good it is where there are labels to judge by."""

    predictions: list[Prediction]
    tracks: dict[str, dict[tuple[str, str], Probabilities]]
    thresholds: dict[str, float]
    scores: dict[str, TaskScore]
    judged: int  # conversations; the thresholds were chosen on others

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "conversations": len(self.predictions),
            "judged": self.judged,
            "thresholds": {task: round(value, 4) for task, value in self.thresholds.items()},
            "scores": {task: each.as_json() for task, each in self.scores.items()},
        }


def conversations(folder: Path) -> Iterator[BenchConversation]:
    """Those of a corpus of ours, with exact labels, or of a folder of two-channel sound files, without.

    Raises:
        ValueError: there are none, or a file has not two channels.
    """
    if (folder / IDENTITY).exists():
        corpus = Corpus(folder)
        for dialogue in corpus:
            yield BenchConversation(dialogue.id, corpus.audio(dialogue)[:2], turnbench.labels_of(dialogue))
        return
    paths = sorted(path for path in folder.glob("*") if path.suffix.lower() in SOUNDS) if folder.is_dir() else []
    if not paths:
        raise ValueError(f"{folder} holds no corpus and no sound file ({', '.join(SOUNDS)})")
    for path in paths:
        audio = read(path)
        if len(audio) != 2:
            raise ValueError(f"{path} has {len(audio)} channels; each speaker must be on one of two")
        yield BenchConversation(path.stem, audio, None)


def listen(listener: Listener, channel: Samples) -> list[Cues]:
    """The opinion on every whole frame of a channel `[T]`."""
    state, cues = listener.init_state(), []
    for start in range(0, len(channel) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
        heard, state = listener.step(np.asarray(channel[start : start + FRAME_SAMPLES], np.float32), state)
        cues.append(heard)
    return cues


def turn_ends(cues: list[Cues]) -> Probabilities:
    """The chance in every frame `[F]` that the speaker's turn is over; in one silence it never falls."""
    track, voiced, silent, best = np.zeros(len(cues), np.float32), 0, 0, 0.0
    for frame, cue in enumerate(cues):
        if cue.speech >= VOICE:
            voiced, silent, best = (voiced + 1 if silent == 0 else 1), 0, 0.0
            continue
        silent += 1
        if voiced >= SPOKE and silent >= SILENT:
            best = max(best, cue.turn_end)
        track[frame] = best
    return track


def interruptions(own: list[Cues], other: list[Cues]) -> Probabilities:
    """The chance in every frame `[F]` that the speaker is taking the floor from the other, who was speaking."""
    track, voiced, since, under = np.zeros(len(own), np.float32), 0, HOLDS, False
    for frame, (mine, theirs) in enumerate(zip(own, other, strict=True)):
        since = 0 if theirs.speech >= VOICE else since + 1
        if mine.speech < VOICE:
            voiced, under = 0, False
            continue
        voiced += 1
        under = under or (voiced == 1 and since < HOLDS)
        if under and voiced >= INTO:
            track[frame] = mine.speech * (1.0 - mine.backchannel)
    return track


def run(
    listener: Listener,
    folder: Path,
    out: Path | None = None,
    progress: Callable[[str], None] = lambda _: None,
) -> BenchOutcome:
    """Hear all conversations of a folder, write the submission, and score what can be scored.

    With labels, every other conversation is for choosing thresholds and the rest is judged; without, the listener's own
    threshold of half a second of silence decides.

    Args:
        listener: hears.
        folder: see `conversations`.
        out: where predictions.json and the probabilities go.
        progress: called with the id of each conversation before it is heard.

    Raises:
        ValueError: see `conversations`.
    """
    tracks: dict[str, dict[tuple[str, str], Probabilities]] = {task: {} for task in TASKS}
    labels: list[Labels] = []
    for each in conversations(folder):
        progress(each.id)
        heard = [listen(listener, channel) for channel in each.audio]
        for number, speaker in enumerate(SPEAKERS):
            tracks["eot"][each.id, speaker] = turn_ends(heard[number])
            tracks["interruption"][each.id, speaker] = interruptions(heard[number], heard[1 - number])
        if each.labels is not None:
            labels.append(each.labels)
    choosing, judged = labels[::2], labels[1::2]
    default = listener.thresholds.get(0.5, 0.5)
    thresholds = {"eot": default, "interruption": 0.5}
    for task in TASKS if judged else ():
        names = {label.conversation_id for label in choosing}
        known = {key: track for key, track in tracks[task].items() if key[0] in names}
        thresholds[task] = turnbench.choose_threshold(known, choosing, task, FRAME_SECONDS)
    predictions = turnbench.predictions_of(tracks, thresholds, FRAME_SECONDS)
    if out is not None:
        turnbench.write(out, predictions, tracks)
    scores = {task: turnbench.score(predictions, judged, task) for task in TASKS} if judged else {}
    return BenchOutcome(predictions, tracks, thresholds, scores, len(judged))

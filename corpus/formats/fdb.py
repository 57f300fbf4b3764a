"""Full-Duplex-Bench v1: what the user says, cut into the items that its scripts play to a model and score.

    synthetic_pause_handling/ID      input.wav  transcription.json  pause.json        the user stops to think
    synthetic_turn_taking/ID         input.wav  transcription.json  turn_taking.json  the user is done
    synthetic_backchannel/ID         input.wav  transcription.json                    the user talks at length
    synthetic_user_interruption/ID   input.wav  transcription.json  interrupt.json    the user breaks in
                                     context.wav  interrupt.wav

input.wav is the user's channel, 16 kHz, with silence after it for an answer; times are seconds in it. An annotation is
a list with one entry, `timestamp` [start, end]: of the pause, from the user's end to the agent's answer, of the
interruption. The layout is that of the benchmark's v1.0 data (Lin et al. 2025, arXiv:2503.04721).
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped]

from ..audio import SAMPLE_RATE, Samples, read, resample, to_samples
from ..durable import synced_file, write_synced
from ..record import USER_CHANNEL, Dialogue, Turn, Word
from .exporting import Exporter, Part, Target

RATE = 16_000  # Hz, of the benchmark's items
LEAD, TAIL = 0.3, 6.0  # s before the first word, and of silence for an answer
PAUSE = 0.5  # s: shorter silences inside a turn are no test of patience
LONG = 15.0  # s: a turn long enough that a listener would say something


@dataclass(frozen=True)
class FdbItem:
    """One test: the user's turns it is made of, and its annotation, a span in seconds of the dialogue."""

    task: str
    turns: tuple[Turn, ...]
    file: str = ""  # of the annotation; none for backchannels
    label: dict[str, str] = field(default_factory=dict)
    span: tuple[float, float] = (0.0, 0.0)

    @property
    def words(self) -> tuple[Word, ...]:
        """What the user says, in order."""
        return tuple(word for turn in self.turns for word in turn.words)

    @property
    def start(self) -> float:
        """Where the item's audio begins in the dialogue, in seconds."""
        return max(self.words[0].start - LEAD, 0.0)


def part(part: Part) -> None:
    """Cut the dialogues of one shard into items."""
    for dialogue in part.dialogues:
        kept = list(items(dialogue))
        if kept:
            channel = read(part.audio(dialogue))[USER_CHANNEL]
            for item in kept:
                _write(part.target, dialogue, item, channel)


def items(dialogue: Dialogue) -> Iterator[FdbItem]:
    """Every item of a dialogue, in the order of its turns."""
    spoken = sorted((turn for turn in dialogue.turns if turn.words), key=lambda turn: turn.words[0].start)
    floor = [turn for turn in spoken if turn.event != "backchannel"]
    for place, turn in enumerate(floor):
        if turn.speaker == "user" and turn.event == "interrupt":
            yield from _interruption(turn, floor[:place])
        elif turn.speaker == "user":
            yield from _own_turn(turn, floor[place + 1] if place + 1 < len(floor) else None)


def _interruption(turn: Turn, before: list[Turn]) -> Iterator[FdbItem]:
    context = next((one for one in reversed(before) if one.speaker == turn.speaker), None)
    if context and context.words[-1].end < turn.words[0].start:
        label = {"context": context.spoken_text, "interrupt": turn.spoken_text}
        span = (turn.words[0].start, turn.words[-1].end)
        yield FdbItem("user_interruption", (context, turn), "interrupt.json", label, span)


def _own_turn(turn: Turn, following: Turn | None) -> Iterator[FdbItem]:
    end = turn.words[-1].end
    silences = [(one.end, other.start) for one, other in pairwise(turn.words)]
    longest = max(silences, key=lambda silence: silence[1] - silence[0], default=(0.0, 0.0))
    if longest[1] - longest[0] >= PAUSE:
        yield FdbItem("pause_handling", (turn,), "pause.json", {"text": "[PAUSE]"}, longest)
    if following and following.speaker == "agent" and following.words[0].start >= end:
        span = (end, following.words[0].start)
        yield FdbItem("turn_taking", (turn,), "turn_taking.json", {"text": "[TURN-TAKING]"}, span)
    if end - turn.words[0].start >= LONG:
        yield FdbItem("backchannel", (turn,))


def item_audio(item: FdbItem, channel: Samples) -> Samples:
    """The user's channel `[T]` at 24 kHz as an item's input at 16 kHz: other turns than the item's are silence."""
    begin = to_samples(item.start)
    heard = np.zeros(to_samples(item.words[-1].end - item.start + TAIL), np.float32)
    for turn in item.turns:
        start = max(to_samples(turn.words[0].start - LEAD), begin)
        stop = min(to_samples(turn.words[-1].end + LEAD), len(channel))
        heard[start - begin : stop - begin] = channel[start:stop]
    return np.clip(resample(heard, SAMPLE_RATE, RATE), -1, 1)


def _write(target: Target, dialogue: Dialogue, item: FdbItem, channel: Samples) -> None:
    folder = target.folder(f"synthetic_{item.task}/{item_number(dialogue.id, item.turns[-1].index)}")
    _write_sound(folder / "input.wav", item_audio(item, channel))
    if item.task == "user_interruption":
        for name, turn in zip(("context", "interrupt"), item.turns, strict=True):
            _write_sound(folder / f"{name}.wav", _turn_audio(turn, channel))
    words = [{"text": word.text, "timestamp": _moved(item, (word.start, word.end))} for word in item.words]
    write_synced(folder / "transcription.json", json.dumps(words, ensure_ascii=False).encode())
    if item.file:
        annotation = [{**item.label, "timestamp": _moved(item, item.span)}]
        write_synced(folder / item.file, json.dumps(annotation, ensure_ascii=False).encode())


def item_number(id: str, turn: int) -> str:
    """An item's folder: digits, as the benchmark's scripts sort them; the dialogue's number, then the turn's."""
    digits = re.search(r"\d+$", id)
    number = digits[0] if digits else str(int(hashlib.sha256(id.encode()).hexdigest()[:12], 16))
    return f"{number}{turn:03d}"


def _turn_audio(turn: Turn, channel: Samples) -> Samples:
    """A turn by itself, `[T]` at 16 kHz."""
    start, end = to_samples(turn.words[0].start - LEAD), to_samples(turn.words[-1].end + LEAD)
    return np.clip(resample(channel[max(start, 0) : end], SAMPLE_RATE, RATE), -1, 1)


def _write_sound(path: Path, samples: Samples) -> None:
    with synced_file(path) as file:
        soundfile.write(file, samples, RATE, format="WAV", subtype="PCM_16")


def _moved(item: FdbItem, span: tuple[float, float]) -> list[float]:
    return [round(time - item.start, 4) for time in span]


def finish(target: Target) -> None:
    """Say so when no dialogue gave an item."""
    if not any(target.tree.iterdir()):
        raise ValueError("no dialogue holds a user turn to make an item of Full-Duplex-Bench from")


EXPORTER = Exporter(part, finish)

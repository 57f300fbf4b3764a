"""Recorded people: the collection's manifests, their transcripts, and each clip's voice, gaps and room tone."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples, read_mono

from .features import HOP
from .labels import Flags, levels, runs, voice_activity

SENTENCE_END = re.compile(r"[.?!]+[\"')]*$")
CLAUSE_END = re.compile(r"[,;:…-]$")
LEAST_GAP = 8  # hops
TONE = 15  # hops of the quietest place, from which the room tone is taken
Border = Literal["sentence", "clause", "phrase"]


@dataclass(frozen=True)
class ClipWord:
    """A word as it was written, punctuation and all, with its times in seconds."""

    text: str
    start: float
    end: float


@dataclass(frozen=True)
class CollectedRecording:
    """One row of a manifest of the collection."""

    path: Path
    name: str  # the path within the collection
    speaker: str
    source: str
    seconds: float


@dataclass(frozen=True)
class Gap:
    """A silence inside a clip: its first hop, the hop where the voice resumes, what is said before it."""

    start: int
    end: int
    border: Border


@dataclass(frozen=True)
class TurnClip:
    """A recording as material for turns."""

    recording: CollectedRecording
    sound: Samples  # [n] at 24 kHz
    words: tuple[ClipWord, ...]
    active: Flags  # by hops

    @cached_property
    def first(self) -> int:
        """The first hop with voice."""
        return int(np.argmax(self.active))

    @cached_property
    def last(self) -> int:
        """The hop after the last one with voice."""
        return len(self.active) - int(np.argmax(self.active[::-1]))

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """Silences of 80 ms or more between first and last voice."""
        silent = [(a, b) for a, b in runs(~self.active) if self.first < a and b < self.last and b - a >= LEAST_GAP]
        return tuple(Gap(a, b, self._border(a, b)) for a, b in silent)

    @cached_property
    def tone(self) -> Samples:
        """Magnitudes of the room's own noise, from the quietest 150 ms."""
        start = int(np.argmin(np.convolve(levels(self.sound), np.ones(TONE) / TONE, "valid")))
        quiet = self.sound[start * HOP : (start + TONE) * HOP]
        return np.asarray(np.abs(np.fft.rfft(quiet * np.hanning(len(quiet)))) / np.sqrt(len(quiet) * 0.375), np.float32)

    def hops(self, start: int, end: int) -> Samples:
        """The sound from hop to hop."""
        return self.sound[start * HOP : end * HOP]

    def _border(self, start: int, end: int) -> Border:
        middle = (start + end) / 200
        before = [word for word in self.words if (word.start + word.end) / 2 < middle]
        if not before or len(before) == len(self.words):
            return "phrase"
        if SENTENCE_END.search(before[-1].text):
            return "sentence"
        return "clause" if CLAUSE_END.search(before[-1].text) else "phrase"


def clip_of(recording: CollectedRecording, words: Sequence[ClipWord]) -> TurnClip | None:
    """A clip with its voice found; clicks and breath outside of the words' times are none. Without voice: None."""
    sound = read_mono(recording.path)
    active = voice_activity(sound)
    if words:
        earliest, latest = 100 * words[0].start - 60, 100 * words[-1].end + 45
        for start, end in runs(active):
            if end < earliest or (start > latest and end - start < 25):
                active[start:end] = False
    return TurnClip(recording, sound, tuple(words), active) if active.sum() >= 15 else None


def read_recordings(folder: Path, names: Sequence[str]) -> list[CollectedRecording]:
    """The rows of `NAME.jsonl` manifests of a collection of recordings.

    Raises:
        ValueError: a manifest is missing or broken.
    """
    recordings = []
    for name in names:
        try:
            rows = [json.loads(line) for line in (folder / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()]
            recordings += [_recording(folder, row) for row in rows]
        except (OSError, json.JSONDecodeError, KeyError) as error:
            raise ValueError(f"{folder / name}.jsonl is no manifest of recordings: {error}") from None
    return recordings


def _recording(folder: Path, row: Mapping[str, Any]) -> CollectedRecording:
    return CollectedRecording(folder / row["path"], row["path"], row.get("speaker", ""), row["source"], row["seconds"])


def read_transcripts(path: Path) -> dict[str, tuple[ClipWord, ...]]:
    """Words by recording of a `speech-transcripts.jsonl.gz`.

    Raises:
        ValueError: it cannot be read.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            return {row["path"]: tuple(ClipWord(*word) for word in row["words"]) for row in map(json.loads, lines)}
    except (OSError, EOFError, json.JSONDecodeError, KeyError, TypeError) as error:
        raise ValueError(f"{path} holds no transcripts: {error}") from None


def read_speakers(path: Path) -> dict[str, frozenset[str]]:
    """Sections of a list of speakers: `[name]` lines, then one speaker a line; `#` begins a remark."""
    sections: dict[str, set[str]] = {}
    current: set[str] = set()
    for line in path.read_text(encoding="utf-8").splitlines():
        text = line.partition("#")[0].strip()
        if text.startswith("["):
            current = sections.setdefault(text.strip("[]"), set())
        elif text:
            current.add(text)
    return {name: frozenset(speakers) for name, speakers in sections.items()}


def clips(
    recordings: Sequence[CollectedRecording],
    transcripts: Mapping[str, Sequence[ClipWord]],
    wanted: Callable[[CollectedRecording], bool] = lambda recording: True,
) -> Iterator[TurnClip]:
    """Clips of the wanted recordings; those without hearable voice are left out."""
    for recording in filter(wanted, recordings):
        clip = clip_of(recording, transcripts.get(recording.name, ()))
        if clip is not None:
            yield clip


def room_tone(tone: Samples, samples: int, generator: np.random.Generator) -> Samples:
    """Noise `[samples]` at 24 kHz with the spectrum of a `TurnClip.tone`."""
    length = max(samples + samples % 2, SAMPLE_RATE // 50)
    bins = length // 2 + 1
    spectrum = np.interp(np.linspace(0, 1, bins), np.linspace(0, 1, len(tone)), tone)
    phases = generator.standard_normal(bins) + 1j * generator.standard_normal(bins)
    noise = np.fft.irfft(spectrum * phases / np.sqrt(2), length) * np.sqrt(length)
    return np.asarray(noise[:samples], np.float32)

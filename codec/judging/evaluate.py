"""Judging codecs on real recordings: every system in the same run, on the same clips, with every skip named."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from corpus.audio import SAMPLE_RATE, Samples, write_flac

from ..metrics import Metric, Recognizer, Skipped, load_metrics, load_recognizer, word_errors
from ..training.data import Audio
from .peers import Decoded, Original, System

LISTEN_CLIPS = 5  # clips whose decoded audio is written


@dataclass
class CodecReport:
    """Means over the clips per system, what was skipped, and what was judged."""

    clips: int
    speakers: int
    seconds: float
    wer_reference: str
    systems: dict[str, dict[str, float]] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """Plain values."""
        return asdict(self)

    def table(self) -> Table:
        """One row per system, one column per metric that was measured anywhere."""
        columns = list(dict.fromkeys(name for values in self.systems.values() for name in values))
        title = (
            f"{self.clips} clips of {self.speakers} speakers, {self.seconds:.0f} s; WER against {self.wer_reference}"
        )
        table = Table("system", *columns, title=title)
        for name, values in self.systems.items():
            table.add_row(name, *(f"{values[c]:.3g}" if c in values else "-" for c in columns))
        return table


@dataclass(frozen=True)
class JudgedClip:
    """What is judged: `[T]` at 24 kHz, whose, and what is said, if known."""

    audio: Samples
    speaker: str
    text: str | None


def choose_clips(audio: Audio, count: int, seconds: float) -> list[JudgedClip]:
    """Up to `count` clips of 1 to `seconds` s, speakers in turn, in a fixed order; longer ones lose their end and text.

    Raises:
        ValueError: no clip is long enough.
    """
    queues: dict[str, list[int]] = defaultdict(list)
    for index, clip in enumerate(audio.clips):
        if clip.seconds >= 1.0:
            queues[clip.speaker].append(index)
    chosen: list[int] = []
    while len(chosen) < count and any(queues.values()):
        chosen += [queue.pop(0) for queue in queues.values() if queue]
    if not chosen:
        raise ValueError("no clip lasts a second; nothing to evaluate")
    limit = int(seconds * SAMPLE_RATE)
    return [
        JudgedClip(audio.segment(i, 0, limit), audio.clips[i].speaker, audio.clips[i].text)
        if audio.clips[i].seconds <= seconds
        else JudgedClip(audio.segment(i, 0, limit), audio.clips[i].speaker, None)
        for i in chosen[:count]
    ]


def evaluate(
    clips: Sequence[JudgedClip],
    systems: Sequence[System | Skipped],
    whisper: str | Path | None = None,
    language: str | None = "en",
    listen: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> CodecReport:
    """Measure every system on every clip.

    Args:
        whisper: folder of a faster-whisper model for WER; skipped by name if None.
        listen: folder for the first clips' audio, one FLAC per clip and system.
        say: called with a progress line per system.
    """
    metrics, skipped = load_metrics()
    recognizer = load_recognizer(whisper, language)
    known = all(clip.text for clip in clips)
    report = CodecReport(
        clips=len(clips),
        speakers=len({clip.speaker for clip in clips}),
        seconds=round(sum(len(clip.audio) for clip in clips) / SAMPLE_RATE, 1),
        wer_reference="transcripts" if known else "the recognizer's transcript of the original",
        skipped=skipped + [s for s in systems if isinstance(s, Skipped)],
    )
    references: list[str] | None = None
    if isinstance(recognizer, Skipped):
        report.skipped.append(recognizer)
    else:
        references = [clip.text if known and clip.text else recognizer.transcribe(clip.audio) for clip in clips]
    for system in [Original(), *(s for s in systems if not isinstance(s, Skipped))]:
        say(f"{system.name} ...")
        decoded = [system.process(clip.audio) for clip in clips]
        values = _measure(clips, decoded, metrics)
        if references is not None and isinstance(recognizer, Recognizer):
            values["wer"] = _word_error_rate(recognizer, references, decoded)
        report.systems[system.name] = values
        if listen is not None:
            _write(listen, system.name, decoded)
    return report


def _measure(clips: Sequence[JudgedClip], decoded: Sequence[Decoded], metrics: dict[str, Metric]) -> dict[str, float]:
    seconds = sum(len(clip.audio) for clip in clips) / SAMPLE_RATE
    values = {"kbps": sum(item.bits for item in decoded) / seconds / 1000.0}
    for name, metric in metrics.items():
        measured = [metric(clip.audio, item.audio) for clip, item in zip(clips, decoded, strict=True)]
        kept = [value for value in measured if value is not None]
        if kept:
            values[name] = float(np.mean(kept))
    times = [ms for item in decoded for ms in item.frame_ms]
    if times:
        values["frame_ms"] = float(np.median(times))
    return values


def _word_error_rate(recognizer: Recognizer, references: Sequence[str], decoded: Sequence[Decoded]) -> float:
    errors = words = 0
    for reference, item in zip(references, decoded, strict=True):
        wrong, count = word_errors(reference, recognizer.transcribe(item.audio))
        errors, words = errors + wrong, words + count
    return errors / max(words, 1)


def _write(folder: Path, name: str, decoded: Sequence[Decoded]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    safe = re.sub(r"[^\w.-]+", "-", name).strip("-")
    for index, item in enumerate(decoded[:LISTEN_CLIPS]):
        write_flac(folder / f"{index}-{safe}.flac", np.clip(item.audio, -1.0, 1.0)[None])

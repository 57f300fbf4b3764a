"""How long the live loop's frames take: by part, for more and more conversations, and next to the wheel `moshi`.

Frames last 80 ms. Wall time says whether this computer keeps up; processor time says what a frame costs, and other
work on the computer disturbs it less.
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np
import torch
from rich.table import Table

from codec import Codec
from corpus.audio import FRAME_MS, FRAME_SAMPLES, Samples

from ..files.talking_model import TalkingModel
from ..live.batch import Batch
from ..live.capacity import aged
from ..live.controls import Controls
from ..live.runtime import Runtime
from ..model.config import ModelConfig
from ..model.language_model import LanguageModel
from ..model.presets import PRESETS
from .live_peer import wheel_times

WARM_UP = 10  # frames not measured
CROWDS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32)


@dataclass(frozen=True)
class Wordless:
    """A vocabulary that says nothing."""

    def encode(self, text: str) -> list[int]:
        """Nothing."""
        return []

    def piece(self, id: int) -> str:
        """Nothing."""
        return ""

    def decode(self, ids: Iterable[int]) -> str:
        """Nothing."""
        return ""

    def begins_word(self, id: int) -> bool:
        """Never."""
        return False


@dataclass(frozen=True)
class FreshBundle:
    """A model with random weights and a codec that fits it: as fast as a trained one."""

    model: LanguageModel
    codec: Codec
    vocabulary: Wordless
    hearing: None = None


def fresh_bundle(preset: str, codec: str) -> FreshBundle:
    """A preset of `agent.model.presets` with a codec that `Codec.load` finds."""
    torch.manual_seed(0)
    loaded = Codec.load(codec)
    make = cast(Callable[[], ModelConfig], PRESETS[preset])
    return FreshBundle(LanguageModel(make()).eval(), loaded, Wordless())


@dataclass(frozen=True)
class Milliseconds:
    """Milliseconds at three places of a distribution."""

    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Milliseconds:
        """The spread of some measurements."""
        return cls(*(round(float(each), 2) for each in np.percentile(values, [50, 95, 99])))


@dataclass(frozen=True)
class Times:
    """Frames of a number of conversations that go together."""

    sessions: int
    frame_ms: Milliseconds  # encode, step and decode of all of them
    encode_ms: Milliseconds
    step_ms: Milliseconds
    decode_ms: Milliseconds
    cpu_ms: float  # processor time of a frame of all, median

    @property
    def real_time_factor(self) -> float:
        """Time of computing over time of sound; above 1 it does not keep up."""
        return self.frame_ms.p50 / FRAME_MS


@dataclass(frozen=True)
class FrameTimes:
    """All of it; `dataclasses.asdict` is JSON-ready."""

    model: str
    runtime: str
    threads: int
    processor: str
    frame_ms: Milliseconds  # of one conversation
    real_time_factor: float
    old_frame_ms: Milliseconds  # of one conversation that fills the context
    sessions: list[Times]
    most_sessions: int  # at once with p99 within 80 ms, of those tried; 0 if none
    wheel: Times | None  # the wheel `moshi`; None without it or if it has no such model

    def table(self) -> Table:
        """The report for people."""
        title = f"{self.model}, {self.runtime}, {self.threads} thread(s): {self.most_sessions} sessions within 80 ms"
        names = ("sessions", "frame p50", "p95", "p99", "encode", "step", "decode", "cpu")
        table = Table(*names, title=title, box=None)
        rows = [(str(each.sessions), each) for each in self.sessions]
        rows += [] if self.wheel is None else [("1, wheel", self.wheel)]
        for name, each in rows:
            spread, parts = each.frame_ms, (each.encode_ms, each.step_ms, each.decode_ms)
            cells = [spread.p50, spread.p95, spread.p99, *(part.p50 for part in parts), each.cpu_ms]
            table.add_row(name, *(f"{cell:.1f}" for cell in cells))
        old = self.old_frame_ms
        table.add_row("1, old", *(f"{cell:.1f}" for cell in (old.p50, old.p95, old.p99)))
        return table


def measure(
    bundle: TalkingModel, name: str, runtime: Runtime, threads: int, most: int, frames: int = 100, wheel: bool = True
) -> FrameTimes:
    """Time the loop.

    Args:
        bundle: what talks.
        name: of it, for the report.
        runtime: see `Batch`.
        threads: cores to use; torch's own number must be set by the caller.
        most: conversations at once; fewer are tried if they already take longer than 80 ms.
        frames: to time for each number.
        wheel: also time the wheel `moshi`.
    """
    batch = Batch(bundle, max(most, 1), runtime, threads=threads)
    crowds: list[Times] = []
    for crowd in CROWDS:
        if crowd > most or (crowds and crowds[-1].frame_ms.p99 > FRAME_MS):
            break
        crowds.append(crowd_times(batch, crowd, frames))
    good = [each.sessions for each in crowds if each.frame_ms.p99 <= FRAME_MS]
    theirs = wheel_times(bundle.model.config, frames, WARM_UP) if wheel else None
    return FrameTimes(
        name,
        runtime,
        threads,
        f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores",
        crowds[0].frame_ms,
        round(crowds[0].real_time_factor, 3),
        old_times(batch, frames),
        crowds,
        max(good, default=0),
        None
        if theirs is None
        else _times(1, [row[:3] for row in theirs], float(np.median([row[3] for row in theirs]))),
    )


def crowd_times(batch: Batch, sessions: int, frames: int) -> Times:
    """Frames of some conversations that all have one."""
    slots = [batch.open(Controls(seed=seed)) for seed in range(sessions)]
    parts, processor = [], []
    for sound in _noise(frames + WARM_UP):
        began = time.process_time()
        out = batch.step(dict.fromkeys(slots, sound))[slots[0]].ms
        processor.append(1e3 * (time.process_time() - began))
        parts.append([sessions * out.encode, out.step, sessions * out.decode])
    for slot in slots:
        batch.close(slot)
    return _times(sessions, parts[WARM_UP:], float(np.median(processor[WARM_UP:])))


def old_times(batch: Batch, frames: int) -> Milliseconds:
    """Frames of a conversation so old that the whole context is attended to."""
    slot = batch.open()
    young = batch.snapshot(slot)
    batch.close(slot)
    slot = batch.restore(aged(young))
    times = [batch.step({slot: sound})[slot].ms.total for sound in _noise(frames + WARM_UP)]
    batch.close(slot)
    return Milliseconds.of(times[WARM_UP:])


def _times(sessions: int, parts: list[list[float]], cpu_ms: float) -> Times:
    encode, step, decode = zip(*parts, strict=True)
    whole = [sum(each) for each in parts]
    return Times(
        sessions,
        Milliseconds.of(whole),
        Milliseconds.of(encode),
        Milliseconds.of(step),
        Milliseconds.of(decode),
        round(cpu_ms, 2),
    )


def _noise(frames: int) -> list[Samples]:
    draw = np.random.default_rng(0).standard_normal((frames, FRAME_SAMPLES))
    return list((0.1 * draw).astype(np.float32))

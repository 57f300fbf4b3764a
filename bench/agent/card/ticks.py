"""Milliseconds of a tick, from sound to sound, and memory, for more and more conversations at full context."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence

import torch

from agent.judging.frame_times import FreshBundle
from agent.live.batch import Batch
from agent.live.capacity import TickTimes, pace
from agent.model.quantized import Short, shorten
from corpus.audio import FRAME_MS

from .models import agent_bundle, moshi_bundle, tiny_bundle
from .part import Effort, Figure, Line, Say

CROWDS = (1, 2, 4, 8, 16, 32, 48, 64, 96, 128, 192, 256)
LARGE_CROWDS = (1, 8, 16, 32, 48, 64, 80)
FEW_CROWDS = (1, 32, 64)
SHORT: tuple[Short, ...] = ("int8", "fp8")
TICKS = 100


def agent_ticks(effort: Effort, say: Say) -> None:
    """The agent that ships."""
    make = tiny_bundle if effort.smallest else agent_bundle
    crowds = CROWDS if effort.on_card else (1, 2)
    _crowds("tick, shipped agent", lambda: make(effort.device), crowds, effort, say)


def moshi_ticks(effort: Effort, say: Say) -> None:
    """Moshi-7B with random weights in bfloat16, context 3000, with Mimi."""
    make = tiny_bundle if effort.smallest else moshi_bundle
    crowds = LARGE_CROWDS if effort.on_card else (1,)
    _crowds("tick, Moshi-7B", lambda: make(effort.device), crowds, effort, say)


def short_ticks(effort: Effort, say: Say) -> None:
    """Moshi-7B with 8-bit matrices."""
    make = tiny_bundle if effort.smallest else moshi_bundle
    for kind in SHORT:

        def made(kind: Short = kind) -> FreshBundle:
            bundle = make(effort.device)
            shorten(bundle.model, kind)
            return bundle

        _crowds(f"tick, Moshi-7B, {kind}", made, FEW_CROWDS if effort.on_card else (1,), effort, say)


def _crowds(part: str, make: Callable[[], FreshBundle], crowds: Sequence[int], effort: Effort, say: Say) -> None:
    bundle = make()
    last_s = 0.0
    for crowd in crowds:
        if effort.left < 2 * last_s:
            say(Line(part, f"{crowd} sessions", {"skipped": "no time left"}))
            return
        began = time.monotonic()
        try:
            tried = _one(bundle, crowd, effort)
        except torch.OutOfMemoryError:
            say(Line(part, f"{crowd} sessions", {"skipped": "no room on this card"}))
            return
        last_s = time.monotonic() - began
        spread: dict[str, Figure] = {"p50_ms": round(tried.p50_ms, 2), "p99_ms": round(tried.p99_ms, 2)}
        within = tried.p99_ms <= FRAME_MS
        say(Line(part, f"{crowd} sessions", {**spread, "memory_gb": effort.gigabytes(), "within_80_ms": within}))
        if effort.on_card and tried.p99_ms > 1.5 * FRAME_MS:
            return


def _one(bundle: FreshBundle, crowd: int, effort: Effort) -> TickTimes:
    gc.collect()
    if effort.on_card:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    return pace(Batch(bundle, crowd, "slots"), crowd, 2 if effort.smallest else TICKS)

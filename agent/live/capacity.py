"""How many conversations at once a machine keeps up with: measured, by doubling and then halving the difference."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import torch

from corpus.audio import FRAME_SAMPLES

from .batch import Batch, SessionState
from .controls import Controls

BOUND_MS = 70.0  # of the 99th percentile: a frame lasts 80 ms, and sockets want their share
TICKS = 60
WARM_UP = 3
MOST = 512  # conversations of one process
Clock = Callable[[], float]


@dataclass(frozen=True)
class TickTimes:
    """Ticks of a number of conversations that all have a frame, their memory full."""

    sessions: int
    p50_ms: float
    p99_ms: float
    memory_bytes: int | None  # on the card, the weights with it; None on a CPU


def pace(batch: Batch, sessions: int, ticks: int = TICKS, clock: Clock = time.perf_counter) -> TickTimes:
    """Measure so many conversations of noise; the batch has free slots for them, and has them again afterwards."""
    slots = _old_conversations(batch, sessions)
    took = []
    try:
        for sound in 0.1 * np.random.default_rng(0).standard_normal((WARM_UP + ticks, FRAME_SAMPLES), np.float32):
            began = clock()
            batch.step(dict.fromkeys(slots, sound))
            took.append(1e3 * (clock() - began))
    finally:
        for slot in slots:
            batch.close(slot)
    device = batch.bundle.model.device
    used = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
    p50, p99 = np.percentile(took[WARM_UP:], [50, 99])
    return TickTimes(sessions, float(p50), float(p99), used)


def largest(p99_ms: Callable[[int], float], bound_ms: float = BOUND_MS, most: int = MOST) -> int:
    """The largest number of 1..`most`, to an eighth, whose ticks stay within a bound; 0 if not even one does.

    Args:
        p99_ms: measures a number; infinite where there is no room for it. Called some ten times.
        bound_ms: to stay within.
        most: not to go beyond.
    """
    good, count = 0, 1
    while count <= most and p99_ms(count) <= bound_ms:
        good, count = count, 2 * count
    bad = min(count, most + 1)
    while bad - good > max(1, good // 8):
        middle = (good + bad) // 2
        if p99_ms(middle) <= bound_ms:
            good = middle
        else:
            bad = middle
    return good


def fitting(
    make: Callable[[int], Batch], measured: Callable[[TickTimes], None], clock: Clock = time.perf_counter
) -> Batch:
    """A batch of as many slots as keep up, at least one.

    Args:
        make: a batch of so many slots.
        measured: told every number that was tried.
        clock: seconds, injected.
    """
    held: list[Batch] = []

    def p99_ms(count: int) -> float:
        if not held or held[0].fixed:
            held.clear()  # its memory goes first
            _give_back()
            try:
                held.append(make(count))
            except torch.OutOfMemoryError:
                return math.inf
        held[0].slots = count
        tried = pace(held[0], count, clock=clock)
        measured(tried)
        return tried.p99_ms

    best = max(1, largest(p99_ms))
    if not held or (held[0].fixed and held[0].slots != best):
        held.clear()
        _give_back()
        held.append(make(best))
    held[0].slots = best
    return held[0]


def _old_conversations(batch: Batch, count: int) -> list[int]:
    """Conversations so old that their whole memory is attended to; rows of a card read theirs whole at any age."""
    if batch.fixed:
        return [batch.open(Controls(seed=seed)) for seed in range(count)]
    slot = batch.open()
    young = batch.snapshot(slot)
    batch.close(slot)
    return [batch.restore(aged(young)) for _ in range(count)]


def aged(state: SessionState) -> SessionState:
    """A conversation that claims to have filled its memory."""
    temporal = state.model.temporal
    old = replace(temporal, position=temporal.position + temporal.keys[0].shape[1])
    return replace(state, model=replace(state.model, temporal=old))


def _give_back() -> None:
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()

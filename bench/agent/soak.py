"""Ten minutes of bad luck for the live loop, on the wall's clock: too slow a model, a bad network, fickle clients.

Six clients share four sessions. Every message is late by up to 200 ms, one in twenty is lost, clients vanish and come
back. The model is a tiny one; every step sleeps till it took 160 ms. At the end the lag must have stayed under its
bound, memory be flat, no thread be left, and every client have been served or told why not.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

import numpy as np
import psutil
import torch
from rich.console import Console

from agent import LanguageModel, tiny
from agent.judging.frame_times import FreshBundle, Wordless
from agent.live.bare import BareModel
from agent.live.batch import Batch
from agent.live.controls import Controls
from agent.live.frame_out import FrameOut
from agent.live.runner import Runner
from agent.live.scheduler import Scheduler
from agent.live.stepper import RowOrder
from agent.live.ticket import Ticket
from codec import Codec
from codec.config import tiny as tiny_codec
from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, Samples

SLOTS, CLIENTS, STEP_S = 4, 6, 0.16
JITTER_S, LOST, VANISH = 0.2, 0.05, 0.01
BOUND_MS = 400.0
SLACK_MS = 40.0  # a thread's waiting for its turn
SETTLED = 0.3  # of the time, after which memory must not grow
GROWTH_MB = 30.0


class SlowBatch(Batch):
    """Every step takes `STEP_S` seconds, or longer on a computer busy with other work."""

    worst_s = 0.0

    def step(self, frames: Mapping[int, Samples], orders: Mapping[int, RowOrder] | None = None) -> dict[int, FrameOut]:
        """See `Batch`."""
        began = time.monotonic()
        outs = super().step(frames, orders)
        time.sleep(max(0.0, began + STEP_S - time.monotonic()))
        self.worst_s = max(self.worst_s, time.monotonic() - began)
        return outs


@dataclass
class Seen:
    """What was seen."""

    seconds: float = 0.0
    worst_lag_ms: float = 0.0
    worst_delay_ms: float = 0.0
    worst_step_ms: float = 0.0
    served: list[int] = field(default_factory=list)  # frames, by client
    refused: int = 0
    resumed: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    frames: dict[str, int] = field(default_factory=dict)
    memory_mb: list[float] = field(default_factory=list)  # over time
    threads_left: int = 0
    failures: list[str] = field(default_factory=list)


class Client:
    """One microphone over a bad network; `live` is called often."""

    def __init__(self, scheduler: Scheduler, seed: int, seen: Seen) -> None:
        self.scheduler, self.seen, self.index = scheduler, seen, seed
        self.random = np.random.default_rng(seed)
        self.ticket: Ticket | None = None
        self.away_until = self.spoken = time.monotonic()
        self.under_way: list[tuple[float, Samples]] = []

    def live(self) -> None:
        """What happens up to now."""
        now = time.monotonic()
        if now < self.away_until:
            return
        if self.ticket is None or self.ticket.state.value in ("suspended", "ended"):
            self._come(now)
        self._speak(now)
        if self.ticket is None or self.ticket.session is None or self.ticket.state.value != "granted":
            return
        for sound in [sound for at, sound in self.under_way if at <= now]:
            self.ticket.session.push(sound)
        self.under_way = [each for each in self.under_way if each[0] > now]
        self.seen.served[self.index] += len(self.ticket.session.pull())
        if self.random.random() < VANISH * FRAME_SECONDS:
            self.scheduler.admission.drop(self.ticket)
            self.away_until = now + self.random.uniform(0, 20)

    def _speak(self, now: float) -> None:
        while self.spoken < now:
            self.spoken += FRAME_SECONDS
            loudness = self.random.choice([0.0, 0.1])
            sound = (loudness * self.random.standard_normal(FRAME_SAMPLES)).astype(np.float32)
            if self.random.random() > LOST:
                self.under_way.append((self.spoken + self.random.uniform(0, JITTER_S), sound))
        self.under_way = self.under_way[-20:]

    def _come(self, now: float) -> None:
        self.spoken, self.under_way = now, []
        try:
            if self.ticket is not None and self.ticket.state.value == "suspended":
                self.scheduler.admission.resume(self.ticket.token)
                self.seen.resumed += 1
            else:
                self.ticket = self.scheduler.admission.admit(Controls(seed=self.index))
        except ValueError:
            self.seen.refused += 1
            self.ticket = None
            self.away_until = now + 2.0


def bundle() -> FreshBundle:
    torch.manual_seed(0)
    return FreshBundle(LanguageModel(tiny()).eval(), Codec(tiny_codec(2)).eval(), Wordless())


def soak(seconds: float) -> Seen:
    """Run it and judge."""
    seen, process = Seen(served=[0] * CLIENTS), psutil.Process()
    batch = SlowBatch(bundle(), SLOTS, runtime="fused")
    threads = threading.active_count()
    limits = {"idle_limit": 60.0, "total_limit": max(seconds / 8, 5.0), "resume_limit": 10.0}
    scheduler = Scheduler(BareModel(batch), time.monotonic, queue_limit=1, bound_ms=BOUND_MS, **limits)  # type: ignore[arg-type]
    began = look = time.monotonic()
    with Runner(scheduler):
        clients = [Client(scheduler, seed, seen) for seed in range(CLIENTS)]
        while time.monotonic() < began + seconds:
            for client in clients:
                client.live()
            now = scheduler.metrics()
            seen.worst_lag_ms = max(seen.worst_lag_ms, *now.lag_ms.values(), 0.0)
            seen.worst_delay_ms = max(seen.worst_delay_ms, *now.delay_ms.values(), 0.0)
            if time.monotonic() >= look:
                seen.memory_mb.append(round(process.memory_info().rss / 2**20, 1))
                look += max(seconds / 40, 1.0)
            time.sleep(FRAME_SECONDS / 8)
    end = scheduler.metrics()
    seen.seconds, seen.ended, seen.frames = seconds, end.ended, asdict(end.frames)
    seen.worst_step_ms = 1e3 * batch.worst_s
    seen.threads_left = threading.active_count() - threads
    seen.failures = failures(seen, end.sessions + end.waiting + end.suspended, end.admitted)
    return seen


def failures(seen: Seen, left: int, admitted: int) -> list[str]:
    """What does not hold, in words."""
    settled = seen.memory_mb[int(SETTLED * len(seen.memory_mb)) :]
    checks = {
        f"lag {seen.worst_lag_ms:.0f} ms": seen.worst_lag_ms <= BOUND_MS,
        f"delay {seen.worst_delay_ms:.0f} ms": seen.worst_delay_ms <= max(BOUND_MS, seen.worst_step_ms + 80) + SLACK_MS,
        f"memory {settled[0]} to {settled[-1]} MB": settled[-1] - settled[0] < GROWTH_MB,
        f"{seen.threads_left} threads left": seen.threads_left == 0,
        f"{left} sessions left": left == 0,
        f"{admitted} admitted, {sum(seen.ended.values())} ended": sum(seen.ended.values()) == admitted,
        f"served {seen.served}": min(seen.served) > 0,
    }
    return [what for what, held in checks.items() if not held]


def run(as_json: bool = False, seconds: float = 600.0, smallest: bool = False) -> None:
    """Soak and print. Two seconds, the smallest soak, are not judged."""
    torch.set_num_threads(1)
    seen = soak(2.0 if smallest else seconds)
    if as_json:
        print(json.dumps(asdict(seen), indent=1))
    else:
        Console().print(seen)
    if seen.failures and not smallest:
        raise SystemExit(f"soak failed: {'; '.join(seen.failures)}")

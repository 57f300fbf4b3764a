"""A tiny model, codec and vocabulary that talk to each other, a clock to turn by hand, and a model too slow."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from agent import LanguageModel
from agent.hearing.stream import Hearing
from agent.live.batch import Batch
from agent.live.frame_out import FrameOut
from agent.live.stepper import RowOrder
from agent.model.presets import tiny
from codec import Codec
from codec.config import tiny as tiny_codec
from corpus.audio import FRAME_SAMPLES, Samples

CODEBOOKS = 2


class TinyVocabulary:
    """Every id above the special ones reads " w" and its number."""

    size = 48

    def encode(self, text: str) -> list[int]:
        return [int(word[1:]) for word in text.split()]

    def piece(self, id: int) -> str:
        return f" w{id}" if id > 3 else ""

    def decode(self, ids: Iterable[int]) -> str:
        return "".join(self.piece(id) for id in ids)

    def begins_word(self, id: int) -> bool:
        return id > 3


@dataclass(frozen=True)
class TinyBundle:
    """What `agent.files.bundle.load_bundle` gives, at some sixty thousand parameters."""

    model: LanguageModel
    codec: Codec
    vocabulary: TinyVocabulary
    hearing: Hearing | None = None


@functools.cache
def tiny_bundle() -> TinyBundle:
    """The same bundle for all tests; nobody may change it."""
    with torch.random.fork_rng():
        torch.manual_seed(7)
        return TinyBundle(LanguageModel(tiny(CODEBOOKS)).eval(), Codec(tiny_codec(CODEBOOKS)).eval(), TinyVocabulary())


def tiny_batch(slots: int = 4) -> Batch:
    """A batch on the tiny bundle, without ONNX."""
    return Batch(tiny_bundle(), slots, runtime="torch")


class FakeClock:
    """Seconds that go forward only when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += seconds


class SlowBatch(Batch):
    """A tiny batch whose steps take `step_s` seconds of a fake clock."""

    def __init__(self, clock: FakeClock, step_s: float, slots: int = 4) -> None:
        super().__init__(tiny_bundle(), slots, runtime="fused")
        self.clock, self.step_s = clock, step_s

    def step(self, frames: Mapping[int, Samples], orders: Mapping[int, RowOrder] | None = None) -> dict[int, FrameOut]:
        outs = super().step(frames, orders)
        if frames:
            self.clock.forward(self.step_s)
        return outs


def noise(frames: int, seed: int = 0, level: float = 0.1) -> Samples:
    """White noise float32 `[1920 frames]`."""
    draw = np.random.default_rng(seed).standard_normal(frames * FRAME_SAMPLES)
    return (level * draw).astype(np.float32)

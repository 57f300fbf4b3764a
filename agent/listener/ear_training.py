"""Training the head on the ear: scenes cut 0.15 to 1.5 s after the voice stops, through Whisper's encoder."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr  # type: ignore[import-untyped]
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from corpus.audio import SAMPLE_RATE, Samples
from corpus.durable import replacing

from .ear import ear_features, pooled
from .features import HOP
from .labels import Stop
from .scenes import Scene, SceneMaker
from .whisper_frames import PADDING, RATE, WhisperFrames

ASKED = (15, 151)  # hops of silence
EXAMPLES = 200  # a shard
EACH = {"end": 2, "gap": 3, "cut": 1, "filler": 1}  # of a scene, at most


@dataclass(frozen=True)
class EarExamples:
    """N decisions."""

    frames: NDArray[np.float16]  # [N, 50, D]
    silence: Samples  # [N], seconds
    over: Samples  # [N]
    weight: Samples  # [N]


def make_ear_shard(path: Path, maker: SceneMaker, whisper: WhisperFrames, number: int, count: int = EXAMPLES) -> None:
    """Write a shard of decisions, unless it is there; whole or not at all."""
    if path.exists():
        return
    rows: list[tuple[Samples, float, bool, float]] = []
    scene = 0
    while len(rows) < count:
        generator = np.random.default_rng([number, scene])
        made = maker.make(number, scene)
        rows += [_example(made, stop, now, whisper, generator) for stop, now in _decisions(made, generator)]
        scene += 1
    frames, silence, over, weight = zip(*rows, strict=True)
    columns = {"silence": silence, "over": over, "weight": weight}
    arrays = {name: np.asarray(values, np.float32) for name, values in columns.items()}
    with replacing(path) as partial, partial.open("wb") as file:
        np.savez(file, allow_pickle=False, frames=np.stack(frames).astype(np.float16), **arrays)


def _decisions(scene: Scene, generator: np.random.Generator) -> Iterator[tuple[Stop, int]]:
    """Stops of a scene and the hops at which they are judged."""
    voiced = np.flatnonzero(scene.active)
    for kind, most in EACH.items():
        stops = [stop for stop in scene.stops if stop.kind == kind and stop.hop > 60]
        for index in generator.permutation(len(stops))[:most]:
            later = voiced[voiced >= stops[index].hop]
            silence = (int(later[0]) if len(later) else len(scene.active)) - stops[index].hop
            if silence > ASKED[0]:
                latest = ASKED[1] if generator.random() < 0.6 else 50
                yield stops[index], stops[index].hop + int(generator.uniform(ASKED[0], min(latest, silence + 1)))


def _example(
    scene: Scene, stop: Stop, now: int, whisper: WhisperFrames, generator: np.random.Generator
) -> tuple[Samples, float, bool, float]:
    start = max(0, now - int(generator.uniform(250, 600)), int(np.argmax(scene.active)) - 40)
    heard = soxr.resample(scene.sound[start * HOP : now * HOP], SAMPLE_RATE, RATE)
    padding = PADDING if generator.random() < 0.6 else 0.0
    return pooled(whisper.encode(heard, padding)), (now - stop.hop) / 100, stop.over, stop.weight


def read_ear_examples(folder: Path) -> EarExamples:
    """All shards of a folder. None there: ValueError."""
    shards = [dict(np.load(path, allow_pickle=False)) for path in sorted(folder.glob("[0-9]*.npz"))]
    if not shards:
        raise ValueError(f"{folder} holds no shards: make some with `agent listener prepare --whisper DIR`")
    return EarExamples(**{name: np.concatenate([shard[name] for shard in shards]) for name in shards[0]})


def train_ear_head(examples: EarExamples, seed: int = 0, epochs: int = 12, width: int = 128) -> dict[str, Tensor]:
    """Train a head of one hidden layer; its tensors as `EarTurnHead` reads them."""
    torch.manual_seed(seed)
    rows = [ear_features(f.astype(np.float32), s) for f, s in zip(examples.frames, examples.silence, strict=True)]
    x = torch.from_numpy(np.stack(rows))
    over = torch.from_numpy(examples.over)
    weight = torch.from_numpy(examples.weight)
    weight = weight * torch.where(over > 0.5, (weight * (1 - over)).sum() / (weight * over).sum(), 1.0)
    mean, scale = x.mean(0), 1 / (x.std(0) + 1e-3)
    x = (x - mean) * scale
    first, last = nn.Linear(x.shape[1], width), nn.Linear(width, 1)
    parameters = [*first.parameters(), *last.parameters()]
    steps = epochs * (len(x) // 64 + 1)
    optimizer = torch.optim.AdamW(parameters, 1e-3, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(epochs):
        for chosen in torch.split(torch.randperm(len(x)), 64):
            seen = functional.dropout(x[chosen], 0.3)
            hidden = functional.dropout(functional.gelu(first(seen)), 0.4)
            loss = functional.binary_cross_entropy_with_logits(last(hidden)[:, 0], over[chosen], weight[chosen])
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
    tensors = {"mean": mean, "scale": scale, "first.weight": first.weight, "first.bias": first.bias}
    return {
        n: t.detach().contiguous() for n, t in {**tensors, "last.weight": last.weight, "last.bias": last.bias}.items()
    }

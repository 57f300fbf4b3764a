"""Training the listener: one process, resumable to the bit, the averaged weights are what is kept."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from corpus.durable import replacing

from .config import ListenerConfig
from .features import BANDS
from .network import ListenerNetwork, NetworkState
from .objective import SceneBatch, losses
from .recipe import TrainingRecipe
from .shards import Examples

SAVE_EVERY = 25  # steps


class ListenerTrainer:
    """A run: network, its average, the optimizer and where it stands."""

    def __init__(self, examples: Examples, recipe: TrainingRecipe, config: ListenerConfig, seed: int = 0) -> None:
        torch.manual_seed(seed)
        self.examples, self.recipe, self.seed, self.step = examples, recipe, seed, 0
        self.network = ListenerNetwork(config)
        some = torch.from_numpy(examples.hops[:300].astype(np.float32)).flatten(0, 1)
        self.network.mean.copy_(some.mean(0))
        self.network.scale.copy_(1 / (some.std(0) + 1e-3))
        self.average = copy.deepcopy(self.network).eval()
        matrices = [p for p in self.network.parameters() if p.ndim > 1]
        vectors = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": matrices, "weight_decay": recipe.weight_decay}, {"params": vectors, "weight_decay": 0.0}]
        self.optimizer = torch.optim.AdamW(groups, lr=recipe.learning_rate, betas=(0.9, 0.98))
        self.carried = self.network.init_state(recipe.batch)
        weights = examples.labels.turn_end_weight
        over = float((weights * examples.labels.turn_end).sum())
        self.end_weight = float(np.clip((weights.sum() - over) / max(over, 1.0), 0.2, 5.0))

    def train(self, folder: Path, say: Callable[[str], None] = print, until: int | None = None) -> None:
        """Go on to the recipe's last step (or `until`), saving to `folder/run.pt`, from where a later call resumes."""
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint = folder / "run.pt"
        if checkpoint.exists() and not self.step:
            self._restore(torch.load(checkpoint, weights_only=True))
        last = self.recipe.steps if until is None else min(until, self.recipe.steps)
        while self.step < last:
            parts = self.advance()
            if self.step % SAVE_EVERY == 0 or self.step == last:
                say(f"step {self.step}: " + ", ".join(f"{name} {value:.4f}" for name, value in parts.items()))
                with replacing(checkpoint) as partial:
                    torch.save(self._snapshot(), partial)

    def advance(self) -> dict[str, float]:
        """One step; its chances hang on the seed and the step's number alone. Returns the loss's parts."""
        recipe = self.recipe
        generator = np.random.default_rng([self.seed, self.step])
        torch.manual_seed(int(generator.integers(2**62)))
        batch = SceneBatch.of(self.examples, generator.integers(len(self.examples.hops), size=recipe.batch))
        hops = disturbed(batch.hops, recipe, generator)
        for group in self.optimizer.param_groups:
            group["lr"] = self.rate()
        self.network.train()
        logits, stream, after = self.network(hops, self._shuffled(generator))
        parts = losses(self.network, logits, stream, batch, recipe, self.end_weight)
        self.optimizer.zero_grad()
        torch.stack(list(parts.values())).sum().backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        self.carried = tuple(each.detach() for each in after)
        follow(self.average, self.network, recipe.average, self.step)
        return {name: float(value.detach()) for name, value in parts.items()}

    def rate(self) -> float:
        """The learning rate: a short rise, then half a cosine."""
        recipe = self.recipe
        rise = min(1.0, self.step / max(recipe.warmup, 1))
        return recipe.learning_rate * rise * (0.5 + 0.5 * math.cos(math.pi * self.step / recipe.steps)) + 1e-5

    def _shuffled(self, generator: np.random.Generator) -> NetworkState:
        """States of the batch before, in another order; some rows begin afresh."""
        rows = torch.from_numpy(generator.permutation(self.recipe.batch))
        kept = torch.from_numpy((generator.random(self.recipe.batch) < self.recipe.carried).astype(np.float32))
        convs = len(self.network.downs)
        return (
            *(each[rows] * kept[:, None, None] for each in self.carried[:convs]),
            *(each[:, rows] * kept[None, :, None] for each in self.carried[convs:]),
        )

    def _snapshot(self) -> dict[str, object]:
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "carried": list(self.carried),
            "step": self.step,
        }

    def _restore(self, saved: dict[str, object]) -> None:
        self.network.load_state_dict(saved["network"])  # type: ignore[arg-type]
        self.average.load_state_dict(saved["average"])  # type: ignore[arg-type]
        self.optimizer.load_state_dict(saved["optimizer"])  # type: ignore[arg-type]
        self.carried = tuple(saved["carried"])  # type: ignore[arg-type]
        self.step = int(saved["step"])  # type: ignore[call-overload]


def disturbed(hops: Tensor, recipe: TrainingRecipe, generator: np.random.Generator) -> Tensor:
    """Features with another level and tilt, faint noise, and some bands blank."""
    rows = len(hops)
    tilt = torch.randn(rows, 1, 1) * recipe.tilt + torch.linspace(-1, 1, BANDS) * torch.randn(rows, 1, 1) * recipe.tilt
    out = hops + torch.randn_like(hops) * 0.1
    out[..., :BANDS] += tilt
    for row in np.flatnonzero(generator.random(rows) < recipe.masked):
        first = int(generator.integers(BANDS - 8))
        out[row, :, first : first + int(generator.integers(2, 9))] = -8.0
    return out


@torch.no_grad()
def follow(average: torch.nn.Module, network: torch.nn.Module, most: float, step: int) -> None:
    """The averaged weights follow those that are trained, faster at the beginning; `most`: their decay later on."""
    decay = min(most, step / (step + 20))
    for kept, new in zip(average.parameters(), network.parameters(), strict=True):
        kept.lerp_(new, 1 - decay)

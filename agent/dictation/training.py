"""Training the recognizer: one process, resumable to the bit, the averaged weights are what is kept."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from corpus.durable import replacing

from ..hearing.config import OUT, STEPS, SYMBOLS, HearingConfig
from ..hearing.network import HearingNetwork
from ..listener.training import follow
from .crops import CropMaker, DictationBatch
from .recipe import DictationRecipe

SAVE_EVERY = 50  # steps
LATE = 3  # steps of 40 ms by which a letter may be told after it was said
TELL_EVERY = 10


class DictationTrainer:
    """A run: network, its average, the optimizer and where it stands."""

    def __init__(
        self,
        crops: CropMaker,
        recipe: DictationRecipe,
        begin: Callable[[HearingNetwork], None] = lambda _: None,
        config: HearingConfig | None = None,
    ) -> None:
        """`begin` fills fresh weights, e.g. with Whisper's, whose sizes the network has if `config` is None."""
        torch.manual_seed(recipe.seed)
        self.crops, self.recipe, self.step = crops, recipe, 0
        self.network = HearingNetwork(config or HearingConfig(layers=recipe.layers))
        begin(self.network)
        self.where = nn.Linear(self.network.config.dim, len(SYMBOLS))  # only in training
        self.average = copy.deepcopy(self.network).eval()
        head = {id(each) for each in self.network.out.parameters()}
        groups: list[dict[str, Any]] = [
            {"params": [p for p in self.network.parameters() if id(p) not in head], "rate": recipe.learning_rate},
            {
                "params": [*self.network.out.parameters(), *self.where.parameters()],
                "rate": recipe.head_learning_rate,
            },
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=0.0, betas=(0.9, 0.98), weight_decay=recipe.weight_decay)

    def train(self, folder: Path, say: Callable[[str], None] = print, until: int | None = None) -> None:
        """Go on to the recipe's last step (or `until`), saving to `folder/run.pt`, from where a later call resumes."""
        folder.mkdir(parents=True, exist_ok=True)
        checkpoint = folder / "run.pt"
        if checkpoint.exists() and not self.step:
            self._restore(torch.load(checkpoint, weights_only=True))
        last = self.recipe.steps if until is None else min(until, self.recipe.steps)
        began, told = time.monotonic(), self.step
        losses: list[float] = []
        while self.step < last:
            losses.append(self.advance(self.crops.batch(self.step)))
            if self.step % TELL_EVERY == 0 or self.step == last:
                pace = (time.monotonic() - began) / (self.step - told)
                left = pace * (last - self.step) / 60
                say(f"step {self.step} of {last}: loss {sum(losses) / len(losses):.3f}, {left:.0f} min left")
                losses = []
            if self.step % SAVE_EVERY == 0 or self.step == last:
                with replacing(checkpoint) as partial:
                    torch.save(self._snapshot(), partial)

    def advance(self, batch: DictationBatch) -> float:
        """One step; returns the loss in nats a letter."""
        torch.manual_seed(self.recipe.seed * 1_000_003 + self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * self.rate()
        self.network.train()
        rows = len(batch.hops)
        begin = torch.randint(self.network.config.positions, (rows,))
        with torch.autocast("cpu", torch.bfloat16):
            told, stream = self.network.heard(batch.hops, self.network.init_state(rows, begin))
            where = self.where(stream[:, STEPS // OUT - 1 :: STEPS // OUT])
        steps = torch.full((rows,), told.shape[1])
        each = functional.ctc_loss(
            told.transpose(0, 1), batch.targets, steps, batch.lengths, reduction="none", zero_infinity=True
        )
        loss = each.sum() / max(1, int(batch.lengths.sum()))
        known = functional.cross_entropy(
            where[:, LATE:].float().flatten(0, 1), batch.spread[:, : told.shape[1] - LATE].flatten()
        )
        self.optimizer.zero_grad()
        (loss + self.recipe.where_weight * known).backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        follow(self.average, self.network, self.recipe.average, self.step)
        return float(loss.detach())

    def rate(self) -> float:
        """Share of the learning rate: a short rise, level, a fall to nothing."""
        recipe = self.recipe
        fall = (recipe.steps - self.step) / max(1.0, recipe.decay * recipe.steps)
        return max(0.02, min(1.0, (self.step + 1) / max(recipe.warmup, 1), fall))

    def _snapshot(self) -> dict[str, object]:
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "where": self.where.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
        }

    def _restore(self, saved: dict[str, Any]) -> None:
        self.network.load_state_dict(saved["network"])
        self.average.load_state_dict(saved["average"])
        self.where.load_state_dict(saved["where"])
        self.optimizer.load_state_dict(saved["optimizer"])
        self.step = int(saved["step"])

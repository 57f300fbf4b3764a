"""Training the full-duplex model: steps, checkpoints, exact resumption, several processes.

Nothing random is carried from step to step: every draw comes from (seed, step, rank), so a killed run resumes to the
same bits on a CPU. Several processes (torchrun) either average gradients, each with a whole model, or share one model
among them (FSDP2).
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Protocol

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from codec.training import parallel
from codec.training.optimizer_state import optimizer_tensors, restore_optimizer
from codec.training.trainer import TrainingError, read_checkpoint, seeded

from ..files.config_json import to_moshi
from ..model.language_model import LanguageModel
from . import sharding
from .interruption import interruptions
from .objective import Objective
from .precision import onednn_products
from .progress import Progress
from .recipe import AgentRecipe
from .regularise import add_dropout

CHECKPOINT = "checkpoint.safetensors"
VALIDATION_DRAW = 1 << 41  # seeds of validation: steps no training reaches


class Batch(Protocol):
    """Crops of dialogues."""

    @property
    def codes(self) -> Tensor:
        """int64 `[B, K, T]` in the model's order, -1 for no token."""

    @property
    def labels(self) -> Tensor:
        """uint8 `[B, T]`, see `frame_labels.Label`."""


class Batches(Protocol):
    """Where crops come from; the same arguments give the same batch."""

    def batch(self, step: int, rows: int, frames: int, rank: int = 0, world: int = 1) -> Batch:
        """Crops of dialogues for a step of process `rank` of `world`."""

    def text_batch(self, step: int, rows: int, frames: int, rank: int = 0) -> Batch:
        """The same without audio."""


class Texts(Protocol):
    """Where crops without sound come from; the same arguments give the same batch."""

    def batch(self, step: int, rows: int, frames: int, rank: int = 0) -> Batch:
        """Crops of dialogues nobody has spoken, for a step of process `rank`."""


class Trainer:
    """A model, its optimizer and the step they stand at; `run` trains, `save` and `resume` are exact."""

    def __init__(
        self,
        model: LanguageModel,
        recipe: AgentRecipe,
        data: Batches,
        folder: Path,
        device: torch.device,
        *,
        held_out: Batches | None = None,
        unspoken: Texts | None = None,
        export: Callable[[LanguageModel, Path], object] | None = None,
        sharded: bool = False,
    ) -> None:
        """Parameters that ask for no gradient stay as they are and are not kept in checkpoints.

        Args:
            model: in float32.
            recipe: what to do.
            data: crops to train on, `held_out` those to validate on.
            unspoken: crops to read beside those in every step that has sound.
            folder: of the run.
            device: of this process.
            export: writes the model for use into a folder, in the first process: after each validation into the run's,
                and into `best` in it when the loss on held-out crops is the lowest so far.
            sharded: share the model among the processes of torchrun instead of giving each a whole one.
        """
        self.model, self.recipe, self.data, self.held_out = model.to(device), recipe, data, held_out
        self.unspoken = unspoken
        self.folder, self.device, self.export, self.step = folder, device, export, 0
        self.best = math.inf  # lowest loss on held-out crops
        for parameter in model.parameters():
            parameter.data = parameter.data.contiguous()  # as checkpoints give it back
        model.train()
        model.checkpoint_layers(recipe.gradient_checkpointing)
        if recipe.dropout:
            add_dropout(model, recipe.dropout)
        parallel.copy_from_first(tensor.detach() for tensor in model.state_dict().values())
        self.objective = Objective(model, recipe)
        self.blank = sharding.hollow(model) if sharded else None
        if sharded:
            sharding.shard(self.objective, model, device)
        if recipe.compile:
            for layer in [*model.temporal.layers, *(model.depth.layers if model.depth is not None else ())]:
                layer.compile()
        self.trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.optimizer = make_optimizer(model, recipe)

    def run(self, progress: Progress, until: int | None = None) -> bool:
        """Train to step `until` (the recipe's end if None), with checkpoints and validation on the way.

        Returns:
            False if Ctrl-C or a termination signal ended it early; the checkpoint is that of the last whole step.

        Raises:
            TrainingError: the loss or its gradient is not finite.
        """
        recipe, end = self.recipe, self.recipe.steps if until is None else until
        with interruptions() as asked, self.products():
            while self.step < end:
                parts, tokens = self.train_step()
                self.step += 1
                progress.record(self.step, parts, tokens, recipe.rate(self.step - 1))
                stop = self._any(asked())
                validating = self.step % recipe.validate_every == 0 or self.step == end
                if validating and not stop:
                    self.judge(progress)
                if self.step % recipe.checkpoint_every == 0 or validating or stop:
                    self.save()
                if stop:
                    return False
        return True

    def products(self) -> AbstractContextManager[None]:
        """How matrix products are done inside: on a CPU in float32 torch may choose the library."""
        return onednn_products() if self.device.type == "cpu" else nullcontext()

    def autocast(self) -> torch.autocast:
        """The precision of the recipe for this device."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=shortened(self.recipe, self.device))

    def train_step(self) -> tuple[dict[str, float], int]:
        """One update. Returns the parts of the loss and the frames of this process it was made of."""
        recipe, step, rank = self.recipe, self.step, parallel.rank()
        text_only = bool(torch.rand((), generator=seeded(recipe.seed, step)) < recipe.text_only)
        size = (step, recipe.batch, recipe.frames, rank)
        batch = self.data.text_batch(*size) if text_only else self.data.batch(*size, parallel.world_size())
        codes, labels = batch.codes, batch.labels
        if self.unspoken is not None and not text_only:
            read = self.unspoken.batch(step, recipe.unspoken, recipe.frames, rank)
            codes, labels = torch.cat([codes, read.codes]), torch.cat([labels, read.labels])
        codes, labels = codes.to(self.device), labels.to(self.device)
        draw = seeded(recipe.seed, step, rank)
        with torch.random.fork_rng():
            torch.manual_seed(draw.initial_seed())  # of dropout
            with self.autocast():
                losses = self.objective(codes, draw, labels)
            losses.total.backward()
        norm = self._descend()
        values = torch.stack([losses.total.detach().float(), norm, *losses.parts.values()]).tolist()
        parts = dict(zip(["loss", "gradient", *losses.parts], values, strict=True))
        if text_only:
            parts = {name: parts[name] for name in ("gradient", "wording")}
        return parts, batch.codes.shape[0] * batch.codes.shape[2]

    def _descend(self) -> Tensor:
        """Follow the gradient, if it is finite; returns its norm before clipping."""
        if self.blank is None:
            parallel.average_gradients(self.trained.values())
        clipped = nn.utils.clip_grad_norm_(self.trained.values(), self.recipe.clip)
        norm = sharding.whole(clipped).float()
        if not math.isfinite(float(norm)):
            raise TrainingError(
                f"step {self.step}: the loss or its gradient is not finite; the last checkpoint in {self.folder} is "
                "from before: resume with a lower learning rate"
            )
        rate = self.recipe.rate(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = group["full_rate"] * rate
        self.optimizer.step()
        self.optimizer.zero_grad()
        return norm

    def _any(self, flag: bool) -> bool:
        """Whether the flag is up in any process."""
        if parallel.world_size() < 2:
            return flag
        total = torch.tensor([float(flag)], device=self.device)
        parallel.sum_over_processes([total])
        return bool(total > 0)

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean parts of the loss over the held-out crops, the same ones every time; empty without any."""
        if self.held_out is None:
            return {}
        recipe, found = self.recipe, []
        self.objective.eval()
        for number in range(recipe.validation_batches):
            batch = self.held_out.batch(number, recipe.batch, recipe.frames)
            codes, labels = batch.codes.to(self.device), batch.labels.to(self.device)
            with self.autocast():
                losses = self.objective(codes, seeded(recipe.seed, VALIDATION_DRAW + number), labels)
            found.append(torch.stack([losses.total.float(), *losses.parts.values()]))
        self.objective.train()
        means = torch.stack(found).mean(0).tolist()
        return dict(zip(["loss", *losses.parts], means, strict=True))

    def judge(self, progress: Progress) -> None:
        """Validate, and write the model for use."""
        found = self.validate()
        progress.validation(self.step, found)
        lowest = found.get("loss", math.inf) < self.best
        self.best = min(self.best, found.get("loss", math.inf))
        model = self.model if self.blank is None else sharding.fill(self.blank, self.model)
        if self.export is not None and parallel.rank() == 0:
            for folder in (self.folder, self.folder / "best")[: 1 + lowest]:
                self.export(model, folder)

    def _names(self) -> dict[Tensor, str]:
        return {parameter: name for name, parameter in self.trained.items()}

    def save(self) -> Path:
        """Write the checkpoint in the run's folder, whole or not at all (first process only)."""
        tensors: dict[str, Tensor] = {f"model.{name}": p for name, p in self.trained.items()}
        tensors |= optimizer_tensors(self.optimizer, self._names(), "optimizer")
        ready = {name: sharding.whole(tensor.detach()).cpu() for name, tensor in tensors.items()}
        path = self.folder / CHECKPOINT
        if parallel.rank() == 0:
            best = None if math.isinf(self.best) else self.best
            about = {
                "step": self.step,
                "best": best,
                "recipe": self.recipe.model_dump(),
                "model": to_moshi(self.model.config),
            }
            partial = path.with_suffix(".part")
            save_file(
                {name: t.contiguous() for name, t in ready.items()}, str(partial), {"training": json.dumps(about)}
            )
            os.replace(partial, path)
        return path

    def resume(self) -> None:
        """Go back to the folder's checkpoint, to the bit. Raises ValueError if it is missing or of another model."""
        about, tensors = read_checkpoint(self.folder / CHECKPOINT)
        held = {name.removeprefix("model."): t for name, t in tensors.items() if name.startswith("model.")}
        odd = sorted(self.trained.keys() ^ held.keys())
        if odd:
            raise ValueError(f"the checkpoint in {self.folder} is of another model or recipe: {odd[0]} differs")
        for name, parameter in self.trained.items():
            if parameter.shape != held[name].shape:
                raise ValueError(f"the checkpoint in {self.folder} is of another model: {name} has another shape")
            parameter.detach().copy_(sharding.like(held[name], parameter))
        restore_optimizer(self.optimizer, self._names(), sharding.slots_like(tensors, self.trained), "optimizer")
        self.step = about["step"]
        self.best = math.inf if about.get("best") is None else about["best"]


def shortened(recipe: AgentRecipe, device: torch.device) -> bool:
    """Whether products on a device are done in bfloat16; "auto" does where the hardware has such products."""
    if recipe.precision != "auto":
        return recipe.precision == "bfloat16"
    if device.type == "cpu":
        return bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())
    return device.type == "cuda"


def make_optimizer(model: nn.Module, recipe: AgentRecipe) -> torch.optim.AdamW:
    """AdamW over what is trained: the rates of the parts, weight decay for matrices only."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    matrices = {module.weight for module in model.modules() if isinstance(module, nn.Linear)}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            decay = recipe.weight_decay if parameter in matrices else 0.0
            groups.setdefault((_rate(name, recipe), decay), []).append(parameter)
    made = [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]
    on_cpu = next(iter(model.parameters())).device.type == "cpu"
    optimizer = torch.optim.AdamW(made, betas=recipe.betas, fused=on_cpu)
    for group in optimizer.param_groups:
        group["full_rate"] = group["lr"]
    return optimizer


def _rate(name: str, recipe: AgentRecipe) -> float:
    if name.startswith("depth."):
        return recipe.depth_learning_rate
    text = name.startswith(("text_emb.", "text_linear."))
    return recipe.learning_rate * (recipe.text_rate if text else 1.0)

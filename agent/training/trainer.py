"""Training the full-duplex model: steps, checkpoints, exact resumption, several processes.

Nothing random is carried from step to step: every draw comes from (seed, step, row), so a killed run resumes to the
same bits on a CPU. A step's rows may be cut into passes (`accumulate`) and shared among processes (torchrun), which
either hold a whole model each or share one (FSDP2): rows, draws, gradient and losses are those of one big batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from codec.training import loop, parallel
from codec.training.ahead import Ahead
from codec.training.optimizer_state import optimizer_tensors, restore_optimizer
from codec.training.run_state import (
    CHECKPOINT,
    TrainingError,
    check_same,
    check_steps,
    read_checkpoint,
    write_checkpoint,
)
from codec.training.seeds import seeded

from ..files.config_json import from_moshi, to_moshi
from ..model.language_model import LanguageModel
from . import sharded_checkpoint, sharding
from .budget import TimeBudget
from .objective import Objective
from .optimizer import make_optimizer
from .passes import Batches, Passes, Texts, rows_of
from .precision import onednn_products, shortened
from .progress import AgentProgress, Seen, StepReport
from .recipe import MAY_CHANGE, AgentRecipe
from .regularise import add_dropout
from .validation import Crops, validate

FORMAT = 2  # of checkpoints; 1: losses on held-out crops were of a random part, as `best` was


class AgentTrainer:
    """A model, its optimizer and the step they stand at; `run` trains, `save` and `resume` are exact."""

    def __init__(
        self,
        model: LanguageModel,
        recipe: AgentRecipe,
        data: Batches,
        folder: Path,
        device: torch.device,
        *,
        held_out: Crops | None = None,
        unspoken: Texts | None = None,
        export: Callable[[LanguageModel, Path], object] | None = None,
        sharded: bool = False,
        origin: Mapping[str, Any] | None = None,
        budget: TimeBudget | None = None,
    ) -> None:
        """Parameters that ask for no gradient stay as they are and are not kept in checkpoints.

        Args:
            model: in float32.
            recipe: what to do.
            data: crops to train on, `held_out` those to validate on.
            unspoken: crops to read beside those in every pass that has sound.
            folder: of the run.
            device: of this process.
            export: writes the model for use into a folder, in the first process: after each validation into the run's,
                and into `best` in it when the loss on held-out crops is the lowest so far.
            sharded: share the model among the processes of torchrun instead of giving each a whole one.
            origin: what else decides what the run is (data, base, adapters), as JSON: kept and compared on resuming.
            budget: time in place of the recipe's number of steps.
        """
        self.model, self.recipe, self.held_out = model.to(device), recipe, held_out
        self.passes, self.origin, self.budget = Passes(recipe, data, unspoken), dict(origin or {}), budget
        self.folder, self.device, self.export, self.step = folder, device, export, 0
        self._drawn = Ahead(self.passes.of, on=device.type != "cpu")
        self.best = math.inf  # lowest loss on held-out crops
        self.seen = Seen()  # all that was trained on
        self.progress: AgentProgress | None = None
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
            sharding.shard(self.objective, model, device, shortened(recipe, device))
        if recipe.compile:
            for layer in [*model.temporal.layers, *(model.depth.layers if model.depth is not None else ())]:
                layer.compile()
        self.trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        self.optimizer = make_optimizer(model, recipe)

    @property
    def rhythm(self) -> AgentRecipe:
        """What `loop.run` asks for."""
        return self.recipe

    def run(self, progress: AgentProgress, until: int | None = None) -> bool:
        """Train to step `until` (the recipe's end if None); see `loop.run`.

        Raises:
            TrainingError: the loss or its gradient is not finite.
        """
        self.progress = progress
        progress.begin(self.step, self.seen, self.recipe)
        if self.budget is not None:
            self.budget.begin()
        with self.products():
            return loop.run(self, until)

    def advance(self, stopping: Callable[[], bool]) -> None:
        """Take one step and report it."""
        report = self.train_step(stopping)
        rate = self.recipe.rate(self.step)
        self.step += 1
        if self.budget is not None:
            self.recipe = self.recipe.changed(steps=max(1, self.budget.steps(self.step)))
        if self.progress is not None:
            self.progress.steps = self.recipe.steps
            self.progress.record(self.step, report, self.seen, rate)

    def products(self) -> AbstractContextManager[None]:
        """How matrix products are done inside: on a CPU in float32 torch may choose the library."""
        return onednn_products() if self.device.type == "cpu" else nullcontext()

    def autocast(self) -> torch.autocast:
        """The precision of the recipe for this device."""
        return torch.autocast(self.device.type, torch.bfloat16, enabled=shortened(self.recipe, self.device))

    def train_step(self, stopping: Callable[[], bool] = lambda: False) -> StepReport:
        """One update. Returns what all processes learnt and what of.

        Raises StepGivenUpError where `stopping` says so between two passes.
        """
        recipe, step = self.recipe, self.step
        passes, first = self._drawn(step), parallel.rank() * recipe.accumulate
        lessons = [self.objective.lesson(each.codes.to(self.device), each.labels, each.draw) for each in passes]
        counts, seen = torch.stack([lesson.counts for lesson in lessons]).sum(0), torch.stack([p.seen for p in passes])
        mine = torch.cat([counts, seen.sum(0).to(counts)])
        parallel.sum_over_processes([mine])
        counts, sums = mine[: len(counts)], torch.zeros_like(counts)
        for part, lesson in enumerate(lessons, first):
            with torch.random.fork_rng():
                torch.manual_seed(seeded(recipe.seed, step, part).initial_seed())  # of dropout
                with self.autocast():
                    losses = self.objective(lesson)
                loss = self.objective.total(losses, counts)
                torch.autograd.backward(loss if self.blank is None else loss * parallel.world_size())  # FSDP averages
            sums += losses.detach()
            self._between(part - first + 1, len(passes), stopping)
        parallel.sum_over_processes([sums])
        norm = self._descend()
        new = Seen.of(mine[len(counts) :])
        self.seen = self.seen + new
        return StepReport(self._named(sums, counts, norm, self.passes.text_only(step)), new)

    def _between(self, done: int, passes: int, stopping: Callable[[], bool]) -> None:
        """After each pass but the last: tell how far the step is, and leave it if the run is to stop."""
        if done == passes:
            return
        if stopping():
            self.optimizer.zero_grad()
            raise loop.StepGivenUpError
        if self.progress is not None:
            self.progress.passed(self.step, done, passes)

    def _named(self, sums: Tensor, counts: Tensor, norm: Tensor, text_only: bool) -> dict[str, float]:
        parts = self.objective.parts(sums, counts)
        values = torch.stack([self.objective.total(sums, counts), norm, *parts.values()]).tolist()
        named = dict(zip(["loss", "gradient", *parts], values, strict=True))
        return {name: named[name] for name in ("gradient", "wording")} if text_only else named

    def _descend(self) -> Tensor:
        """Follow the gradient, if it is finite; returns its norm before clipping."""
        if self.blank is None:
            parallel.sum_gradients(self.trained.values())
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

    def validate(self) -> dict[str, float]:
        """The loss and its parts over the held-out crops, the same ones every time; empty without any."""
        if self.held_out is None:
            return {}
        with self.autocast():
            return validate(self.objective, self.held_out, self.recipe, self.device)

    def judge(self) -> None:
        """Validate, and write the model for use."""
        parts = self.validate()
        if self.progress is not None:
            self.progress.validation(self.step, parts)
        lowest = parts.get("loss", math.inf) < self.best
        self.best = min(self.best, parts.get("loss", math.inf))
        model = self.whole_model()
        if self.export is not None and parallel.rank() == 0:
            for folder in (self.folder, self.folder / "best")[: 1 + lowest]:
                self.export(model, folder)

    def whole_model(self) -> LanguageModel:
        """The model, put together where processes share it; every process must ask for it."""
        return self.model if self.blank is None else sharding.fill(self.blank, self.model)

    def _names(self) -> dict[Tensor, str]:
        return {parameter: name for name, parameter in self.trained.items()}

    def _what(self) -> dict[str, Any]:
        """What decides what the run is."""
        rows = {"rows": self.passes.rows}
        return {"recipe": self.recipe.model_dump(), "model": to_moshi(self.model.config), **rows, **self.origin}

    def save(self) -> Path:
        """Write the checkpoint in the run's folder, whole or not at all: the first process, or each its share."""
        tensors: dict[str, Tensor] = {f"model.{name}": p for name, p in self.trained.items()}
        tensors |= optimizer_tensors(self.optimizer, self._names(), "optimizer")
        best = None if math.isinf(self.best) else self.best
        about = {"format": FORMAT, "step": self.step, "best": best, "seen": self.seen.as_list(), **self._what()}
        if self.budget is not None:
            about |= {"minutes": self.budget.minutes, "spent": round(self.budget.spent, 1)}
        if self.blank is not None:
            sharded_checkpoint.write_shards(self.folder, about, tensors)
        elif parallel.rank() == 0:
            write_checkpoint(self.folder / CHECKPOINT, about, tensors)
            sharded_checkpoint.remove_shards(self.folder)
        return self.folder / CHECKPOINT

    def resume(self) -> list[str]:
        """Go back to the folder's checkpoint, to the bit.

        Returns:
            What is asked for and differs from what the run was begun with, where it may.

        Raises:
            ValueError: it is missing, or something else differs; the message names it.
        """
        about, tensors = read_checkpoint(self.folder / CHECKPOINT)
        if self.budget is not None:  # its number of steps is known by and by
            spent = about.get("spent", 0.0)
            self.recipe = self.recipe.changed(steps=self.budget.guess(about["step"], spent))
            about["recipe"]["steps"] = self.recipe.steps
            self.budget.begin(spent)
        check_steps(self.recipe.steps, about["step"])
        about.setdefault("rows", rows_of(about["recipe"]))  # earlier versions went on with as many processes
        about["model"] = to_moshi(from_moshi(about["model"]))  # as this version writes it
        changes = check_same(self.folder, about, self._what(), MAY_CHANGE)
        if sharded_checkpoint.SHARDS in about:
            tensors = sharded_checkpoint.read_shards(self.folder, about, self.trained)
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
        self.seen = Seen.of(torch.tensor(about.get("seen", (0, 0, 0))))
        known = about.get("format", 1) == FORMAT and about.get("best") is not None
        self.best = about["best"] if known else math.inf
        return changes

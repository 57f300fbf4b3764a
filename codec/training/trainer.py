"""Training a codec from scratch or from a checkpoint: stages, checkpoints, exact resumption, several processes.

Nothing random is carried from step to step: every draw comes from (seed, step, rank), so a killed run resumes to the
same bits on a CPU.
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from ..config import to_dict
from ..model import Codec
from . import discriminators, parallel
from .data import Crops
from .kmeans import collect_latents, start_codebooks
from .optimizer_state import Average, optimizer_tensors, restore_optimizer
from .progress import Progress
from .recipe import CodecRecipe
from .recognizer import RecognizerLoss
from .step import StepLosses, adversarial_terms, move_codebooks
from .teacher import Teacher, TeacherHead

# This layer's output is the waveform itself: a step of Adam at the full rate would move it by more than a whisper.
WAVEFORM_LAYER = "head.free"
WAVEFORM_RATE = 0.01  # of the learning rate
EPSILON = 1e-12  # of Adam: clipped gradients of the early layers are tiny
KMEANS_STEP = 1 << 40  # where the k-means crops are drawn: steps no training reaches


class TrainingError(ValueError):
    """Training cannot go on; the message says why and what to do."""


class Trainer:
    """A codec, its optimizers and the step they stand at; `run` trains, `save` and `resume` are exact."""

    def __init__(
        self,
        codec: Codec,
        recipe: CodecRecipe,
        crops: Crops,
        folder: Path,
        device: torch.device,
        teacher: Teacher | None = None,
        has_codebooks: bool = False,
        recognizer: RecognizerLoss | None = None,
    ) -> None:
        """`crops` must be cut to `recipe.frames`; `has_codebooks`: the codec is trained, keep its codebooks."""
        self.codec, self.recipe, self.crops, self.folder, self.device = codec.to(device), recipe, crops, folder, device
        self.teacher, self.step, self.has_codebooks = teacher, 0, has_codebooks
        torch.manual_seed(recipe.seed)  # fresh discriminators and teacher head
        head = TeacherHead(codec.config.quantizer.codebook_dim, teacher.dim) if teacher else None
        self.losses = StepLosses(recipe, codec, head, recognizer).to(device)
        config = discriminators.full() if recipe.discriminators == "full" else discriminators.light()
        self.judges = discriminators.Discriminators(config).to(device) if recipe.judged else None
        self.average = Average(codec, recipe.average)
        self.optimizers = self._optimizers()
        parallel.copy_from_first(tensor for _, tensor in self._tensors())

    def _optimizers(self) -> dict[str, torch.optim.Optimizer]:
        recipe = self.recipe
        everything = [*self.codec.named_parameters(), *self.losses.named_parameters()]
        made: dict[str, torch.optim.Optimizer] = {"codec": self._adamw(everything, recipe.learning_rate)}
        rate = recipe.adversarial_learning_rate
        if recipe.adversarial_steps:
            made["decoder"] = self._adamw(self.codec.decoder.named_parameters(), rate)
        if self.judges is not None:
            made["judges"] = self._adamw(self.judges.named_parameters(), rate)
        return made

    def _adamw(self, named: Iterable[tuple[str, torch.nn.Parameter]], rate: float) -> torch.optim.AdamW:
        coarse: list[torch.nn.Parameter] = []
        waveform: list[torch.nn.Parameter] = []
        for name, parameter in named:
            (waveform if WAVEFORM_LAYER in name else coarse).append(parameter)
        groups = [{"params": coarse, "lr": rate}, {"params": waveform, "lr": rate * WAVEFORM_RATE}]
        used = [group for group in groups if group["params"]]
        optimizer = torch.optim.AdamW(used, betas=(0.8, 0.99), eps=EPSILON, weight_decay=self.recipe.weight_decay)
        for group in optimizer.param_groups:
            group["full_rate"] = group["lr"]
        return optimizer

    def run(self, progress: Progress, until: int | None = None) -> None:
        """Train to step `until` (the recipe's end if None), with checkpoints and validation on the way.

        Raises:
            TrainingError: the loss is not finite, or a codebook collapsed.
        """
        recipe, end = self.recipe, self.recipe.steps if until is None else until
        while self.step < end:
            if recipe.stage(self.step) == "quantized" and not self.has_codebooks:
                progress.say(f"k-means: variance left per level {self._start_codebooks()}")
            parts, counts = self.train_step()
            self.step += 1
            progress.record(self.step, recipe, parts, counts, self._rate())
            if self.step % recipe.log_every == 0:
                self._stop_if_collapsed(progress)
            if self.step % recipe.checkpoint_every == 0 or self.step == end:
                self.save()
            if self.step % recipe.validate_every == 0 or self.step == end:
                with self.averaged():
                    progress.validate(self.step, self.codec, self.has_codebooks)
                self.export()

    def train_step(self) -> tuple[dict[str, float], Tensor | None]:
        """One update of everything that trains at this step. Returns the loss parts and this step's code counts."""
        recipe, step = self.recipe, self.step
        stage = recipe.stage(step)
        generator = seeded(recipe.seed, step, parallel.rank())
        crop = self.crops.batch(step, recipe.batch, parallel.rank())
        wav = torch.from_numpy(crop.audio)[:, None].to(self.device)
        targets = self.teacher.targets(crop) if self.teacher and stage != "adversarial" else None
        if targets is not None:
            targets = (targets[0].to(self.device), targets[1].to(self.device))
        found, output, aux = self.losses(self.codec, wav, stage, generator, targets)
        active = ["decoder"] if stage == "adversarial" else ["codec"]
        if stage == "adversarial" and self.judges is not None:
            judged = self._judged_slice(wav.shape[-1], generator)
            found, judge_loss = adversarial_terms(found, self.judges, wav[:, 0, judged], output[:, 0, judged], recipe)
            found.parts["judges"] = float(judge_loss.detach())
        self._stop_if_not_finite(found.parts)
        self._zero(active)
        found.total.backward()
        self._descend(active)
        if stage == "adversarial" and self.judges is not None:
            self._zero(["judges"])
            judge_loss.backward()  # type: ignore[no-untyped-call]
            self._descend(["judges"])
        counts = None
        if stage == "quantized":
            counts = move_codebooks(self.codec, aux, recipe, step, generator)
        self.average.update(self.codec, step)
        return found.parts, counts

    def _judged_slice(self, samples: int, generator: torch.Generator) -> slice:
        length = min(self.recipe.adversarial_frames * self.codec.config.frame_samples, samples)
        start = int(torch.randint(0, samples - length + 1, (), generator=generator))
        return slice(start, start + length)

    def _rate(self) -> float:
        return self.recipe.rate(max(self.step - 1, 0))

    def _zero(self, names: list[str]) -> None:
        for name in names:
            self.optimizers[name].zero_grad()

    def _descend(self, names: list[str]) -> None:
        rate = self.recipe.rate(self.step)
        parameters = [p for name in names for group in self.optimizers[name].param_groups for p in group["params"]]
        parallel.average_gradients(parameters)
        for name in names:
            optimizer = self.optimizers[name]
            for group in optimizer.param_groups:
                torch.nn.utils.clip_grad_norm_(group["params"], self.recipe.clip)
                group["lr"] = group["full_rate"] * rate
            optimizer.step()

    def _start_codebooks(self) -> list[float]:
        recipe = self.recipe
        batches = (
            torch.from_numpy(self.crops.batch(KMEANS_STEP + i, recipe.batch).audio)[:, None].to(self.device)
            for i in range(recipe.kmeans_batches)
        )
        left = start_codebooks(self.codec, collect_latents(self.codec, batches), recipe.seed)
        parallel.copy_from_first(self.codec.quantizer.buffers())
        self.has_codebooks = True
        return [round(share, 3) for share in left]

    def _stop_if_not_finite(self, parts: dict[str, float]) -> None:
        broken = [name for name, value in parts.items() if not math.isfinite(value)]
        if broken:
            raise TrainingError(
                f"step {self.step}: the loss is not finite ({', '.join(broken)}); nothing was saved since the last "
                f"checkpoint in {self.folder}; resume with a lower learning rate, and check the audio for broken files"
            )

    def _stop_if_collapsed(self, progress: Progress) -> None:
        quantized = self.step - self.recipe.continuous_steps
        if self.recipe.stage(self.step - 1) != "quantized" or quantized < self.recipe.collapse_patience:
            return
        size = self.codec.config.quantizer.codebook_size
        for level, perplexity in enumerate(self.codec.quantizer.perplexity()):
            if perplexity < self.recipe.collapse_perplexity * size:
                raise TrainingError(
                    f"step {self.step}: codebook {level} has collapsed (perplexity {perplexity:.0f} of {size}); "
                    "train longer without quantizer (continuous_steps) or on more varied audio, then start again"
                )

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """Inside, the codec holds the averaged weights."""
        self.average.swap(self.codec)
        training = self.codec.training
        self.codec.eval()
        try:
            yield
        finally:
            self.average.swap(self.codec)
            self.codec.train(training)

    def _tensors(self) -> list[tuple[str, Tensor]]:
        """Everything that trains, by name; the optimizers' slots excepted."""
        modules = {"codec": self.codec, "losses": self.losses, "judges": self.judges}
        found = [
            (f"{key}.{name}", t) for key, m in modules.items() if m is not None for name, t in m.state_dict().items()
        ]
        return found + [(f"average.{name}", t) for name, t in self.average.values.items()]

    def _names(self) -> dict[Tensor, str]:
        """Every trained parameter's name."""
        modules = {"codec": self.codec, "losses": self.losses, "judges": self.judges}
        return {p: f"{key}.{name}" for key, m in modules.items() if m is not None for name, p in m.named_parameters()}

    def save(self) -> Path:
        """Write `checkpoint.safetensors` in the run's folder, whole or not at all (first process only)."""
        path = self.folder / "checkpoint.safetensors"
        if parallel.rank():
            return path
        tensors = dict(self._tensors())
        for name, optimizer in self.optimizers.items():
            tensors |= optimizer_tensors(optimizer, self._names(), f"optimizer.{name}")
        about = {
            "step": self.step,
            "has_codebooks": self.has_codebooks,
            "recipe": self.recipe.model_dump(),
            "codec": to_dict(self.codec.config),
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".part")
        tensors = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        save_file(tensors, str(partial), {"training": json.dumps(about)})
        os.replace(partial, path)
        return path

    def export(self) -> Path:
        """Write the averaged weights as `codec.safetensors` in the run's folder, for `Codec.load`."""
        path = self.folder / "codec.safetensors"
        if not parallel.rank():
            with self.averaged():
                self.codec.save(path)
        return path

    def resume(self) -> None:
        """Go back to the folder's checkpoint, to the bit. Raises ValueError if it is missing or of another model."""
        about, tensors = read_checkpoint(self.folder / "checkpoint.safetensors")
        wanted = dict(self._tensors())
        odd = sorted(wanted.keys() ^ {name for name in tensors if not name.startswith("optimizer.")})
        if odd:
            raise ValueError(f"the checkpoint in {self.folder} is of another model or recipe: {odd[0]} differs")
        for name, tensor in wanted.items():
            if tensor.shape != tensors[name].shape:
                raise ValueError(f"the checkpoint in {self.folder} is of another model: {name} has another shape")
            tensor.detach().copy_(tensors[name])
        for book in self.codec.quantizer.books():
            book.refresh()
        for name, optimizer in self.optimizers.items():
            restore_optimizer(optimizer, self._names(), tensors, f"optimizer.{name}")
        self.step, self.has_codebooks = about["step"], about["has_codebooks"]


def seeded(*numbers: int) -> torch.Generator:
    """A generator that depends on these numbers alone."""
    return torch.Generator().manual_seed(int(np.random.SeedSequence(numbers).generate_state(1)[0]))


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A training checkpoint's step and recipe, and its tensors. Raises ValueError if it cannot be read."""
    try:
        with safe_open(str(path), framework="pt") as file:
            about = json.loads((file.metadata() or {})["training"])
            return about, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"cannot read {path} as a training checkpoint: {error}") from None

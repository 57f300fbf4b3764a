"""Training a codec from scratch or from a checkpoint: stages, checkpoints, exact resumption, several processes.

Nothing random is carried from step to step: every draw comes from (seed, step, row), so a killed run resumes to the
same bits on a CPU. A step's rows may be cut into passes (`accumulate`) and shared among processes (torchrun).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ..config import to_dict
from ..layers.quantize import QuantizerAux
from ..model import Codec
from . import discriminators, loop, parallel
from .ahead import Ahead
from .data import CodecCrops, CropBatch
from .draws import Draw
from .kmeans import collect_latents, start_codebooks
from .optimizer_state import Average, optimizer_tensors, restore_optimizer
from .optimizers import make_optimizers
from .progress import CodecProgress
from .recipe import MAY_CHANGE, CodecRecipe, Stage
from .recognizer import RecognizerLoss
from .run_state import CHECKPOINT, check_same, check_steps, read_checkpoint, write_checkpoint
from .seeds import seeded
from .step import PassShare, StepLosses, adversarial_terms, move_codebooks
from .stops import stop_if_collapsed, stop_if_not_finite
from .teacher import Teacher, TeacherHead

KMEANS_STEP = 1 << 40  # where the k-means crops are drawn: steps no training reaches

STAGES = ("steps", "continuous_steps", "adversarial_steps")


class CodecTrainer:
    """A codec, its optimizers and the step they stand at; `run` trains, `save` and `resume` are exact."""

    def __init__(
        self,
        codec: Codec,
        recipe: CodecRecipe,
        crops: CodecCrops,
        folder: Path,
        device: torch.device,
        teacher: Teacher | None = None,
        has_codebooks: bool = False,
        recognizer: RecognizerLoss | None = None,
        origin: Mapping[str, Any] | None = None,
    ) -> None:
        """`crops` must be cut to `recipe.frames`; `has_codebooks`: the codec is trained, keep its codebooks.

        `origin`: what else decides what the run is (data, teacher), as JSON: kept and compared on resuming.
        """
        self.codec, self.recipe, self.crops, self.folder, self.device = codec.to(device), recipe, crops, folder, device
        self.teacher, self.step, self.has_codebooks = teacher, 0, has_codebooks
        self.progress: CodecProgress | None = None
        self._drawn = Ahead(self._crops_of, on=device.type != "cpu")
        self.origin = dict(origin or {})
        torch.manual_seed(recipe.seed)  # fresh discriminators and teacher head
        head = TeacherHead(codec.config.quantizer.codebook_dim, teacher.dim) if teacher else None
        self.losses = StepLosses(recipe, codec, head, recognizer).to(device)
        config = discriminators.full() if recipe.discriminators == "full" else discriminators.light()
        self.judges = discriminators.Discriminators(config).to(device) if recipe.judged else None
        self.average = Average(codec, recipe.average)
        self.optimizers = make_optimizers(self.codec, self.losses, self.judges, recipe)
        parallel.copy_from_first(tensor for _, tensor in self._tensors())

    @property
    def rhythm(self) -> CodecRecipe:
        """What `loop.run` asks for."""
        return self.recipe

    def run(self, progress: CodecProgress, until: int | None = None) -> bool:
        """Train to step `until` (the recipe's end if None); see `loop.run`.

        Raises:
            TrainingError: the loss is not finite, or a codebook collapsed.
        """
        self.progress = progress
        progress.begin(self.step)
        return loop.run(self, until)

    def advance(self, stopping: Callable[[], bool]) -> None:
        """Take one step and report it; before the first quantized one, start the codebooks."""
        progress, recipe = self.progress, self.recipe
        assert progress is not None, "run gives one"
        if recipe.stage(self.step) == "quantized" and not self.has_codebooks:
            progress.say(f"k-means: variance left per level {self._start_codebooks()}")
        parts, counts = self.train_step()
        self.step += 1
        progress.record(self.step, recipe, parts, counts, self._rate())
        if self.step % recipe.log_every == 0:
            stop_if_collapsed(self.codec, recipe, self.step)

    def judge(self) -> None:
        """Validate the averaged weights, and write them for use."""
        assert self.progress is not None, "run gives one"
        with self.averaged():
            self.progress.validate(self.step, self.codec, self.has_codebooks)
        self.export()

    def train_step(self) -> tuple[dict[str, float], Tensor | None]:
        """One update of all that trains at this step. Returns loss parts and code counts, of all processes."""
        recipe, step = self.recipe, self.step
        stage = recipe.stage(step)
        crops = self._drawn(step)
        waves = [torch.from_numpy(crop.audio)[:, None].to(self.device) for crop in crops]
        teaching = self.teacher if stage != "adversarial" else None
        taught = [None if teaching is None else self._targets(teaching, crop) for crop in crops]
        active = ["decoder"] if stage == "adversarial" else ["codec"]
        judging = ["judges"] if stage == "adversarial" and self.judges is not None else []
        self._zero(active + judging)
        total, traces = dict[str, float](), []
        for part, wav, targets, share in zip(self._own_passes, waves, taught, self._shares(waves, taught), strict=True):
            rows = torch.arange(part * recipe.batch, (part + 1) * recipe.batch)
            draw = Draw(seeded(recipe.seed, step, 0), rows, recipe.batch * self._passes)
            parts, aux = self._pass(wav, stage, draw, targets, share)
            total = {name: total.get(name, 0.0) + value for name, value in parts.items()}
            traces.append(aux)
        self._descend(active)
        self._descend(judging)
        counts = None
        if stage == "quantized":
            counts = move_codebooks(self.codec, traces, recipe, step, draw.generator)
        self.average.update(self.codec, step)
        return self._everybodys(total), counts

    def _crops_of(self, step: int) -> list[CropBatch]:
        """What this process's passes of a step train on."""
        return [self.crops.batch(step, self.recipe.batch, part) for part in self._own_passes]

    @property
    def _own_passes(self) -> range:
        """The numbers of this process's passes among those of all."""
        first = parallel.rank() * self.recipe.accumulate
        return range(first, first + self.recipe.accumulate)

    @property
    def _passes(self) -> int:
        return parallel.world_size() * self.recipe.accumulate

    def _targets(self, teacher: Teacher, crop: CropBatch) -> tuple[Tensor, Tensor] | None:
        targets = teacher.targets(crop)
        return None if targets is None else (targets[0].to(self.device), targets[1].to(self.device))

    def _shares(self, waves: list[Tensor], taught: list[tuple[Tensor, Tensor] | None]) -> list[PassShare]:
        """How much of the step's means each pass here is."""
        if self._passes == 1:
            return [PassShare()]
        voiced = torch.stack([self.codec.voiced_frames(wav) for wav in waves])
        known = torch.stack([voiced.new_zeros(()) if t is None else t[1].sum().to(voiced) for t in taught])
        own = torch.stack([voiced, known])
        every = own.sum(1)
        parallel.sum_over_processes([every])
        shares = (own / every.clamp(min=1)[:, None]).T.tolist()
        return [PassShare(1 / self._passes, voiced=v, taught=t) for v, t in shares]

    def _pass(
        self, wav: Tensor, stage: Stage, draw: Draw, targets: tuple[Tensor, Tensor] | None, share: PassShare
    ) -> tuple[dict[str, float], QuantizerAux]:
        """Add one batch's gradients. Returns its share of the loss parts, and the quantizer's traces."""
        terms, output, aux = self.losses(self.codec, wav, stage, draw, targets, share)
        judge_loss = None
        if stage == "adversarial" and self.judges is not None:
            at = self._judged_slice(wav.shape[-1], draw.generator)
            terms, judge_loss = adversarial_terms(terms, self.judges, wav[:, 0, at], output[:, 0, at], self.recipe)
            terms.parts["judges"] = float(judge_loss.detach()) * share.rows
        stop_if_not_finite(terms.parts, self.step, self.folder)
        terms.total.backward()
        if judge_loss is not None:
            torch.autograd.backward(judge_loss * share.rows)
        return terms.parts, aux

    def _everybodys(self, parts: dict[str, float]) -> dict[str, float]:
        """The sums of loss parts over all processes."""
        if parallel.world_size() < 2:
            return parts
        values = torch.tensor(list(parts.values()), device=self.device)
        parallel.sum_over_processes([values])
        return dict(zip(parts, values.tolist(), strict=True))

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
        parallel.sum_gradients(parameters)
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
        named = [
            (f"{key}.{name}", t) for key, m in modules.items() if m is not None for name, t in m.state_dict().items()
        ]
        return named + [(f"average.{name}", t) for name, t in self.average.values.items()]

    def _names(self) -> dict[Tensor, str]:
        """Every trained parameter's name."""
        modules = {"codec": self.codec, "losses": self.losses, "judges": self.judges}
        return {p: f"{key}.{name}" for key, m in modules.items() if m is not None for name, p in m.named_parameters()}

    def save(self) -> Path:
        """Write `checkpoint.safetensors` in the run's folder, whole or not at all (first process only)."""
        path = self.folder / CHECKPOINT
        if parallel.rank():
            return path
        tensors = dict(self._tensors())
        for name, optimizer in self.optimizers.items():
            tensors |= optimizer_tensors(optimizer, self._names(), f"optimizer.{name}")
        ready = {name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}
        write_checkpoint(path, {"step": self.step, "has_codebooks": self.has_codebooks, **self._what()}, ready)
        return path

    def _what(self) -> dict[str, Any]:
        """What decides what the run is."""
        return {"recipe": self.recipe.model_dump(), "codec": to_dict(self.codec.config), **self.origin}

    def export(self) -> Path:
        """Write the averaged weights as `codec.safetensors` in the run's folder, for `Codec.load`."""
        path = self.folder / "codec.safetensors"
        if not parallel.rank():
            with self.averaged():
                self.codec.save(path)
        return path

    def resume(self) -> list[str]:
        """Go back to the folder's checkpoint, to the bit; with other steps the run stays in its stage.

        Returns:
            What is asked for and differs from what the run was begun with, where it may.

        Raises:
            ValueError: it is missing, or something else differs; the message names it.
        """
        about, tensors = read_checkpoint(self.folder / CHECKPOINT)
        check_steps(self.recipe.steps, about["step"])
        before = self.recipe.changed(**{k: v for k, v in about["recipe"].items() if k in STAGES})
        self.recipe = self.losses.recipe = self.recipe.going_on(before, about["step"])
        changes = check_same(self.folder, about, self._what(), MAY_CHANGE)
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
        return changes

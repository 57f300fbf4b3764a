"""Frames a second in training and the share of the card's products that are put to use (MFU)."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from agent import LanguageModel, laptop, moshi_7b, tiny
from agent.model.config import ModelConfig
from agent.training.finetune import adapt
from agent.training.recipe import AgentRecipe
from agent.training.trainer import AgentTrainer
from agent.training.work import frame_work
from codec import Codec
from codec.config import laptop as laptop_codec
from codec.config import tiny as tiny_codec
from codec.training.data import CodecCrops, CropBatch
from codec.training.recipe import CodecRecipe
from codec.training.trainer import CodecTrainer
from corpus.audio import FRAME_SAMPLES

from .models import random_model
from .part import Effort, Figure, Line, Say
from .peak import mfu

WARM_UP = 3
PART = "training"


@dataclass(frozen=True)
class RandomCrop:
    """Codes of nobody."""

    codes: Tensor

    @property
    def labels(self) -> Tensor:
        """Nobody speaks."""
        return torch.zeros(self.codes[:, 0].shape, dtype=torch.uint8)


@dataclass(frozen=True)
class RandomCodes:
    """Where they come from."""

    config: ModelConfig

    def batch(self, step: int, rows: int, frames: int, part: int = 0, parts: int = 1) -> RandomCrop:
        """See `agent.training.passes.Batches`."""
        config = self.config
        sizes = [config.text_card, *[config.card] * config.n_q, *[config.text_card] * config.user_text]
        rows_of = [torch.randint(size, (rows, frames)) for size in sizes]
        return RandomCrop(torch.stack([*rows_of, *[torch.full((rows, frames), -1)] * config.ours.hint], dim=1))

    def text_batch(self, step: int, rows: int, frames: int, part: int = 0) -> RandomCrop:
        """See `agent.training.passes.Batches`."""
        return self.batch(step, rows, frames)


class RandomSound(CodecCrops):
    """Crops of noise."""

    def __init__(self, frames: int) -> None:
        self.frames = frames

    def batch(self, step: int, rows: int, part: int = 0) -> CropBatch:
        """See `CodecCrops`."""
        noise = 0.1 * np.random.default_rng(step).standard_normal((rows, self.frames * FRAME_SAMPLES), np.float32)
        return CropBatch(noise, ((),) * rows)


def from_scratch(effort: Effort, say: Say) -> None:
    """About 100 M parameters, all of them trained."""
    config = tiny() if effort.smallest else laptop()
    rows, frames = (32, 250) if effort.on_card else (2, 10 if effort.smallest else 50)
    model = random_model(config, effort.device, torch.float32)
    recipe = AgentRecipe(batch=rows, frames=frames, gradient_checkpointing=False)
    _agent("agent from scratch, 100 M", model, recipe, effort, say)


def lora(effort: Effort, say: Say) -> None:
    """Moshi-7B in bfloat16 with adapters of rank 128 on every matrix, both sides' codebooks."""
    config = tiny() if effort.smallest else moshi_7b(both_sides=True)
    dtype = torch.bfloat16 if effort.on_card else torch.float32
    model = adapt(random_model(config, effort.device, dtype), 4 if effort.smallest else 128, 2.0, 0)
    rows, frames = (1, 10) if effort.smallest else (2, 1250)
    _agent("LoRA, 7 B", model, AgentRecipe(batch=rows, frames=frames, gradient_checkpointing=True), effort, say)


def codec_with_adversary(effort: Effort, say: Say) -> None:
    """The decoder of the codec that ships against the full set of discriminators."""
    steps, frames = 10**6, 6 if effort.smallest else 12
    recipe = CodecRecipe(
        steps=steps, continuous_steps=0, adversarial_steps=steps, batch=32 if effort.on_card else 2,
        frames=frames, adversarial_frames=frames, discriminators="full" if effort.on_card else "light",
    )  # fmt: skip
    codec = Codec(tiny_codec(2) if effort.smallest else laptop_codec())
    with tempfile.TemporaryDirectory() as folder:
        device, crops = torch.device(effort.device), RandomSound(frames)
        trainer = CodecTrainer(codec, recipe, crops, Path(folder), device, has_codebooks=True)
        step_s = _step_s(trainer.train_step, effort)
    shown = {"frames_per_s": round(recipe.batch * frames / step_s, 1), "memory_gb": effort.gigabytes()}
    say(Line(PART, f"codec with adversary, {recipe.discriminators}", {**shown}))


def _agent(name: str, model: LanguageModel, recipe: AgentRecipe, effort: Effort, say: Say) -> None:
    with tempfile.TemporaryDirectory() as folder:
        device, data = torch.device(effort.device), RandomCodes(model.config)
        trainer = AgentTrainer(model, recipe, data, Path(folder), device)
        step_s = _step_s(trainer.train_step, effort)
    rate = recipe.batch * recipe.frames / step_s
    card = torch.cuda.get_device_name() if effort.on_card else "cpu"
    used: dict[str, Figure] = {"mfu": mfu(frame_work(model, recipe) * rate, card)}
    say(Line(PART, name, {"frames_per_s": round(rate, 1), **used, "memory_gb": effort.gigabytes()}))


def _step_s(step: Callable[[], object], effort: Effort) -> float:
    """Seconds of a step, median of as many as there is time for, at most twenty."""
    took: list[float] = []
    count = WARM_UP + (1 if effort.smallest else 20)
    while len(took) < count and (len(took) <= WARM_UP or effort.left > 2 * took[-1]):
        effort.wait()
        began = time.perf_counter()
        step()
        effort.wait()
        took.append(time.perf_counter() - began)
    return float(np.median(took[WARM_UP:]))

"""What a training run reports: progress lines, TensorBoard curves, validation figures and sample audio."""

from __future__ import annotations

import importlib.util
import json
import time
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from corpus.audio import SAMPLE_RATE, Samples, write_flac

from ..metrics import load_metrics
from ..model import Codec
from . import parallel
from .data import Audio
from .losses import SpectralLoss
from .recipe import CodecRecipe

VALIDATION_CLIPS = 12
VALIDATION_SECONDS = 6.0


class Progress:
    """Collects losses and code counts between lines; silent in all processes but the first."""

    def __init__(self, folder: Path, validation: Sequence[Samples] = (), say: Callable[[str], None] = print) -> None:
        """`validation`: clips float32 `[T]` at 24 kHz, never trained on."""
        self.folder, self.validation = folder, list(validation)
        self._print = say if parallel.rank() == 0 else lambda _: None
        self._parts: dict[str, list[float]] = defaultdict(list)
        self._counts: Tensor | None = None
        self._clock, self._clock_step = time.monotonic(), -1
        self._board = _tensorboard(folder) if parallel.rank() == 0 else None

    def say(self, line: str) -> None:
        """Print a line, in the first process only."""
        self._print(line)

    def record(
        self, step: int, recipe: CodecRecipe, parts: dict[str, float], counts: Tensor | None, rate: float
    ) -> None:
        """Take in one step's losses and code counts `[Q, K]`; prints every `log_every` steps."""
        if self._clock_step < 0:
            self._clock, self._clock_step = time.monotonic(), step
        for name, value in parts.items():
            self._parts[name].append(value)
        if counts is not None:
            self._counts = counts.clone() if self._counts is None else self._counts.mul_(0.99).add_(counts)
        if step % recipe.log_every:
            return
        means = {name: float(np.mean(values)) for name, values in self._parts.items()}
        self._parts.clear()
        for name, value in means.items():
            self._plot(f"loss/{name}", value, step)
        self._plot("learning_rate", rate, step)
        words = [f"{step}/{recipe.steps} {recipe.stage(step - 1)}"]
        words += [f"{name} {value:.4f}" for name, value in means.items()]
        words += self._codebooks(step)
        per_step = (time.monotonic() - self._clock) / max(step - self._clock_step, 1)
        audio = recipe.batch * recipe.frames * 0.08 * parallel.world_size()
        words += [
            f"lr x{rate:.2f}",
            f"{audio * step / 3600:.1f} h seen",
            f"{audio / max(per_step, 1e-9):.0f}x real time",
        ]
        words.append(f"left {_clock(per_step * (recipe.steps - step))}")
        self._print("  ".join(words))
        if step - self._clock_step >= 10 * recipe.log_every:
            self._clock, self._clock_step = time.monotonic(), step

    def _codebooks(self, step: int) -> list[str]:
        if self._counts is None:
            return []
        share = self._counts / self._counts.sum(dim=1, keepdim=True).clamp(min=1)
        perplexity = torch.exp(-(share * share.clamp(min=1e-12).log()).sum(dim=1))
        used = (self._counts > 0.1 * self._counts.mean(dim=1, keepdim=True)).float().mean(dim=1)
        for level in range(len(used)):
            self._plot(f"codebook{level}/used", float(used[level]), step)
            self._plot(f"codebook{level}/perplexity", float(perplexity[level]), step)
        return [
            "used " + "/".join(f"{100 * float(u):.0f}" for u in used) + " %",
            "perplexity " + "/".join(f"{float(p):.0f}" for p in perplexity),
        ]

    def _plot(self, name: str, value: float, step: int) -> None:
        if self._board is not None:
            self._board.add_scalar(name, value, step)

    @torch.inference_mode()
    def validate(self, step: int, codec: Codec, quantized: bool = True) -> dict[str, float]:
        """Encode and decode the validation clips: mean loss and signal metrics, written to `validation.jsonl`."""
        if not self.validation or parallel.rank():
            return {}
        found: dict[str, list[float]] = defaultdict(list)
        device = next(codec.parameters()).device
        spectral, (metrics, _) = SpectralLoss().to(device), load_metrics(("pesq", "stoi"))
        for index, clip in enumerate(self.validation):
            size = codec.config.frame_samples
            wav = torch.from_numpy(clip[: len(clip) // size * size]).to(device)[None, None]
            entries, _, _ = codec.quantize(codec.encoder_latent(wav), unquantized=not quantized)
            output = codec.decode_latent(entries)
            found["mel"].append(float(spectral(output[:, 0], wav[:, 0]).mel))
            original, decoded = wav[0, 0].cpu().numpy(), output[0, 0].float().cpu().numpy()
            for name, metric in metrics.items():
                value = metric(original, decoded)
                if value is not None:
                    found[name].append(value)
            if index < 4:
                self._sample(step, index, original, decoded)
        means = {name: float(np.mean(values)) for name, values in found.items()}
        for name, value in means.items():
            self._plot(f"validation/{name}", value, step)
        with (self.folder / "validation.jsonl").open("a", encoding="utf-8") as out:
            out.write(json.dumps({"step": step, **{k: round(v, 4) for k, v in means.items()}}) + "\n")
        self._print(f"validation at {step}: " + "  ".join(f"{name} {value:.3f}" for name, value in means.items()))
        return means

    def _sample(self, step: int, index: int, original: Samples, decoded: Samples) -> None:
        folder = self.folder / "samples"
        folder.mkdir(parents=True, exist_ok=True)
        write_flac(folder / f"{index}-original.flac", original[None])
        write_flac(folder / f"{index}-step{step:07d}.flac", np.clip(decoded, -1.0, 1.0)[None])
        if self._board is not None:
            self._board.add_audio(f"sample{index}", decoded[None], step, SAMPLE_RATE)


def validation_clips(audio: Audio) -> list[Samples]:
    """The start of up to VALIDATION_CLIPS clips, spread over the speakers: float32 `[T]` at 24 kHz."""
    speakers: dict[str, int] = {}
    for index, clip in enumerate(audio.clips):
        if clip.seconds > 2.0:
            speakers.setdefault(clip.speaker, index)
    chosen = list(speakers.values())[:: max(1, len(speakers) // VALIDATION_CLIPS)][:VALIDATION_CLIPS]
    return [audio.segment(index, 0, int(VALIDATION_SECONDS * SAMPLE_RATE)) for index in chosen]


def _clock(seconds: float) -> str:
    minutes = int(max(seconds, 0.0)) // 60
    return f"{minutes // 60}:{minutes % 60:02d} h"


def _tensorboard(folder: Path) -> Any:
    """A TensorBoard writer, or None where tensorboard is not installed."""
    if importlib.util.find_spec("tensorboard") is None:
        return None
    from torch.utils.tensorboard import SummaryWriter

    return SummaryWriter(str(folder / "tensorboard"))

"""What a training run reports: progress lines, TensorBoard curves, validation figures and sample audio."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from corpus.audio import FRAME_RATE, Samples, write_flac

from ..metrics import load_metrics
from ..model import Codec
from . import parallel
from .curves import Curves
from .losses import SpectralLoss
from .pace import Pace
from .recipe import CodecRecipe

SAMPLES = 4  # crops whose sound is kept at every validation


class CodecProgress:
    """Collects losses and code counts between lines; silent in all processes but the first."""

    def __init__(self, folder: Path, validation: Sequence[Samples] = (), say: Callable[[str], None] = print) -> None:
        """`validation`: crops float32 `[T]` at 24 kHz, never trained on."""
        self.folder, self.validation = folder, validation
        self._print = say if parallel.rank() == 0 else lambda _: None
        self._parts: dict[str, list[float]] = defaultdict(list)
        self._counts: Tensor | None = None
        self._pace, self._curves = Pace(), Curves(folder)

    def begin(self, step: int) -> None:
        """Go on from a step."""
        self._pace, self._counts = Pace(), None
        self._parts.clear()
        self._curves.begin(step)

    def say(self, line: str) -> None:
        """Print a line, in the first process only."""
        self._print(line)

    def record(
        self, step: int, recipe: CodecRecipe, parts: dict[str, float], counts: Tensor | None, rate: float
    ) -> None:
        """Take in one step's losses and code counts `[Q, K]`; prints every `log_every` steps."""
        audio = recipe.batch * recipe.accumulate * parallel.world_size() * recipe.frames / FRAME_RATE
        if not self._pace.begun:
            self._pace.mark(step, audio * step)
        for name, value in parts.items():
            self._parts[name].append(value)
        if counts is not None:
            self._counts = counts.clone() if self._counts is None else self._counts.mul_(0.99).add_(counts)
        if step % recipe.log_every:
            return
        means = {name: float(np.mean(values)) for name, values in self._parts.items()}
        self._parts.clear()
        self._curves.plot("loss", means, step)
        self._curves.plot("run", {"learning_rate": rate}, step)
        words = [f"{step}/{recipe.steps} {recipe.stage(step - 1)}"]
        words += [f"{name} {value:.4f}" for name, value in means.items()]
        words += self._codebooks(step)
        self._pace.mark(step, audio * step)
        speed = self._pace.speed()
        words += [f"lr x{rate:.2f}", f"{audio * step / 3600:.2f} h seen"]
        if speed is not None:
            words += [f"{speed[1]:.0f}x real time", f"left {self._pace.left(recipe.steps - step)}"]
        self._print("  ".join(words))

    def _codebooks(self, step: int) -> list[str]:
        if self._counts is None:
            return []
        share = self._counts / self._counts.sum(dim=1, keepdim=True).clamp(min=1)
        perplexity = torch.exp(-(share * share.clamp(min=1e-12).log()).sum(dim=1))
        used = (self._counts > 0.1 * self._counts.mean(dim=1, keepdim=True)).float().mean(dim=1)
        for level in range(len(used)):
            figures = {"used": float(used[level]), "perplexity": float(perplexity[level])}
            self._curves.plot(f"codebook{level}", figures, step)
        return [
            "used " + "/".join(f"{100 * float(u):.0f}" for u in used) + " %",
            "perplexity " + "/".join(f"{float(p):.0f}" for p in perplexity),
        ]

    @torch.inference_mode()
    def validate(self, step: int, codec: Codec, quantized: bool = True) -> dict[str, float]:
        """Encode and decode all validation crops, written to `validation.jsonl`.

        Returns:
            Mean loss and signal metrics, every crop by its length.
        """
        if not self.validation or parallel.rank():
            return {}
        scores: dict[str, list[tuple[float, int]]] = defaultdict(list)
        size, device = codec.config.frame_samples, next(codec.parameters()).device
        spectral, (metrics, _) = SpectralLoss().to(device), load_metrics(("pesq", "stoi"))
        heard = {number * len(self.validation) // SAMPLES: number for number in reversed(range(SAMPLES))}
        for index, clip in enumerate(self.validation):
            wav = torch.from_numpy(clip[: len(clip) // size * size]).to(device)[None, None]
            entries, _, _ = codec.quantize(codec.encoder_latent(wav), unquantized=not quantized)
            output = codec.decode_latent(entries)
            scores["mel"].append((float(spectral(output[:, 0], wav[:, 0]).mel), len(clip)))
            original, decoded = wav[0, 0].cpu().numpy(), output[0, 0].float().cpu().numpy()
            for name, metric in metrics.items():
                value = metric(original, decoded)
                if value is not None:
                    scores[name].append((value, len(clip)))
            if index in heard:
                self._sample(step, heard[index], original, decoded)
        means = {
            name: float(np.average([v for v, _ in values], weights=[n for _, n in values]))
            for name, values in scores.items()
        }
        self._curves.validation(step, means)
        self._print(f"validation at {step}: " + "  ".join(f"{name} {value:.3f}" for name, value in means.items()))
        return means

    def _sample(self, step: int, index: int, original: Samples, decoded: Samples) -> None:
        folder = self.folder / "samples"
        folder.mkdir(parents=True, exist_ok=True)
        write_flac(folder / f"{index}-original.flac", original[None])
        write_flac(folder / f"{index}-step{step:07d}.flac", np.clip(decoded, -1.0, 1.0)[None])
        self._curves.sound(f"sample{index}", decoded, step)

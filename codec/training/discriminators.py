"""Discriminators for the adversarial stage: complex-STFT images, magnitude spectra as channels, folded periods.

Each returns a score map and its layers' features. A preset's size decides what a step costs: `light()` fits a CPU,
`full()` an accelerator. Sources: multi-scale STFT (EnCodec, arXiv 2210.13438), multi-period (HiFi-GAN, arXiv
2010.05646).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from .losses import spectrum

Judged = tuple[list[Tensor], list[list[Tensor]]]  # scores and features, one entry per sub-discriminator
SLOPE = 0.1  # of the leaky ReLU


@dataclass(frozen=True)
class DiscriminatorConfig:
    """Which discriminators, and how wide."""

    image_windows: tuple[int, ...]  # STFT sizes seen as complex images
    image_channels: int
    band_windows: tuple[int, ...]  # STFT sizes whose log magnitudes are channels over time
    band_channels: int
    periods: tuple[int, ...]
    period_channels: int


def full() -> DiscriminatorConfig:
    """The set for an accelerator."""
    return DiscriminatorConfig((2048, 1024, 512, 256, 128), 32, (), 0, (2, 3, 5, 7, 11), 32)


def light() -> DiscriminatorConfig:
    """The set for a CPU: about a fiftieth of the full set's work."""
    return DiscriminatorConfig((1024, 512, 256), 8, (2048, 512, 128), 64, (2, 5, 11), 8)


class ImageDiscriminator(nn.Module):
    """2-D convolutions over a complex STFT, halving the frequency axis at each layer."""

    window: Tensor

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        widths = [2, *[channels] * 5]
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (3, 8), stride=(1, 2), padding=(1, 3))) for a, b in pairwise(widths)
        )
        self.score = weight_norm(nn.Conv2d(channels, 1, 3, padding=1))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        """`[B, T]` -> score map `[B, 1, frames, bins]` and the layers' features."""
        stft = spectrum(audio, self.window, len(self.window) // 4).transpose(1, 2)
        return _run(self.layers, self.score, torch.stack([stft.real, stft.imag], dim=1) * 10.0)


class BandDiscriminator(nn.Module):
    """1-D convolutions over time; the bins of a log-magnitude spectrum are the channels."""

    window: Tensor

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(size), persistent=False)
        widths = [size // 2 + 1, *[channels] * 4]
        self.layers = nn.ModuleList(weight_norm(nn.Conv1d(a, b, 5, padding=2)) for a, b in pairwise(widths))
        self.score = weight_norm(nn.Conv1d(channels, 1, 3, padding=1))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        """`[B, T]` -> score map `[B, 1, frames]` and the layers' features."""
        stft = spectrum(audio, self.window, len(self.window) // 4)
        magnitude = (stft.real.square() + stft.imag.square() + 1e-10).sqrt()
        return _run(self.layers, self.score, 0.5 * torch.log10(magnitude + 1e-4) + 1.0)


class PeriodDiscriminator(nn.Module):
    """2-D convolutions over the waveform folded at a period, strided along time."""

    def __init__(self, period: int, channels: int) -> None:
        super().__init__()
        self.period = period
        widths = [1, channels, 2 * channels, 4 * channels, 4 * channels]
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(a, b, (5, 1), stride=(3, 1), padding=(2, 0))) for a, b in pairwise(widths)
        )
        self.score = weight_norm(nn.Conv2d(widths[-1], 1, (3, 1), padding=(1, 0)))

    def forward(self, audio: Tensor) -> tuple[Tensor, list[Tensor]]:
        """`[B, T]` -> score map `[B, 1, steps, period]` and the layers' features."""
        padded = functional.pad(audio, (0, -audio.shape[-1] % self.period))
        return _run(self.layers, self.score, padded.reshape(len(audio), 1, -1, self.period))


def _run(layers: nn.ModuleList, score: Callable[[Tensor], Tensor], x: Tensor) -> tuple[Tensor, list[Tensor]]:
    features = []
    for layer in layers:
        x = functional.leaky_relu(layer(x), SLOPE)
        features.append(x)
    return score(x), features


class Discriminators(nn.Module):
    """All sub-discriminators of a configuration."""

    def __init__(self, config: DiscriminatorConfig) -> None:
        super().__init__()
        self.judges = nn.ModuleList(
            [
                *(ImageDiscriminator(size, config.image_channels) for size in config.image_windows),
                *(BandDiscriminator(size, config.band_channels) for size in config.band_windows),
                *(PeriodDiscriminator(period, config.period_channels) for period in config.periods),
            ]
        )

    def forward(self, audio: Tensor) -> Judged:
        """`[B, T]`, at least as long as the largest window -> scores and features per sub-discriminator."""
        judged = [judge(audio.float()) for judge in self.judges]
        return [score for score, _ in judged], [features for _, features in judged]

"""Fixed spectral analysis as matrix products, so that training, streaming and ONNX run the same arithmetic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

Floats = npt.NDArray[np.float64]
GAIN = 1e9  # log10(GAIN * power + 1): silence is 0, full scale 9; written so since ONNX export drops a tiny addend


def fourier_basis(size: int) -> tuple[Floats, Floats]:
    """Cosine and minus sine of every bin: two `[size, size // 2 + 1]`, so that x @ them is the rfft of x."""
    angle = 2 * np.pi / size * np.outer(np.arange(size), np.arange(size // 2 + 1))
    return np.cos(angle), -np.sin(angle)


def half_sine(size: int) -> Floats:
    """The window `[size]` whose square adds up to one at half overlap."""
    return np.sin(np.pi * (np.arange(size) + 0.5) / size)


def mel_filters(bands: int, size: int, sample_rate: int) -> Tensor:
    """Triangular filters, unit sum, evenly spaced on the mel scale: float64 `[size // 2 + 1, bands]`."""
    top = 2595 * np.log10(1 + sample_rate / 2 / 700)
    edges = 700 * (10 ** (np.linspace(0, top, bands + 2) / 2595) - 1)
    frequency = np.linspace(0, sample_rate / 2, size // 2 + 1)[:, None]
    width = np.maximum(np.diff(edges), sample_rate / size)
    rise = 1 - (edges[1:-1] - frequency) / width[:-1]
    fall = 1 - (frequency - edges[1:-1]) / width[1:]
    filters = np.where(frequency <= edges[1:-1], rise, fall).clip(0, 1)
    return torch.from_numpy(filters / filters.sum(axis=0).clip(1e-9))


def constant(values: Floats) -> Tensor:
    """A float32 tensor on the CPU, whatever device a module is being built for."""
    return torch.from_numpy(values.astype(np.float32))


@dataclass(frozen=True)
class SpectrumState:
    """The last `window - hop` samples: `[B, window - hop]`."""

    previous: Tensor


class LogSpectrum(nn.Module):
    """Log power in mel bands and in the lowest linear bins, over windows that end with the current hop.

    The window rises slowly and falls fast, so that the newest samples weigh in without look-ahead.
    """

    analysis: Tensor
    mel: Tensor

    def __init__(self, window: int, fall: int, hop: int, mel_bands: int, linear_bins: int, sample_rate: int) -> None:
        super().__init__()
        self.window, self.hop, self.linear_bins = window, hop, linear_bins
        self.dim = mel_bands + linear_bins
        rise = np.arange(window - fall) + 0.5
        drop = np.arange(fall) + 0.5
        taper = (
            np.concatenate([np.sin(np.pi / 2 * rise / len(rise)), np.cos(np.pi / 2 * drop / len(drop))])[:, None] ** 2
        )
        analysis = np.concatenate(fourier_basis(window), axis=1) * taper * 2 / taper.sum()
        self.register_buffer("analysis", constant(analysis), persistent=False)
        self.register_buffer("mel", mel_filters(mel_bands, window, sample_rate).float(), persistent=False)

    def init_state(self, batch: int) -> SpectrumState:
        """Silence before the first sample."""
        return SpectrumState(self.mel.new_zeros(batch, self.window - self.hop))

    def forward(self, wav: Tensor, state: SpectrumState) -> tuple[Tensor, SpectrumState]:
        """Samples `[B, T]`, T a multiple of the hop -> features `[B, T / hop, dim]`, about -2..2."""
        with torch.autocast(wav.device.type, enabled=False):
            samples = torch.cat([state.previous, wav.float()], dim=1)
            spectrum = samples.unfold(1, self.window, self.hop) @ self.analysis
            real, imaginary = spectrum.chunk(2, dim=-1)
            power = real.square() + imaginary.square()
            bands = torch.cat([power @ self.mel, power[..., 1 : self.linear_bins + 1]], dim=-1)
            features = ((bands * GAIN + 1).log10() - 3.5) / 2
        return features, SpectrumState(samples[:, -(self.window - self.hop) :])

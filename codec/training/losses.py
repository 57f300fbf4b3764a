"""Training losses of the codec: multi-scale spectral, adversarial and feature-matching terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from corpus.audio import SAMPLE_RATE

from ..layers.spectrum import mel_filters


@dataclass(frozen=True)
class Scale:
    """One resolution of a spectral loss, in samples at 24 kHz."""

    window: int
    hop: int
    mels: int


MEL_SCALES = (
    Scale(128, 64, 12),
    Scale(256, 64, 24),
    Scale(512, 128, 48),
    Scale(1024, 256, 80),
    Scale(2048, 512, 128),
)


def spectrum(audio: Tensor, window: Tensor, hop: int) -> Tensor:
    """Complex STFT `[B, bins, frames]` of `[B, T]`, no padding, scaled so that a full-scale sine reads 0.5."""
    size = window.shape[0]
    stft = torch.stft(audio, size, hop, size, window, center=False, return_complex=True)
    return stft / window.sum()


@dataclass(frozen=True)
class SpectralError:
    """Mean absolute errors, each a scalar averaged over its resolutions.

    mel: of log10 mel bands. fine: of the square roots of linear-frequency magnitudes, where harmonics show.
    complex: of the complex spectra; for bodies that reproduce the waveform's phase.
    """

    mel: Tensor
    fine: Tensor
    complex: Tensor


class SpectralLoss(nn.Module):
    """Distances of spectra at several resolutions, independent of the recording's level.

    Both signals are divided by the target's RMS first, and `floor` (relative to it) bounds the logarithm from below:
    room noise that far under the speech costs nothing, so no bits are spent on it.
    """

    def __init__(
        self, scales: Sequence[Scale] = MEL_SCALES, floor: float = 2e-4, fine_windows: Sequence[int] = (512, 1024, 2048)
    ) -> None:
        super().__init__()
        self.scales, self.floor, self.fine_windows = tuple(scales), floor, tuple(fine_windows)
        for scale in self.scales:
            self.register_buffer(f"window{scale.window}", torch.hann_window(scale.window), persistent=False)
            filters = torch.as_tensor(mel_filters(scale.mels, scale.window, SAMPLE_RATE)).float()
            self.register_buffer(f"filters{scale.window}", filters, persistent=False)
        missing = set(fine_windows) - {scale.window for scale in self.scales}
        if missing:
            raise ValueError(f"fine windows {sorted(missing)} are not among the mel windows")

    def forward(self, output: Tensor, target: Tensor, with_complex: bool = False) -> SpectralError:
        """Compare `[B, T]` with `[B, T]`, T at least the longest window; the complex error is zero unless asked for."""
        level = target.float().square().mean(-1, keepdim=True).sqrt().clamp_min(1e-2)
        output, target = output.float() / level, target.float() / level
        mel, fine, phase = ([output.new_zeros(())] for _ in range(3))
        for scale in self.scales:
            ours = self._views(output, scale)
            with torch.no_grad():
                theirs = self._views(target, scale)
            mel.append((ours[0] - theirs[0]).abs().mean())
            if scale.window in self.fine_windows:
                fine.append((ours[1].sqrt() - theirs[1].sqrt()).abs().mean())
                if with_complex:
                    phase.append((torch.view_as_real(ours[2]) - torch.view_as_real(theirs[2])).abs().mean())
        means = [torch.stack(terms).sum() / max(len(terms) - 1, 1) for terms in (mel, fine, phase)]
        return SpectralError(*means)

    def _views(self, audio: Tensor, scale: Scale) -> tuple[Tensor, Tensor, Tensor]:
        """log10 mel bands, magnitudes and complex spectrum."""
        stft = spectrum(audio, self.get_buffer(f"window{scale.window}"), scale.hop)
        energy = stft.real.square() + stft.imag.square()
        magnitude = (energy + (0.1 * self.floor) ** 2).sqrt()  # a finite slope at silence
        bands = magnitude.transpose(1, 2) @ self.get_buffer(f"filters{scale.window}")
        return torch.log10(bands + self.floor), magnitude, stft


def hinge_discriminator(real: Sequence[Tensor], fake: Sequence[Tensor]) -> Tensor:
    """Hinge loss of a discriminator (Lim and Ye 2017), averaged over sub-discriminators."""
    terms = [functional.relu(1.0 - r).mean() + functional.relu(1.0 + f).mean() for r, f in zip(real, fake, strict=True)]
    return torch.stack(terms).mean()


def hinge_generator(fake: Sequence[Tensor]) -> Tensor:
    """Hinge loss of the generator: minus the mean score, averaged over sub-discriminators."""
    return -torch.stack([f.mean() for f in fake]).mean()


def feature_matching(real: Sequence[Sequence[Tensor]], fake: Sequence[Sequence[Tensor]]) -> Tensor:
    """Mean absolute feature difference relative to the real features' size (EnCodec), over all layers."""
    terms = [
        functional.l1_loss(f, r.detach()) / r.detach().abs().mean().clamp_min(1e-6)
        for layers_real, layers_fake in zip(real, fake, strict=True)
        for r, f in zip(layers_real, layers_fake, strict=True)
    ]
    return torch.stack(terms).mean()

"""A differentiable disturbance in loudness, after the perceptual model of ITU-T P.862 (PESQ).

Power in Bark bands becomes loudness (Zwicker's law with the threshold of hearing); small differences are masked, and
what a codec adds weighs more than what it leaves out. The alignment in time and the long-term equalisation of the
recommendation are left out: a codec trained with this keeps time and should not filter.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from corpus.audio import SAMPLE_RATE

WINDOW = 768  # samples, 32 ms
HOP = WINDOW // 2
BANDS = 42
TOP = 8_000.0  # Hz
SPEECH_DB_SPL = 79.0  # level that speech is taken to be heard at
POWER = 0.23  # Zwicker's exponent
MASKED = 0.25  # share of the smaller loudness by which the other may differ unheard
ASYMMETRY, LEAST, MOST = 1.2, 3.0, 12.0  # exponent and bounds of the factor of added sound
QUIET = 50.0  # power added to both sides of that factor's ratio
SYLLABLE = 20  # frames whose worst weigh most
SYMMETRIC_WEIGHT, ASYMMETRIC_WEIGHT = 0.1, 0.0309
LOUDEST = 45.0  # a frame's disturbance at most


def bark(hertz: np.ndarray) -> np.ndarray:
    """Critical-band rate of frequencies (Zwicker and Terhardt 1980)."""
    return np.asarray(13 * np.arctan(0.00076 * hertz) + 3.5 * np.arctan((hertz / 7500) ** 2))


def threshold_db(hertz: np.ndarray) -> np.ndarray:
    """Threshold of hearing in dB SPL (Terhardt 1979)."""
    k = np.maximum(hertz, 20.0) / 1000
    return np.asarray(3.64 * k**-0.8 - 6.5 * np.exp(-0.6 * (k - 3.3) ** 2) + 1e-3 * k**4)


class LoudnessLoss(nn.Module):
    """How disturbing a decoded signal is beside the original: 0 for the same, about 4.5 less PESQ's raw score."""

    window: Tensor
    bands: Tensor
    threshold: Tensor
    width: Tensor

    def __init__(self) -> None:
        super().__init__()
        hertz = np.arange(WINDOW // 2 + 1) * SAMPLE_RATE / WINDOW
        edges = np.linspace(bark(np.array(60.0)), bark(np.array(TOP)), BANDS + 1)
        place = np.clip(np.searchsorted(edges, bark(hertz), side="right") - 1, -1, BANDS)
        members = np.array([(place == band) for band in range(BANDS)], np.float64)
        kept = members.sum(1) > 0  # the lowest bands are narrower than a bin
        members = members[kept]
        centres = (members @ hertz) / members.sum(1)
        self.register_buffer("window", torch.hann_window(WINDOW), persistent=False)
        self.register_buffer("bands", torch.from_numpy(members.T).float(), persistent=False)
        self.register_buffer(
            "threshold", torch.from_numpy(10 ** (threshold_db(centres) / 10)).float(), persistent=False
        )
        widths = np.diff(edges)[kept]
        self.register_buffer("width", torch.from_numpy(widths / widths.mean()).float(), persistent=False)

    def forward(self, output: Tensor, target: Tensor) -> Tensor:
        """Mean disturbance `[]` of decoded audio `[B, T]` against the original `[B, T]`; gradient to the output."""
        level = target.float().square().mean(-1, keepdim=True).sqrt().clamp_min(1e-3)
        with torch.no_grad():
            original = self._power(target.float() / level)
            heard = self._loudness(original)
        decoded = self._power(output.float() / level)
        loudness = self._loudness(decoded)
        difference = loudness - heard
        masked = MASKED * torch.minimum(loudness, heard)
        disturbance = difference.sign() * (difference.abs() - masked).clamp_min(0.0)
        ratio = ((decoded.detach() + QUIET) / (original + QUIET)) ** ASYMMETRY
        factor = torch.where(ratio < LEAST, 0.0, ratio.clamp(max=MOST))
        weight = ((original.sum(-1) + 1e5) / 1e7) ** 0.04
        both = (disturbance.square() * self.width).sum(-1).add(1e-6).sqrt() / weight
        added = (disturbance.clamp_min(0.0) * factor * self.width).sum(-1) / weight
        return SYMMETRIC_WEIGHT * _over_time(both) + ASYMMETRIC_WEIGHT * _over_time(added)

    def _power(self, audio: Tensor) -> Tensor:
        """Power in Bark bands `[B, frames, bands]` of audio of RMS 1, where 1 is 0 dB SPL."""
        stft = torch.stft(audio, WINDOW, HOP, WINDOW, self.window, center=False, return_complex=True)
        energy = (stft.real.square() + stft.imag.square()).transpose(1, 2) * (2 / (WINDOW * self.window.square().sum()))
        return (energy @ self.bands) * 10 ** (SPEECH_DB_SPL / 10)

    def _loudness(self, power: Tensor) -> Tensor:
        """Sones per Bark, about: zero under the threshold of hearing."""
        scale = (self.threshold / 0.5) ** POWER
        return 0.187 * (scale * ((0.5 + 0.5 * power / self.threshold) ** POWER - 1)).clamp_min(0.0)


def _over_time(frames: Tensor) -> Tensor:
    """Disturbance of frames `[B, N]` -> mean `[]`: the sixth norm within a syllable, the second over all."""
    frames = frames.clamp(max=LOUDEST)
    size = min(SYLLABLE, frames.shape[1])
    syllables = frames.unfold(1, size, max(size // 2, 1))
    worst = (syllables + 1e-4).pow(6).mean(-1).pow(1 / 6)
    return worst.square().mean(-1).sqrt().mean()

"""The source of the harmonic-plus-noise head: a pulse train that follows a pitch track, and a fixed noise.

The pulse train is a sum of harmonics k = 1, 2, ... with amplitudes r**k, closed form
    sum r**k cos(k a) = (1 - r cos a) / (1 - 2 r cos a + r**2) - 1,   r chosen so that r**k is -40 dB at half the rate,
and the head's Fourier basis undoes that tilt. Phase runs on in float64 turns, so a stream never drifts.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from .spectrum import constant, fourier_basis, half_sine

LOWEST, HIGHEST = 50.0, 600.0  # Hz, of the pitch
TILT = math.log(100.0)  # the pulse spectrum falls by this factor up to half the sample rate
NOISE_HOPS = 1024  # length of the noise before it repeats: 10 s
NOISE_SEED = 1897


@dataclass(frozen=True)
class ExcitationState:
    """Where the pulse train and the noise stand."""

    phase: Tensor  # float64 [B], turns in 0..1 at the end of the last hop
    frequency: Tensor  # float64 [B], Hz at the end of the last hop; 0 before the first
    hop: Tensor  # int64 [B], hops so far modulo NOISE_HOPS


class Excitation(nn.Module):
    """Pitch at the hop rate -> windowed source patches of two hops that start with the current hop."""

    taper: Tensor
    noise: Tensor

    def __init__(self, hop: int, sample_rate: int) -> None:
        super().__init__()
        self.hop, self.sample_rate = hop, sample_rate
        self.register_buffer("taper", constant(half_sine(2 * hop)), persistent=False)
        noise = np.random.default_rng(NOISE_SEED).standard_normal((NOISE_HOPS, 2 * hop))
        spectra = np.concatenate([noise @ basis for basis in fourier_basis(2 * hop)], axis=1)
        self.register_buffer("noise", constant(spectra), persistent=False)

    def init_state(self, batch: int) -> ExcitationState:
        """Phase zero, no pitch yet."""
        zeros = self.taper.new_zeros(batch)
        return ExcitationState(zeros.double(), zeros.double(), zeros.long())

    def forward(self, pitch: Tensor, state: ExcitationState) -> tuple[Tensor, Tensor, ExcitationState]:
        """Pitch in Hz at the end of each hop, float64 `[B, T]`.

        Returns:
            pulse patches `[B, T, 2 hop]` (power about 1, windowed by a half sine), the noise's spectra
            `[B, T, 2 (hop + 1)]` (real then imaginary parts) and the state.
        """
        before = torch.cat([state.frequency[:, None], pitch[:, :-1]], dim=1)
        before = torch.where(before > 0, before, pitch)
        advance = (before + pitch) / float(2 * self.sample_rate // self.hop)
        end = state.phase[:, None] + advance.cumsum(dim=1)
        start = end - advance
        turns = self._turns((start - start.floor()).float(), (end - end.floor()).float(), before.float(), pitch.float())
        patches = self._pulses(turns, pitch.float()) * self.taper
        index = (state.hop[:, None] + torch.arange(pitch.shape[1], device=pitch.device)) % NOISE_HOPS
        last = end[:, -1]
        state = ExcitationState(last - last.floor(), pitch[:, -1], (state.hop + pitch.shape[1]) % NOISE_HOPS)
        return patches, self.noise[index], state

    def _turns(self, start: Tensor, end: Tensor, before: Tensor, pitch: Tensor) -> Tensor:
        """Phase in turns `[B, T, 2 hop]`: the pitch glides during the hop and is held beyond it."""
        step = torch.arange(self.hop, device=pitch.device, dtype=torch.float32) / self.sample_rate
        glide = (pitch - before) * (self.sample_rate / (2 * self.hop))
        now = start[..., None] + (before[..., None] + glide[..., None] * step) * step
        return torch.cat([now, end[..., None] + pitch[..., None] * step], dim=-1)

    def _pulses(self, turns: Tensor, pitch: Tensor) -> Tensor:
        """The closed form above, written with sin(a / 2)**2 to stay exact near a pulse."""
        ratio = torch.exp(pitch * (-2 * TILT / self.sample_rate))[..., None]
        half = torch.sin(turns * math.pi).square()
        rest = 1 - ratio
        train = (rest + 2 * ratio * half) / (rest.square() + 4 * ratio * half) - 1
        return train * (pitch * (4 / self.sample_rate)).sqrt()[..., None]

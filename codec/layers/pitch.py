"""Pitch of speech by autocorrelation: the training target of the laptop decoder's pitch output.

Boersma's method (1993): the autocorrelation of a tapered frame divided by that of the taper. The spectrum is
compressed first, which flattens the formants whose ripple would otherwise pass for a pitch.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from .excitation import HIGHEST, LOWEST

DECIMATION = 3  # 24 kHz -> 8 kHz
WINDOW = 400  # samples at 8 kHz: 50 ms
SIZE = 1024  # of the Fourier transform
COMPRESSION = 0.6  # exponent on power; 1 would be the plain autocorrelation
BAND = (50.0, 1500.0)  # Hz of the spectrum that counts
OVERSAMPLING = 2  # of the lags, so that no short period falls between two
MEDIAN = 5  # hops of the median that removes octave slips


@torch.no_grad()
def track(wav: Tensor, hop: int = 240, sample_rate: int = 24_000) -> tuple[Tensor, Tensor]:
    """Pitch at the end of every hop.

    Args:
        wav: `[B, T]`, T a multiple of `hop`.

    Returns:
        pitch in Hz `[B, T / hop]` within 50..600 and its periodicity in 0..1 `[B, T / hop]` (above about 0.4: voiced).
        The window is centred on the hop's end, so the last three hops see silence beyond the end.
    """
    rate = sample_rate // DECIMATION
    taps = torch.hann_window(4 * DECIMATION + 1, periodic=False, device=wav.device)
    low = functional.conv1d(
        wav[:, None].float(), (taps / taps.sum())[None, None], stride=DECIMATION, padding=2 * DECIMATION
    )[:, 0]
    step = hop // DECIMATION
    frames = functional.pad(low, (WINDOW // 2 - step, WINDOW)).unfold(1, WINDOW, step)[:, : wav.shape[1] // hop]
    fine = OVERSAMPLING * rate
    shortest, longest = int(fine / HIGHEST), math.ceil(fine / LOWEST)
    return _pick(_correlation(frames, longest + 1, rate), shortest, longest, fine)


def _correlation(frames: Tensor, lags: int, rate: int) -> Tensor:
    """Normalised autocorrelation of the compressed spectrum, `[..., lags]`, 1 at lag 0; OVERSAMPLING lags a sample."""
    taper = torch.hann_window(WINDOW, device=frames.device)
    lowest, highest = (round(edge * SIZE / rate) for edge in BAND)
    size = OVERSAMPLING * SIZE

    power = torch.fft.rfft(frames * taper, SIZE).abs().square().pow(COMPRESSION)
    power[..., :lowest] = 0
    power[..., highest:] = 0
    own = torch.fft.irfft(power, size)[..., :lags]
    window = torch.fft.irfft(torch.fft.rfft(taper, SIZE).abs().square(), size)[:lags]
    quiet = (1e-4 * WINDOW) ** (2 * COMPRESSION) / OVERSAMPLING  # a frame below -80 dB is not periodic
    normalised: Tensor = own / (own[..., :1] + quiet) / (window / window[0])
    return normalised


def _pick(score: Tensor, shortest: int, longest: int, rate: int) -> tuple[Tensor, Tensor]:
    """The best peak with a slight preference for short lags, refined by a parabola and a median over time."""
    left, middle, right = (
        score[..., shortest - 1 : longest - 1],
        score[..., shortest:longest],
        score[..., shortest + 1 :],
    )
    lags = torch.arange(shortest, longest, device=score.device)
    bias = 0.1 * torch.log2(lags / shortest) / math.log2(longest / shortest)
    peaks = torch.where((middle >= left) & (middle >= right), middle - bias, -1.0)
    best = peaks.argmax(dim=-1, keepdim=True)
    left, peak, right = (values.gather(-1, best)[..., 0] for values in (left, middle, right))
    curve = (left - 2 * peak + right).clamp(max=-1e-6)
    offset = (0.5 * (left - right) / curve).clamp(-0.5, 0.5)
    pitch = (rate / (lags[best[..., 0]] + offset)).clamp(LOWEST, HIGHEST)
    half = MEDIAN // 2
    smooth = functional.pad(pitch, (half, half), mode="replicate").unfold(1, MEDIAN, 1).median(dim=-1).values
    close = (torch.log2(smooth / pitch).abs() < 0.3).to(pitch.dtype)
    return torch.lerp(smooth, pitch, close), peak.clamp(0, 1)

"""Pseudo-speakers: one synthetic voice moved towards another speaker's pitch, formants and timbre with WORLD.

This is not cloning: rhythm, accent and manner stay those of the base voice. The WORLD vocoder is Morise et al. (2016).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyworld
from scipy.ndimage import gaussian_filter1d  # type: ignore[import-untyped]
from scipy.signal import firwin2, oaconvolve  # type: ignore[import-untyped]

from corpus.audio import Samples

from ..voice_profile import VoiceProfile, band_centres
from .pitch import HIGHEST, LOWEST, track_pitch

PERIOD = 0.005  # s between frames of the vocoder
TRACK_PERIOD = 0.01  # s between frames of the pitch tracker
_PITCH_RATIOS = (0.6, 2.6)
_SPREAD_RATIOS = (0.6, 1.6)
_WARPS = np.arange(0.88, 1.2201, 0.01)
_WARP_PER_OCTAVE = 0.13  # formants rise with pitch between speakers: 13 % for an octave
_WARP_TRUST = 1.0  # weight of that rule against the spectral match
_EQ_LIMIT = 9.0  # dB
_EQ_SMOOTHING = 1.5  # bands
_GAINS = (0.1, 10.0)  # of the filter that warps unvoiced sounds

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class PseudoSpeaker:
    """How to change the base voice.

    Attributes:
        base_pitch: median pitch of the base voice, Hz.
        pitch_ratio: median pitch of the speaker over it.
        spread_ratio: the same of the pitch spread.
        warp: factor on all formant frequencies.
        eq: gain in dB per band.
    """

    base_pitch: float
    pitch_ratio: float
    spread_ratio: float
    warp: float
    eq: tuple[float, ...]


def measure(samples: Samples, rate: int) -> VoiceProfile:
    """Measure a voice from some seconds of clean speech, float32 `[T]` at `rate` Hz.

    Raises:
        ValueError: there is less than half a second of voiced speech.
    """
    pitch, envelope, _ = _analyse(samples.astype(np.float64), rate, aperiodicity=False)
    voiced = pitch > 0
    if voiced.sum() * PERIOD < 0.5:
        raise ValueError("the clip holds less than half a second of voiced speech")
    low, median, high = np.percentile(np.log2(pitch[voiced]), (16, 50, 84))
    level = 10 * np.log10(envelope[voiced] + 1e-12)
    loud = level.mean(axis=1) > np.percentile(level.mean(axis=1), 30)
    mean = (level[loud] - level[loud].mean(axis=1, keepdims=True)).mean(axis=0)
    bands = np.interp(band_centres(), _bins(mean, rate), mean)
    bands -= bands.mean()
    return VoiceProfile(
        round(float(2**median), 2),
        round(float(high - low) / 2, 4),
        tuple(round(float(band), 2) for band in bands),
    )


def fit(reference: VoiceProfile, base: VoiceProfile) -> PseudoSpeaker:
    """Find what moves the base voice to the reference, kept to what speech survives."""
    pitch_ratio = float(np.clip(reference.pitch / base.pitch, *_PITCH_RATIOS))
    spread_ratio = float(np.clip(reference.spread / base.spread, *_SPREAD_RATIOS))
    warp = _best_warp(np.array(reference.bands), np.array(base.bands), pitch_ratio)
    difference = np.array(reference.bands) - _warped_bands(np.array(base.bands), warp)
    eq = gaussian_filter1d(difference - difference.mean(), _EQ_SMOOTHING, mode="nearest").clip(-_EQ_LIMIT, _EQ_LIMIT)
    return PseudoSpeaker(
        base.pitch,
        round(pitch_ratio, 4),
        round(spread_ratio, 4),
        round(warp, 3),
        tuple(round(float(gain), 2) for gain in eq),
    )


def apply(samples: Samples, rate: int, speaker: PseudoSpeaker) -> Samples:
    """Change a clip of the base voice into a pseudo-speaker.

    Args:
        samples: float32 `[T]` at `rate` Hz.

    Returns:
        float32 `[T]`: as long as the input and in step with it, so word times stay valid; of the same RMS.
    """
    source = samples.astype(np.float64)
    pitch, envelope, noisiness = _analyse(source, rate, aperiodicity=True)
    voiced = pitch > 0
    octaves = np.log2(np.where(voiced, pitch, speaker.base_pitch) / speaker.base_pitch)
    moved = speaker.base_pitch * speaker.pitch_ratio * 2 ** (octaves * speaker.spread_ratio)
    moved = np.where(voiced, moved.clip(LOWEST, HIGHEST), 0.0)
    logarithm = np.log(envelope + 1e-16)
    warped = _warped(logarithm, speaker.warp)
    vocoded = pyworld.synthesize(
        moved,
        np.ascontiguousarray(np.exp(warped)),
        np.ascontiguousarray(_warped(noisiness, speaker.warp).clip(0.0, 1.0)),
        rate,
        PERIOD * 1000,
    )
    share = _voiced_share(voiced, len(source), rate)
    filtered = _filtered(source, np.exp((warped - logarithm) / 2).clip(*_GAINS), rate)
    mixed = (1 - share) * filtered
    mixed[: len(vocoded)] += share[: len(vocoded)] * vocoded[: len(source)]
    out = oaconvolve(mixed, _equaliser(speaker.eq, rate), mode="same")
    gain = np.sqrt(np.mean(source**2) / max(float(np.mean(out**2)), 1e-12))
    out *= min(gain, 0.99 / max(float(np.abs(out).max()), 1e-9))
    return np.asarray(out, np.float32)


def _analyse(source: Floats, rate: int, aperiodicity: bool) -> tuple[Floats, Floats, Floats]:
    """Pitch `[F]`, power envelope `[F, K]` and, if asked for, aperiodicity `[F, K]` every PERIOD seconds."""
    times = np.arange(int(len(source) / rate / PERIOD) + 1) * PERIOD
    coarse = track_pitch(source.astype(np.float32), rate, TRACK_PERIOD)
    nearest = np.minimum(np.round(times / TRACK_PERIOD).astype(np.int64), len(coarse) - 1)
    coarse_times = np.arange(len(coarse)) * TRACK_PERIOD
    known = coarse > 0
    smooth = np.interp(times, coarse_times[known], coarse[known]) if known.any() else np.zeros(len(times))
    pitch = np.where(known[nearest], smooth, 0.0)
    pitch = pyworld.stonemask(source, pitch, times, rate)
    pitch[(pitch < LOWEST) | (pitch > HIGHEST)] = 0.0
    envelope = pyworld.cheaptrick(source, pitch, times, rate, f0_floor=LOWEST)
    if not aperiodicity:
        return pitch, envelope, np.zeros_like(envelope)
    return pitch, envelope, pyworld.d4c(source, pitch, times, rate, fft_size=2 * (envelope.shape[1] - 1))


def _bins(spectrum: Floats, rate: int) -> Floats:
    return np.linspace(0.0, rate / 2, spectrum.shape[-1])


def _warped(frames: Floats, warp: float) -> Floats:
    """Spectra `[F, K]` with their frequencies multiplied by `warp`."""
    last = frames.shape[1] - 1
    position = np.minimum(np.arange(last + 1) / warp, last - 1e-9)
    below = position.astype(np.int64)
    part = position - below
    return np.asarray(frames[:, below] * (1 - part) + frames[:, below + 1] * part, np.float64)


def _warped_bands(bands: Floats, warp: float) -> Floats:
    centres = band_centres()
    return np.interp(centres / warp, centres, bands)


def _best_warp(reference: Floats, base: Floats, pitch_ratio: float) -> float:
    """The warp after which the slopes of both envelopes agree best, near what the pitches suggest."""
    wanted = np.gradient(gaussian_filter1d(reference, 1.0))
    usual = 1 + _WARP_PER_OCTAVE * np.log2(pitch_ratio)

    def merit(warp: float) -> float:
        slopes = np.gradient(gaussian_filter1d(_warped_bands(base, warp), 1.0))
        return float(np.corrcoef(slopes[3:-3], wanted[3:-3])[0, 1] - _WARP_TRUST * (warp - usual) ** 2 / 0.1)

    return float(max(_WARPS, key=merit))


def _equaliser(eq: tuple[float, ...], rate: int) -> Floats:
    """Linear-phase filter with the gains of `eq` in its bands, level outside them."""
    centres = band_centres()
    points = np.concatenate([[0.0], centres, [rate / 2]])
    gains = np.array([eq[0], *eq, eq[-1] / 2])
    return np.asarray(firwin2(511, points, 10 ** (gains / 20), fs=rate), np.float64)


def _filtered(source: Floats, gains: Floats, rate: int) -> Floats:
    """Sound `[T]` through a filter that changes with time: magnitudes `[F, K]`, one frame every PERIOD seconds."""
    size = 2 * (gains.shape[1] - 1)
    width, hop = size // 2, size // 8
    padded = np.pad(source, width)
    frames = np.lib.stride_tricks.sliding_window_view(padded, width)[::hop] * np.hanning(width + 1)[:-1]
    centres = (np.arange(len(frames)) * hop - width / 2) / rate
    nearest = np.round(centres / PERIOD).astype(np.int64).clip(0, len(gains) - 1)
    # The filter has no phase: its response reaches back in time, which the roll makes room for.
    shaped = np.roll(np.fft.irfft(np.fft.rfft(frames, size) * gains[nearest], size), width // 2, axis=1)
    out = np.zeros(len(padded) + size)
    for index, frame in enumerate(shaped):
        out[index * hop : index * hop + size] += frame
    first = width + width // 2
    return np.asarray(out[first : first + len(source)] / (width / 2 / hop), np.float64)


def _voiced_share(voiced: npt.NDArray[np.bool_], length: int, rate: int) -> Floats:
    """How much of each sample comes from the vocoder: 1 in voiced frames, 0 in others, with short ramps."""
    times = np.arange(length) / rate
    share = np.interp(times, np.arange(len(voiced)) * PERIOD, voiced.astype(np.float64))
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * share), np.float64)

"""Pitch of clean speech: autocorrelation with octave and transition costs, after Boersma (1993).

WORLD's own trackers take the second harmonic for the fundamental in low, creaky voices.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from corpus.audio import Samples, resample

LOWEST, HIGHEST = 65.0, 420.0  # Hz
_RATE = 11_025  # Hz, of the analysis
_WINDOW = 0.05  # s: three periods of the lowest pitch
_PER_OCTAVE = 36
_VOICING = 0.45  # normalised autocorrelation from which a frame counts as voiced
_SILENCE = 0.03  # of the clip's loud amplitude, under which a frame cannot be voiced
_OCTAVE_COST = 0.03  # per octave downwards: of two equal periods, the shorter one
_JUMP_COST = 1.0  # per octave between frames
_TURN_COST = 0.2  # between voiced and unvoiced

Floats = npt.NDArray[np.float64]


def track_pitch(samples: Samples, rate: int, period: float) -> Floats:
    """Pitch of a clip.

    Args:
        samples: float32 `[T]` at `rate` Hz.
        period: seconds between frames; frame `i` is centred on `i * period`.

    Returns:
        Hz `[int(T / rate / period) + 1]`, 0 where unvoiced.
    """
    frames = _frames(resample(samples, rate, _RATE), int(len(samples) / rate / period) + 1, period)
    candidates = LOWEST * 2 ** (np.arange(int(np.log2(HIGHEST / LOWEST) * _PER_OCTAVE) + 1) / _PER_OCTAVE)
    strength = _autocorrelation(frames, _RATE / candidates) - _OCTAVE_COST * np.log2(HIGHEST / candidates)
    amplitude = np.sqrt((frames**2).mean(axis=1))
    quiet = amplitude < _SILENCE * np.percentile(amplitude, 95)
    unvoiced = np.where(quiet, 2.0, _VOICING)
    best = _viterbi(strength, unvoiced)
    return np.where(best < len(candidates), candidates[np.minimum(best, len(candidates) - 1)], 0.0)


def _frames(samples: Samples, count: int, period: float) -> Floats:
    """Windows `[count, W]` centred on multiples of `period`, their mean removed."""
    width = round(_WINDOW * _RATE)
    padded = np.pad(samples.astype(np.float64), (width // 2, width))
    starts = np.round(np.arange(count) * period * _RATE).astype(np.int64)
    windows = np.lib.stride_tricks.sliding_window_view(padded, width)[np.minimum(starts, len(padded) - width)]
    return np.asarray(windows - windows.mean(axis=1, keepdims=True), np.float64)


def _autocorrelation(frames: Floats, lags: Floats) -> Floats:
    """Normalised autocorrelation `[F, L]` of Hann-windowed frames at fractional lags, the window's own divided out."""
    width = frames.shape[1]
    window = np.hanning(width)
    size = 2 ** int(np.ceil(np.log2(2 * width)))

    def correlate(signal: Floats) -> Floats:
        spectrum = np.abs(np.fft.rfft(signal, size)) ** 2
        return np.asarray(np.fft.irfft(spectrum, size)[..., :width], np.float64)

    own = correlate(window)
    raw = correlate(frames * window)
    normal = raw / np.maximum(raw[:, :1], 1e-12) / (own / own[0] + 1e-6)
    below = np.floor(lags).astype(np.int64)
    left, mid, right = (normal[:, below + shift] for shift in (0, 1, 2))
    # Parabola through three neighbours: linear interpolation would favour candidates on whole lags.
    x = lags - below - 1
    return np.asarray(mid + x * (right - left) / 2 + x**2 * (right + left - 2 * mid) / 2, np.float64)


def _viterbi(strength: Floats, unvoiced: Floats) -> npt.NDArray[np.int64]:
    """Best path over candidates `[F, L]`, the unvoiced state being number L."""
    count, pitches = strength.shape
    steps = np.abs(np.subtract.outer(np.arange(pitches), np.arange(pitches))) / _PER_OCTAVE
    penalty = np.full((pitches + 1, pitches + 1), _TURN_COST)
    penalty[:pitches, :pitches] = _JUMP_COST * steps
    penalty[pitches, pitches] = 0.0
    gain = np.concatenate([strength, unvoiced[:, None]], axis=1)
    score = gain[0]
    came_from = np.zeros((count, pitches + 1), np.int64)
    for index in range(1, count):
        reached = score[:, None] - penalty
        came_from[index] = reached.argmax(axis=0)
        score = reached[came_from[index], np.arange(pitches + 1)] + gain[index]
    path = np.empty(count, np.int64)
    path[-1] = score.argmax()
    for index in range(count - 1, 0, -1):
        path[index - 1] = came_from[index, path[index]]
    return path

"""What the listener hears of a frame: log-mel bands and the voice's periodicity, ten milliseconds a hop, causal."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from corpus.audio import SAMPLE_RATE

HOP = 240  # samples, 10 ms
WINDOW = 960  # samples, 40 ms: harmonics of a low voice are told apart
FFT = 1024
BANDS = 64  # mel bands from 60 Hz to 8 kHz
LAGS = 24  # of the autocorrelation, 70 to 400 Hz on a logarithmic scale
WIDTH = BANDS + LAGS
HISTORY = WINDOW - HOP  # samples of the past that the next hop needs
FLOOR = 1e-9  # of a band's power

Floats = NDArray[np.float32]


def _mel(hertz: NDArray[np.float64]) -> NDArray[np.float64]:
    return 2595 * np.log10(1 + hertz / 700)


@lru_cache(maxsize=1)
def _tables() -> tuple[Floats, Floats, Floats]:
    """Window `[960]`, mel weights `[513, 64]`, cosines `[513, 25]` from power to lags (the first is 0)."""
    window = np.hanning(WINDOW + 1)[:-1]
    hertz = np.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT
    edges = np.interp(
        np.linspace(_mel(np.array(60.0)), _mel(np.array(8000.0)), BANDS + 2),
        _mel(np.arange(0.0, 9000.0)),
        np.arange(0.0, 9000.0),
    )
    rising = (hertz[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[None, 2:] - hertz[:, None]) / (edges[2:] - edges[1:-1])
    bands = np.maximum(0, np.minimum(rising, falling))
    bands += 1e-6
    bands /= bands.sum(0)
    seconds = np.concatenate([[0.0], 1 / np.geomspace(400.0, 70.0, LAGS)])
    heard = ((hertz > 60) & (hertz < 3600))[:, None]  # as much as a telephone has, and a little more
    cosines = np.cos(2 * np.pi * hertz[:, None] * seconds) * heard
    return window.astype(np.float32), bands.astype(np.float32), cosines.astype(np.float32)


def hops(samples: Floats, history: Floats) -> tuple[Floats, Floats]:
    """Features of the next hops.

    Args:
        samples: float32 `[n * 240]` at 24 kHz.
        history: the 720 samples before them; zeros at the start.

    Returns:
        float32 `[n, 88]`: natural logarithm of 64 bands' power, then 24 normalised autocorrelations in [-1, 1]; and the
        history for the next call. Hop i sees nothing after its own last sample.

    Raises:
        ValueError: if `samples` is not whole hops.
    """
    if len(samples) % HOP:
        raise ValueError(f"{len(samples)} samples are not whole hops of {HOP}")
    window, bands, cosines = _tables()
    joined = np.concatenate([history, samples]).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(joined, WINDOW)[::HOP]
    spectrum = np.fft.rfft(frames * window, FFT)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32) / WINDOW
    level = np.log(power @ bands + FLOOR)
    lags = power @ cosines
    periodic = lags[:, 1:] / (lags[:, :1] + 1e-7)
    return np.concatenate([level, periodic], 1).astype(np.float32), joined[-HISTORY:]


def blank_history() -> Floats:
    """The history before the first sample."""
    return np.zeros(HISTORY, np.float32)

"""What Whisper hears of a sound, frame by frame: 80 mel bands of 25 ms windows, ten milliseconds a hop, causal.

Whisper takes 16 kHz in windows of 400 samples; at 24 kHz windows of 600 have the same bins of 40 Hz, so nothing is
resampled. Its own normalisation looks at the loudest place of a whole recording; here a fixed floor stands for it.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from corpus.audio import SAMPLE_RATE, Samples

HOP = 240  # samples, 10 ms
WINDOW = 600  # samples, 25 ms
HISTORY = WINDOW - HOP  # samples of the past that the next hop needs
BANDS = 80
BINS = 201  # of 40 Hz, 0 to 8 kHz
QUIETEST = 1e-7  # of a band's power: what is softer is silence
SILENCE = (np.log10(QUIETEST) + 4) / 4  # a band's feature then

Floats = NDArray[np.float32]


@lru_cache(maxsize=1)
def tables() -> tuple[Floats, Floats]:
    """Window `[600]` and mel weights `[201, 80]`, Slaney's scale and areas, scaled to Whisper's window of 400."""
    window = np.hanning(WINDOW + 1)[:-1]
    hertz = np.arange(BINS) * SAMPLE_RATE / WINDOW
    edges = _hertz(np.linspace(0.0, _mel(8000.0), BANDS + 2))
    rising = (hertz[:, None] - edges[None, :-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[None, 2:] - hertz[:, None]) / (edges[2:] - edges[1:-1])
    bands = np.maximum(0, np.minimum(rising, falling)) * (2.0 / (edges[2:] - edges[:-2]))
    scale = (400 / WINDOW) ** 2  # of power
    return window.astype(np.float32), (bands * scale).astype(np.float32)


def _mel(hertz: float) -> float:
    """Slaney's scale: linear up to 1 kHz, logarithmic above."""
    return float(hertz * 3 / 200 if hertz < 1000 else 15 + 27 * np.log(hertz / 1000) / np.log(6.4))


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))


def hops(samples: Samples, history: Samples) -> tuple[Floats, Samples]:
    """Features of the next hops.

    Args:
        samples: float32 `[n * 240]` at 24 kHz.
        history: the 360 samples before them; zeros at the start.

    Returns:
        float32 `[n, 80]`, and the history for the next call. Hop i sees nothing after its own last sample.
    """
    window, bands = tables()
    joined = np.concatenate([history, samples]).astype(np.float32)
    frames = np.lib.stride_tricks.sliding_window_view(joined, WINDOW)[::HOP]
    spectrum = np.fft.rfft(frames * window)[:, :BINS]
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    level = np.log10(np.maximum(power @ bands, QUIETEST))
    return ((level + 4) / 4).astype(np.float32), joined[-HISTORY:]


def blank_history() -> Samples:
    """The history before the first sample."""
    return np.zeros(HISTORY, np.float32)

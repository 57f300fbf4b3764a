"""The level of a recording over time and what is wrong with its samples, read block by block in flat memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile  # type: ignore[import-untyped]

from .audio import Samples

HOP_SECONDS = 0.02
FLOOR_DB = -100.0  # level given to digital silence, dBFS
FULL_SCALE = 0.9999  # of samples taken for clipped
CLIPPED_RUN = 3  # full-scale samples in a row that make a clip
_BLOCK_HOPS = 1_500  # read at once: 30 s


@dataclass(frozen=True)
class Envelope:
    """A recording in hops of `hop` seconds. Arrays are `[C, N]` for C channels and N hops, the last one short."""

    rate: int  # Hz
    samples: int  # per channel
    hop: float
    level: npt.NDArray[np.float32]  # RMS in dBFS, not below FLOOR_DB
    zero: npt.NDArray[np.bool_]  # every sample exactly 0
    clips: tuple[int, ...]  # runs of full-scale samples in each channel
    peak: tuple[float, ...]  # largest magnitude in each channel
    finite: bool

    @property
    def channels(self) -> int:
        """Number of channels."""
        return len(self.level)

    @property
    def duration(self) -> float:
        """Seconds."""
        return self.samples / self.rate

    def span(self, start: float, end: float) -> slice:
        """The hops that a time span touches, one at least."""
        first = max(0, int(start / self.hop))
        return slice(first, max(first + 1, int(np.ceil(end / self.hop))))

    def longest_zero(self, channel: int) -> float:
        """Seconds of the longest run of exact zeros, to a hop."""
        edges = np.flatnonzero(np.diff(np.concatenate(([False], self.zero[channel], [False])).astype(np.int8)))
        return float(np.max(edges[1::2] - edges[::2], initial=0)) * self.hop


def measure(path: str | Path) -> Envelope:
    """Read an audio file of any rate and number of channels. Raises ValueError when it is not audio or empty."""
    levels, zeros = [], []
    try:
        with soundfile.SoundFile(str(path)) as file:
            rate, channels = int(file.samplerate), int(file.channels)
            hop = max(1, round(rate * HOP_SECONDS))
            clips, peak, samples, finite = np.zeros(channels, int), np.zeros(channels), 0, True
            while len(block := file.read(hop * _BLOCK_HOPS, dtype="float32", always_2d=True)):
                samples += len(block)
                if not np.isfinite(block).all():
                    finite, block = False, np.nan_to_num(block, nan=0.0, posinf=1.0, neginf=-1.0)
                level, zero = _hops(block.T, hop)
                levels.append(level)
                zeros.append(zero)
                magnitude = np.abs(block.T)
                clips += _clips(magnitude)
                peak = np.maximum(peak, magnitude.max(axis=1))
    except (soundfile.LibsndfileError, OSError) as error:
        raise ValueError(f"cannot be read as audio: {error}") from None
    if not samples:
        raise ValueError("holds no audio")
    return Envelope(
        rate=rate,
        samples=samples,
        hop=hop / rate,
        level=np.concatenate(levels, axis=1),
        zero=np.concatenate(zeros, axis=1),
        clips=tuple(clips.tolist()),
        peak=tuple(peak.tolist()),
        finite=finite,
    )


def _hops(audio: Samples, hop: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_]]:
    """RMS level in dBFS and exact silence of `[C, T]` in hops; a short last hop is measured on what it has."""
    starts = np.arange(0, audio.shape[1], hop)
    counts = np.diff([*starts, audio.shape[1]])
    energy = np.add.reduceat(audio.astype(np.float64) ** 2, starts, axis=1) / counts
    level = 10 * np.log10(np.maximum(energy, 10 ** (FLOOR_DB / 10)))
    return level.astype(np.float32), energy == 0


def _clips(magnitude: Samples) -> npt.NDArray[np.int_]:
    """Runs of `CLIPPED_RUN` full-scale samples or more in each row of `[C, T]`."""
    full = np.pad(magnitude >= FULL_SCALE, ((0, 0), (CLIPPED_RUN, 0)))
    sustained = np.all(np.lib.stride_tricks.sliding_window_view(full, CLIPPED_RUN, axis=1), axis=2, keepdims=True)[
        ..., 0
    ]
    begins: npt.NDArray[np.int_] = np.count_nonzero(sustained[:, 1:] & ~sustained[:, :-1], axis=1)
    return begins

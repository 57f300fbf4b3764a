"""What is measured of a voice: pitch, pitch spread and the shape of its spectrum; and how far apart two voices are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BANDS = 40
LOWEST_BAND, HIGHEST_BAND = 80.0, 6_800.0  # Hz: references may hold nothing above 8 kHz


@dataclass(frozen=True)
class VoiceProfile:
    """The numbers of one voice.

    Attributes:
        pitch: median, Hz.
        spread: of the pitch, half the distance between its 16th and 84th percentiles, in octaves.
        bands: mean spectral envelope of voiced speech in dB, 40 mel bands from 80 to 6800 Hz, mean removed.
    """

    pitch: float
    spread: float
    bands: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.bands) != BANDS:
            raise ValueError(f"a voice profile has {BANDS} bands, not {len(self.bands)}")


def band_centres() -> npt.NDArray[np.float64]:
    """Hz of the bands, evenly spaced on the mel scale."""
    low, high = (2595 * np.log10(1 + edge / 700) for edge in (LOWEST_BAND, HIGHEST_BAND))
    return np.asarray(700 * (10 ** (np.linspace(low, high, BANDS) / 2595) - 1), np.float64)


def distance(one: VoiceProfile, other: VoiceProfile) -> float:
    """How differently two voices sound: 1 is two thirds of an octave in pitch, or 6 dB in the spectrum."""
    pitch = np.log2(one.pitch / other.pitch) / 0.66
    timbre = np.sqrt(np.mean((np.array(one.bands) - np.array(other.bands)) ** 2)) / 6.0
    return float(np.hypot(pitch, timbre))

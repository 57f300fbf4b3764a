"""What a reference's signal tells against it before anybody listens: an offset, channels that cancel, a low band."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples

OFFSET = 0.02  # of full scale
CANCELLED = 0.1  # of the louder channel's level, in the average of two
NARROW = 7_000.0  # Hz: what holds next to nothing above was a telephone's or a bad codec's
QUIET = 1e-5  # share of the power above that counts as nothing
LEAST_RATE = 16_000  # Hz


def signal_fault(audio: Samples) -> str:
    """Why a recording `[C, T]` cannot be a reference: an offset or channels in antiphase; "" where nothing is wrong."""
    offset = float(np.abs(audio.mean(axis=1)).max())
    level = float(audio.std(axis=1).max())
    if offset > OFFSET and offset > level / 4:
        return f"its samples lie {offset:.2f} of full scale off zero (DC); take the offset out"
    if len(audio) > 1 and level > 1e-4 and float(audio.mean(axis=0).std()) < CANCELLED * level:
        return "its channels are in antiphase and cancel each other out; turn one of them over, or give one alone"
    return ""


def band_note(path: Path, samples: Samples) -> str:
    """What is to be told of a reference's bandwidth, by its file and its sound `[T]` at 24 kHz; "" if all is well."""
    rate = int(soundfile.info(str(path)).samplerate)
    if rate < LEAST_RATE:
        return f"it was recorded at {rate} Hz: clones of it will sound like a telephone"
    power = np.abs(np.fft.rfft(samples)) ** 2
    above = float(power[np.fft.rfftfreq(len(samples), 1 / SAMPLE_RATE) > NARROW].sum())
    if above < QUIET * float(power.sum()):
        return f"it holds nothing above {NARROW / 1000:.0f} kHz, though its file could: clones of it will sound dull"
    return ""

"""Audio files, levels and the frame clock: samples <-> frames <-> seconds.

One contract for every folder: 24 kHz, mono per channel, frames of 1920 samples (80 ms, 12.5 Hz).
"""

from __future__ import annotations

import io
import warnings
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile  # type: ignore[import-untyped]
import soxr  # type: ignore[import-untyped]

SAMPLE_RATE = 24_000  # Hz, of every channel the project stores or models
FRAME_SAMPLES = 1_920  # samples in one codec frame
FRAME_RATE = SAMPLE_RATE / FRAME_SAMPLES  # 12.5 frames a second, exact in binary
FRAME_SECONDS = FRAME_SAMPLES / SAMPLE_RATE  # 0.08 s
SILENCE = 1e-4  # peak below which nothing is heard: -80 dB
FRAME_MS = 1e3 * FRAME_SECONDS  # 80.0

Samples = npt.NDArray[np.float32]


def to_samples(seconds: float) -> int:
    """The sample nearest to a time in seconds."""
    return round(seconds * SAMPLE_RATE)


def to_seconds(samples: int) -> float:
    """A sample count as seconds, to a tenth of a millisecond (the grain of every stored time)."""
    return round(samples / SAMPLE_RATE, 4)


def has_sound(file: soundfile.SoundFile) -> bool:
    """Whether anything can be heard in an open file; reads up to the first sound."""
    blocks = file.blocks(SAMPLE_RATE, dtype="float32", always_2d=True)
    return any(float(np.abs(block).max(initial=0.0)) > SILENCE for block in blocks)


def read(path: str | Path, rate: int = SAMPLE_RATE, content: bytes | None = None) -> Samples:
    """Read an audio file, or its `content` where that is at hand; `path` then only names it.

    Returns:
        float32 `[C, T]` at `rate` Hz.

    Raises:
        ValueError: the file is missing, not audio, empty, or holds NaN or infinity.
    """
    try:
        data, source_rate = soundfile.read(
            str(path) if content is None else io.BytesIO(content), dtype="float32", always_2d=True
        )
    except (soundfile.LibsndfileError, OSError) as error:
        raise ValueError(f"cannot read {path} as audio: {error}") from None
    if not len(data):
        raise ValueError(f"{path} holds no audio")
    if not np.isfinite(data).all():
        raise ValueError(f"{path} holds samples that are not finite numbers")
    return resample(np.ascontiguousarray(data.T), source_rate, rate)


def read_mono(path: str | Path, rate: int = SAMPLE_RATE) -> Samples:
    """Read an audio file and average its channels: float32 `[T]` at `rate` Hz. Raises like `read`."""
    return np.asarray(read(path, rate).mean(axis=0), dtype=np.float32)


def encode_flac(audio: Samples, rate: int = SAMPLE_RATE) -> bytes:
    """Float audio `[C, T]` in -1..1 as the bytes of a 16-bit FLAC file. Samples beyond full scale raise ValueError."""
    peak = float(np.abs(audio).max(initial=0.0))
    if not peak <= 1.0:
        raise ValueError(f"peak {peak:.3f} is beyond full scale; lower the level before writing")
    buffer = io.BytesIO()
    soundfile.write(buffer, audio.T, rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def write_flac(path: str | Path, audio: Samples, rate: int = SAMPLE_RATE) -> None:
    """Write float audio `[C, T]` as a FLAC file; see `encode_flac`."""
    Path(path).write_bytes(encode_flac(audio, rate))


def resample(audio: Samples, source_rate: int, rate: int) -> Samples:
    """Resample float audio `[..., T]` along its last axis (soxr, high quality)."""
    if source_rate == rate:
        return audio
    return np.ascontiguousarray(soxr.resample(audio.T, source_rate, rate).T, dtype=np.float32)


def loudness(audio: Samples, rate: int = SAMPLE_RATE) -> float:
    """Integrated loudness of mono audio `[T]` in LUFS (ITU-R BS.1770); -inf for silence.

    Audio shorter than the standard's 400 ms block is repeated to fill one.
    """
    import pyloudnorm  # type: ignore[import-untyped]  # it brings SciPy: a second of start for who measures nothing

    block = int(0.4 * rate) + 1
    if len(audio) < block:
        audio = np.resize(audio, block) if len(audio) else np.zeros(block, np.float32)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # log of zero: silence is -inf
        return float(pyloudnorm.Meter(rate).integrated_loudness(audio.astype(np.float64)))


def gain_to(audio: Samples, lufs: float) -> float:
    """Linear gain that brings audio at 24 kHz to a loudness; 1 for silence."""
    now = loudness(audio)
    return float(10 ** ((lufs - now) / 20)) if np.isfinite(now) else 1.0

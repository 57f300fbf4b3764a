"""Equal crops of speech to train a codec on, joined, mixed and augmented.

A crop depends on nothing but (seed, step, row): training resumes to the bit with no data state to store, and
every process of a parallel run draws its own rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples

from .cache import Pcm, cached
from .clips import Clip
from .reading import read_segment


class Audio:
    """Clips at 24 kHz, read and resampled on demand, or once into an int16 file that later runs map into memory."""

    def __init__(self, clips: Sequence[Clip], cache: str | Path | None = None) -> None:
        self.clips = list(clips)
        self._mapped: Pcm | None = None
        self._begins: list[int] = [0] * len(self.clips)  # of each clip in the mapped file
        if cache is not None:
            self._mapped, lengths = cached(self.clips, Path(cache))
            self._begins = (np.cumsum(lengths) - lengths).tolist()
            self.clips = [replace(clip, seconds=n / SAMPLE_RATE) for clip, n in zip(self.clips, lengths, strict=True)]

    def __len__(self) -> int:
        return len(self.clips)

    def subset(self, indices: Sequence[int]) -> Audio:
        """Some of the clips, over the same samples."""
        part = Audio([self.clips[index] for index in indices])
        part._mapped, part._begins = self._mapped, [self._begins[index] for index in indices]
        return part

    def whole(self, index: int) -> Samples:
        """The whole clip: float32 `[T]` at 24 kHz."""
        return self.segment(index, 0, round(self.clips[index].seconds * SAMPLE_RATE))

    def segment(self, index: int, start: int, length: int) -> Samples:
        """At most `length` samples from `start`, both counted at 24 kHz: float32 `[<= length]`."""
        if self._mapped is not None:
            begin = self._begins[index] + start
            end = min(begin + length, self._begins[index] + round(self.clips[index].seconds * SAMPLE_RATE))
            return np.asarray(self._mapped[begin:end], np.float32) / 32768.0
        return read_segment(self.clips[index], start, length)


def split_speakers(audio: Audio, held_out: Sequence[str]) -> tuple[Audio, Audio]:
    """Part audio into (training, validation) by speaker name, and by what the clips' manifest is for.

    Raises ValueError when a name is nobody's, or nothing is left to train on.
    """
    names = set(held_out)
    unknown = names - {clip.speaker for clip in audio.clips}
    if unknown:
        raise ValueError(f"no clip is spoken by {', '.join(sorted(unknown))}; check the held-out speakers")
    apart = [clip.held_out or clip.speaker in names for clip in audio.clips]
    if all(apart):
        raise ValueError("every speaker is held out; nothing is left to train on")
    kept = [index for index, out in enumerate(apart) if not out]
    return audio.subset(kept), audio.subset([index for index, out in enumerate(apart) if out])


@dataclass(frozen=True)
class CropAugmentation:
    """How a crop is changed; every chance is per crop."""

    peak: tuple[float, float] = (0.1, 0.95)  # the crop's peak is set to a level in this range
    gap: tuple[float, float] = (0.05, 0.4)  # s of silence between clips that share a crop
    silence: float = 0.03  # chance of a stretch of digital silence inside the crop
    noise: float = 0.05  # chance of background noise, 15 to 40 dB under the speech
    overlap: float = 0.03  # chance of a second voice, 0 to 15 dB weaker


@dataclass(frozen=True)
class CropPiece:
    """Where a stretch of a clip lies in a crop, in samples."""

    clip: int
    start: int  # within the clip
    offset: int  # within the crop
    length: int


@dataclass(frozen=True)
class CropBatch:
    """`audio` float32 `[B, T]`, and per row the pieces of clean speech in it (none where voices overlap)."""

    audio: Samples
    pieces: tuple[tuple[CropPiece, ...], ...]


class CodecCrops:
    """Draws batches of equal crops, clips joined with pauses where one is too short."""

    def __init__(
        self,
        audio: Audio,
        samples: int,
        seed: int,
        augmentation: CropAugmentation | None = None,
        noise: Audio | None = None,
    ) -> None:
        """Draw crops of `samples` samples; `noise` are recordings to mix in, white noise where None."""
        self.audio, self.samples, self.seed = audio, samples, seed
        self.augmentation, self.noise = augmentation or CropAugmentation(), noise
        mass = np.array([clip.weight * clip.seconds for clip in audio.clips])
        self._cumulative = np.cumsum(mass / mass.sum())

    def batch(self, step: int, rows: int, part: int = 0) -> CropBatch:
        """A part of a step's batch, the same whenever it is asked for; parts hold the crops that one with all would."""
        crops = [self.crop(np.random.default_rng((self.seed, step, 0, part * rows + row))) for row in range(rows)]
        return CropBatch(np.stack([audio for audio, _ in crops]), tuple(pieces for _, pieces in crops))

    def crop(self, rng: np.random.Generator) -> tuple[Samples, tuple[CropPiece, ...]]:
        """One augmented crop float32 `[samples]` and the clean speech in it."""
        change = self.augmentation
        crop, pieces = self._speech(rng)
        if rng.random() < change.overlap:
            crop = crop + self._speech(rng)[0] * 10.0 ** (-rng.uniform(0.0, 15.0) / 20.0)
            pieces = ()
        if rng.random() < change.noise:
            crop = crop + self._background(rng, float(np.sqrt(np.mean(crop**2))))
        peak = float(np.abs(crop).max())
        if peak > 0.0:
            crop = crop * (rng.uniform(*change.peak) / max(peak, 1e-3))
        if rng.random() < change.silence:
            length = int(rng.uniform(0.1, 0.6) * self.samples)
            start = int(rng.integers(0, self.samples - length + 1))
            crop[start : start + length] = 0.0
            pieces = tuple(p for p in pieces if p.offset + p.length <= start or p.offset >= start + length)
        return crop.astype(np.float32), pieces

    def _draw(self, rng: np.random.Generator) -> int:
        return min(int(np.searchsorted(self._cumulative, rng.random(), side="right")), len(self.audio) - 1)

    def _speech(self, rng: np.random.Generator) -> tuple[Samples, tuple[CropPiece, ...]]:
        out, filled, pieces = np.zeros(self.samples, np.float32), 0, []
        while filled < self.samples:
            index = self._draw(rng)
            start = _random_start(self.audio, index, self.samples, rng)
            part = self.audio.segment(index, start, self.samples - filled)
            out[filled : filled + len(part)] = part / max(float(np.abs(part).max(initial=0.0)), 1e-3) * 0.5
            pieces.append(CropPiece(index, start, filled, len(part)))
            filled += len(part) + int(rng.uniform(*self.augmentation.gap) * SAMPLE_RATE) + 1
        return out, tuple(pieces)

    def _background(self, rng: np.random.Generator, speech_level: float) -> Samples:
        if self.noise is None:
            noise = rng.standard_normal(self.samples).astype(np.float32)
        else:
            index = int(rng.integers(len(self.noise)))
            part = self.noise.segment(index, _random_start(self.noise, index, self.samples, rng), self.samples)
            noise = np.resize(part, self.samples) if len(part) else np.zeros(self.samples, np.float32)
        level = float(np.sqrt(np.mean(noise**2)))
        ratio = 10.0 ** (-rng.uniform(15.0, 40.0) / 20.0)
        return np.asarray(noise * (speech_level * ratio / max(level, 1e-5)), np.float32)


def _random_start(audio: Audio, index: int, length: int, rng: np.random.Generator) -> int:
    available = round(audio.clips[index].seconds * SAMPLE_RATE)
    return int(rng.integers(0, max(available - length, 0) + 1))

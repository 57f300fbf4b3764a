"""The head on the ear: is the turn over, by the frames of Whisper's encoder, which an ear computes anyway."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from safetensors.numpy import load_file
from scipy.special import erf, expit  # type: ignore[import-untyped]

from corpus.audio import Samples

from .listener import find_weights

POOL = 4  # encoder frames that are averaged first, 80 ms
FRAMES = 50  # of 80 ms that are read: 4 s
SPANS = ((0, 3), (3, 6), (6, 13), (13, 25), (25, 50))  # of them, back from now, averaged again
PEAK = 6  # of which the largest values are read, too
SILENCE_SCALE = 1.5  # seconds


def pooled(encoder_frames: Samples) -> Samples:
    """The last 4 s of encoder frames `[T, D]` (50 Hz, the last one now) as `[50, D]`; missing ones are zeros."""
    last = np.zeros((FRAMES * POOL, encoder_frames.shape[1]), np.float32)
    kept = encoder_frames[-len(last) :]
    last[len(last) - len(kept) :] = kept
    return np.asarray(last.reshape(FRAMES, POOL, -1).mean(1), np.float32)


def ear_features(frames: Samples, silence: float) -> Samples:
    """What the head reads of `pooled` frames `[50, D]` and of the seconds of silence: `[6 D + 1]`."""
    means = [frames[FRAMES - far : FRAMES - near].mean(0) for near, far in SPANS]
    elapsed = [min(silence, 2 * SILENCE_SCALE) / SILENCE_SCALE]
    return np.concatenate([*means, frames[-PEAK:].max(0), elapsed]).astype(np.float32)


class EarTurnHead:
    """A trained head. It holds weights only and may be shared."""

    def __init__(self, weights: Mapping[str, Samples], thresholds: Mapping[float, float]) -> None:
        """`thresholds`: seconds of silence -> the least probability that counts as an end after so much of it."""
        self._weights = dict(weights)
        self.thresholds = dict(thresholds)

    @property
    def width(self) -> int:
        """Of the encoder frames that it reads."""
        return (len(self._weights["mean"]) - 1) // (len(SPANS) + 1)

    @classmethod
    def load(cls, name_or_folder: str | Path = "ear-turn") -> EarTurnHead:
        """Open a shipped head by name, or a folder with its two files. None there: ValueError."""
        folder = find_weights(name_or_folder, "head on the ear")
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        thresholds = {float(silence): float(least) for silence, least in settings["thresholds"].items()}
        return cls(load_file(folder / "model.safetensors"), thresholds)

    def probability(self, encoder_frames: Samples, silence: float) -> float:
        """The chance that the turn is over.

        Args:
            encoder_frames: float32 `[T, 512]` of whisper-base's encoder at 50 Hz, the last one ending now (frames of
                padding behind it cut off); the last 4 s are read.
            silence: seconds since the voice fell silent; trained from 0.15 to 1.5.

        Raises:
            ValueError: if the frames have another width.
        """
        weights = self._weights
        if encoder_frames.ndim != 2 or encoder_frames.shape[1] != self.width:
            raise ValueError(f"the head reads frames [T, {self.width}], not {list(encoder_frames.shape)}")
        x = (ear_features(pooled(encoder_frames), silence) - weights["mean"]) * weights["scale"]
        hidden = weights["first.weight"] @ x + weights["first.bias"]
        hidden = 0.5 * hidden * (1 + erf(hidden * 0.5**0.5))
        return float(expit(weights["last.weight"] @ hidden + weights["last.bias"])[0])

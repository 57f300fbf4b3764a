"""Frames of Whisper's encoder, 50 a second: the head on the ear reads them, the listener is taught by them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from corpus.audio import Samples

RATE = 16_000  # Hz that Whisper hears
FRAME = 320  # samples, 20 ms
LONGEST = 30 * RATE
PADDING = 1.5  # seconds of silence behind a cut window


class WhisperFrames:
    """A Whisper encoder in CTranslate2's format (`faster-whisper` models are)."""

    def __init__(self, folder: str | Path, threads: int = 1) -> None:
        """Load the model of a folder with `model.bin`. Needs the extra `evaluate` (faster-whisper)."""
        try:
            import ctranslate2  # type: ignore[import-untyped]
            from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped]
        except ImportError:
            raise ValueError("whisper's frames need faster-whisper: pip install -e '.[evaluate]'") from None
        self._view: Any = ctranslate2.StorageView
        self._float: Any = ctranslate2.DataType.float32
        self._model = ctranslate2.models.Whisper(str(folder), device="cpu", compute_type="int8", intra_threads=threads)
        self._mel = FeatureExtractor(feature_size=self._model.n_mels)

    def encode(self, sound: Samples, padding: float = PADDING) -> Samples:
        """The frames of a sound, ending now.

        Args:
            sound: float32 `[n]` at 16 kHz, at most 28.5 s; what does not fill a frame is left out at its beginning.
            padding: seconds of silence that the encoder sees behind it.

        Returns:
            float32 `[n // 320, D]`.
        """
        frames = len(sound) // FRAME
        silence = np.zeros(int(padding * RATE), np.float32)
        window = np.concatenate([sound[len(sound) - frames * FRAME :], silence])
        if len(window) > LONGEST:
            raise ValueError(f"{len(sound) / RATE:.1f} s are too long for Whisper's window of 30 s")
        mel = self._mel(window, padding=0)[:, : len(window) // FRAME * 2]
        features = self._view.from_array(np.ascontiguousarray(mel[None], np.float32))
        encoded = self._model.encode(features, to_cpu=True).to(self._float)
        return np.asarray(encoded, np.float32)[0, :frames]

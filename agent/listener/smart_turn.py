"""Pipecat's Smart Turn as a peer: the ONNX file of the wheel `pipecat-ai` (BSD-2-Clause), fed as Pipecat feeds it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import soxr  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples

from .whisper_frames import RATE

SECONDS = 8


class SmartTurn:
    """`opinion` of `judging.asked`."""

    def __init__(self, path: str | Path) -> None:
        """Load `smart-turn-v3.2-cpu.onnx`. Needs the extras `onnx` and `evaluate`."""
        try:
            import onnxruntime  # type: ignore[import-untyped]
            from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped]
        except ImportError:
            raise ValueError(
                "Smart Turn needs onnxruntime and faster-whisper: pip install -e '.[onnx,evaluate]'"
            ) from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session: Any = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._mel: Any = FeatureExtractor(feature_size=80)

    def __call__(self, sound: Samples, silence: float) -> float:
        """The chance that the turn is over, by the last 8 s of sound at 24 kHz; `silence` is not read."""
        del silence
        heard = soxr.resample(sound[-SECONDS * SAMPLE_RATE :], SAMPLE_RATE, RATE)[-SECONDS * RATE :]
        window = np.concatenate([np.zeros(SECONDS * RATE - len(heard), np.float32), heard])
        window = (window - window.mean()) / np.sqrt(window.var() + 1e-7)
        mel = self._mel(window.astype(np.float32), padding=0)[:, : SECONDS * 100]
        (logits,) = self._session.run(None, {self._session.get_inputs()[0].name: mel[None].astype(np.float32)})
        return float(np.ravel(logits)[0])

"""The recognizer's features beside Whisper's own."""

from __future__ import annotations

import numpy as np
import pytest
import soxr  # type: ignore[import-untyped]

from agent.hearing.features import BANDS, blank_history, hops, tables
from tests.support.speechlike import speech_like


def test_bands_are_whispers() -> None:
    pytest.importorskip("faster_whisper")
    from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped]

    theirs = FeatureExtractor(feature_size=BANDS).mel_filters.T
    np.testing.assert_allclose(tables()[1] / (400 / 600) ** 2, theirs, atol=2e-6)


def test_levels_are_whispers() -> None:
    """At 24 kHz without resampling what Whisper's own extractor sees of the same sound at 16 kHz."""
    pytest.importorskip("faster_whisper")
    from faster_whisper.feature_extractor import FeatureExtractor  # type: ignore[import-untyped]

    sound = speech_like(3.0, 5)
    mine, _ = hops(sound[: len(sound) // 240 * 240], blank_history())
    theirs = FeatureExtractor(feature_size=BANDS)(soxr.resample(sound, 24_000, 16_000), padding=0).T
    # Whisper's frames are centred: frame i ends 200 samples (12.5 ms) after hop i - 1 begins
    loud = theirs[20:-20] > theirs.max() - 1.0
    difference = np.stack([np.abs(mine[20 + shift : len(theirs) - 20 + shift] - theirs[20:-20]) for shift in (0, 1)])
    assert np.median(difference.min(0)[loud]) < 0.03


def test_hops_are_the_same_in_pieces() -> None:
    sound = speech_like(1.2, 2)[: 12 * 1920]
    whole, _ = hops(sound, blank_history())
    history, parts = blank_history(), []
    for piece in sound.reshape(-1, 1920):
        part, history = hops(piece, history)
        parts.append(part)
    np.testing.assert_allclose(np.concatenate(parts), whole, atol=1e-6)  # BLAS adds up in blocks that hang on the shape

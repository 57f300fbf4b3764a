"""Whisper's frames of the clean clips, by which the listener is taught: 64 principal components at 12.5 Hz."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soxr  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples
from corpus.durable import replacing

from .ear import POOL
from .recordings import TurnClip
from .shards import principal_components
from .whisper_frames import FRAME, LONGEST, PADDING, RATE, WhisperFrames

FITTED = ("sentences", "librispeech")  # sources whose frames fit the components


def teacher_frames(
    clips: Sequence[TurnClip], encoder: WhisperFrames, folder: Path, say: Callable[[str], None]
) -> dict[str, Samples]:
    """Encode what is not yet in the folder, then project.

    Args:
        clips: those longer than Whisper's window are left out.
        encoder: Whisper's.
        folder: for `[T, D]` float16 at 12.5 Hz, a file a clip.
        say: progress.

    Returns:
        by recording, float16 `[T, 64]` at 12.5 Hz.
    """
    folder.mkdir(parents=True, exist_ok=True)
    frames = {}
    for index, clip in enumerate(clips):
        if len(clip.sound) / SAMPLE_RATE > LONGEST / RATE - PADDING:
            continue
        path = folder / (clip.recording.name.replace("/", "__") + ".npy")
        if not path.exists():
            _encode(clip, encoder, path)
        frames[clip.recording.name] = np.load(path, allow_pickle=False)
        if index % 100 == 0:
            say(f"teacher: {index} of {len(clips)} clips")
    fitted = [frames[c.recording.name] for c in clips if c.recording.source in FITTED and c.recording.name in frames]
    mean, basis = principal_components(np.concatenate(fitted or list(frames.values())).astype(np.float32))
    return {name: ((each.astype(np.float32) - mean) @ basis).astype(np.float16) for name, each in frames.items()}


def _encode(clip: TurnClip, encoder: WhisperFrames, path: Path) -> None:
    sound = soxr.resample(clip.sound, SAMPLE_RATE, RATE)
    encoded = encoder.encode(sound[: len(sound) // (POOL * FRAME) * POOL * FRAME])
    with replacing(path) as partial, partial.open("wb") as file:
        np.save(file, encoded.reshape(len(encoded) // POOL, POOL, -1).mean(1).astype(np.float16))

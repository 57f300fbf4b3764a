"""The samples of a clip, read from its file; and the clips that hold any."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np
import soundfile  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples, has_sound, resample

from .clips import Clip

SLACK = 0.1, 0.01  # seconds and share by which a file may be shorter than is said of it


def read_segment(clip: Clip, start: int, length: int) -> Samples:
    """At most `length` samples of a clip from `start`, both counted at 24 kHz: float32 `[<= length]`.

    Raises ValueError with the file's name when it is gone, cannot be read or has become shorter.
    """
    try:
        with soundfile.SoundFile(str(clip.path)) as file:
            rate = file.samplerate
            file.seek(min(round(clip.start * rate) + start * rate // SAMPLE_RATE, file.frames))
            data = file.read(-(-length * rate // SAMPLE_RATE), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as error:
        raise ValueError(f"cannot read {clip.path} as audio, which was there when training began: {error}") from None
    wanted = min(length / SAMPLE_RATE, clip.seconds - start / SAMPLE_RATE)
    if _short(len(data) / rate, wanted, clip.seconds):
        raise ValueError(f"{clip.path} ends before the {clip.seconds:.2f} s that it had when training began")
    mono = data.mean(axis=1) if clip.channel is None else data[:, clip.channel]
    return resample(np.ascontiguousarray(mono), rate, SAMPLE_RATE)[:length]


def _short(found: float, wanted: float, whole: float) -> bool:
    return found < wanted - max(SLACK[0], SLACK[1] * whole)


def with_sound(clips: Sequence[Clip]) -> tuple[list[Clip], list[str]]:
    """The clips in which there is something to hear, and lines about those left out.

    Every file's header is read and of its samples the first that sound; clips of a corpus, which checks itself, are
    taken as they are.

    Raises:
        ValueError: a file cannot be read, is shorter than a manifest says, or nothing is left.
    """
    kept, gone = list[Clip](), Counter[str]()
    for clip in clips:
        why = "" if clip.channel is not None else _flaw(clip)
        if why:
            gone[why] += 1
        else:
            kept.append(clip)
    lines = [f"{count} of {len(clips)} clips {why} and were left out" for why, count in gone.items()]
    if clips and not kept:
        raise ValueError(f"nothing is left to train on: {'; '.join(lines)}")
    return kept, lines


def _flaw(clip: Clip) -> str:
    """Why there is nothing to learn from a clip; "" if there is."""
    try:
        with soundfile.SoundFile(str(clip.path)) as file:
            seconds = file.frames / file.samplerate
            if not file.frames:
                return "are empty"
            if _short(seconds, clip.seconds, clip.seconds):
                unit = ": it takes seconds, are these milliseconds?" if clip.seconds > 100 * seconds else ""
                raise ValueError(f"{clip.path} has {seconds:.2f} s, its manifest says {clip.seconds:g}{unit}")
            return "" if has_sound(file) else "hold only silence"
    except (soundfile.LibsndfileError, OSError) as error:
        raise ValueError(f"cannot read {clip.path} as audio: {error}") from None

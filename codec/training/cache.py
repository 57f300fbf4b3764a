"""What is made of clips once and mapped into memory by later runs: files that belong to those clips, whole or anew.

Processes that make one at once each write a file of their own and put the same content in its place.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from corpus.audio import SAMPLE_RATE, read_mono
from corpus.durable import replacing
from corpus.strict import load_json

from .clips import Clip
from .reading import read_segment

Pcm = npt.NDArray[np.int16]


def cached(clips: Sequence[Clip], folder: Path) -> tuple[Pcm, list[int]]:
    """All clips' samples as one mapped file and their lengths; made anew unless what is there is whole."""
    name = key_of([identity(clip) for clip in clips])
    index, pcm = folder / f"{name}.json", folder / f"{name}.i16"
    lengths = _whole_lengths(index, pcm, len(clips))
    if lengths is None:
        lengths = []
        with replacing(pcm, shared=True) as partial, partial.open("wb") as out:
            for clip in clips:
                whole = (
                    read_mono(clip.path)
                    if clip.channel is None
                    else read_segment(clip, 0, round(clip.seconds * SAMPLE_RATE))
                )
                lengths.append(len(whole))
                out.write((np.clip(whole, -1.0, 1.0) * 32767.0).round().astype("<i2").tobytes())
        write_lengths(index, lengths)
    return np.memmap(pcm, dtype="<i2", mode="r"), lengths


def _whole_lengths(index: Path, pcm: Path, clips: int) -> list[int] | None:
    lengths = read_lengths(index, clips)
    fits = lengths is not None and pcm.is_file() and pcm.stat().st_size == 2 * sum(lengths)
    return lengths if fits else None


def key_of(about: object) -> str:
    """The name of what is made of something: hexadecimal, for a file."""
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:16]


def read_lengths(index: Path, clips: int) -> list[int] | None:
    """The lengths of what was made of so many clips; None where there are none, or not so many."""
    try:
        lengths = load_json(index, list[int])
    except ValueError:
        return None
    return lengths if len(lengths) == clips else None


def write_lengths(index: Path, lengths: Sequence[int]) -> None:
    """Write what `read_lengths` reads; last, since its presence says that all is there."""
    with replacing(index, shared=True) as partial:
        partial.write_text(json.dumps(list(lengths)))


def identity(clip: Clip) -> list[str | int | float | None]:
    """What a clip's samples depend on."""
    about = clip.path.stat()
    file: list[str | int | float | None] = [str(clip.path.resolve()), clip.channel, about.st_size, about.st_mtime_ns]
    return file if clip.channel is None else [*file, clip.start, clip.seconds]

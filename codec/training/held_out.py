"""Fixed crops of held-out clips: what a codec is validated on, the same at any batch size and seed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import overload

from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE, Samples

from .data import Audio
from .spread import spread

CROP_SECONDS = 6.0


class HeldOut(Sequence[Samples]):
    """Stretches that cover every clip once, one after another; read when they are asked for.

    Item: float32 `[T]` at 24 kHz, CROP_SECONDS or what a clip's end leaves, a frame at least.
    """

    def __init__(self, audio: Audio, wanted: int = 0) -> None:
        """`wanted` of the crops, spread evenly; all of them if 0 or if there are fewer."""
        self.audio, size = audio, round(CROP_SECONDS * SAMPLE_RATE)
        lengths = [round(clip.seconds * SAMPLE_RATE) for clip in audio.clips]
        every = [
            (index, start, min(size, length - start))
            for index, length in enumerate(lengths)
            for start in range(0, length, size)
            if length - start >= FRAME_SAMPLES
        ]
        self._crops = [every[number] for number in spread(len(every), wanted)]

    def __len__(self) -> int:
        return len(self._crops)

    @property
    def seconds(self) -> float:
        """Of all crops together."""
        return sum(length for _, _, length in self._crops) / SAMPLE_RATE

    @overload
    def __getitem__(self, number: int) -> Samples: ...
    @overload
    def __getitem__(self, number: slice) -> list[Samples]: ...
    def __getitem__(self, number: int | slice) -> Samples | list[Samples]:
        if isinstance(number, slice):
            return [self.audio.segment(*crop) for crop in self._crops[number]]
        return self.audio.segment(*self._crops[number])

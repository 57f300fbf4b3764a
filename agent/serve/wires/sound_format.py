"""The three forms in which the Realtime API has sound: PCM16 at 24 kHz, and G.711's two laws at 8 kHz."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from corpus.audio import SAMPLE_RATE, Samples

from ...live.resampler import Resampler
from .wire import FULL_SCALE, pcm_of, samples_of

TELEPHONE = 8000  # Hz
FORMATS = ("audio/pcm", "audio/pcmu", "audio/pcma")
OLD_NAMES = {"pcm16": "audio/pcm", "g711_ulaw": "audio/pcmu", "g711_alaw": "audio/pcma"}


class SoundIn:
    """What a client sends, as float32 at 24 kHz."""

    def __init__(self, kind: str = "audio/pcm") -> None:
        """`kind` is one of FORMATS."""
        self.kind = kind
        self._rate = Resampler(TELEPHONE, SAMPLE_RATE)
        self._half = b""  # of a sample that was cut in two

    def __call__(self, data: bytes) -> Samples:
        """The next bytes, of any number."""
        if self.kind == "audio/pcm":
            data = self._half + data
            whole = len(data) // 2 * 2
            self._half = data[whole:]
            return samples_of(data[:whole])
        levels = law(self.kind)[np.frombuffer(data, np.uint8)]
        return self._rate((levels / np.float32(FULL_SCALE)).astype(np.float32))


class SoundOut:
    """What the agent says, as bytes of a format."""

    def __init__(self, kind: str = "audio/pcm") -> None:
        """`kind` is one of FORMATS."""
        self.kind = kind
        self._rate = Resampler(SAMPLE_RATE, TELEPHONE)

    def __call__(self, samples: Samples) -> bytes:
        """The next samples float32 `[n]`."""
        if self.kind == "audio/pcm":
            return pcm_of(samples)
        return shortened(np.clip(np.rint(self._rate(samples) * FULL_SCALE), -FULL_SCALE, FULL_SCALE - 1), self.kind)


def law(kind: str) -> npt.NDArray[np.int32]:
    """The level of each of the 256 bytes, 16 bits wide (ITU-T G.711, tables 1a to 2b)."""
    code = np.arange(256)
    if kind == "audio/pcmu":
        code = ~code & 0xFF
        size = (((code & 0x0F) << 3) + 0x84 << ((code & 0x70) >> 4)) - 0x84
        return np.where(code & 0x80, -size, size).astype(np.int32)
    code = code ^ 0x55
    part, step = (code & 0x70) >> 4, (code & 0x0F) << 4
    size = np.where(part == 0, step + 8, step + 0x108 << np.maximum(part - 1, 0))
    return np.where(code & 0x80, size, -size).astype(np.int32)


def shortened(levels: npt.NDArray[Any], kind: str) -> bytes:
    """Levels of 16 bits as the bytes whose level is nearest."""
    table = law(kind)
    order = np.argsort(table, kind="stable")
    edges = (table[order][1:] + table[order][:-1]) / 2
    return order[np.searchsorted(edges, levels)].astype(np.uint8).tobytes()

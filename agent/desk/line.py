"""The line between a sound device and a session: two rings, resampling with state, echo cancellation.

The device's callback calls `exchange` and nothing else; it never computes. The loop calls `receive` and `play`.
"""

from __future__ import annotations

import threading
from collections import deque

import numpy as np

from corpus.audio import FRAME_SECONDS, SAMPLE_RATE, Samples

from ..live.resampler import Resampler
from .echo import EchoCanceller

KEPT_S = 1.0  # sound from the device that may wait for the loop; older is dropped
SMOOTH = 48  # samples over which a gap in playing is faded, at the device's rate


class PlayoutBuffer:
    """Sound that waits to be played: starts with a cushion, drops the oldest beyond its room."""

    def __init__(self, cushion: int, room: int) -> None:
        """`cushion` samples must wait before playing begins, and again after it ran dry; `room` is the most kept."""
        self.cushion, self.room = cushion, room
        self.dropped = 0  # samples
        self.ran_dry = 0  # times
        self._lock = threading.Lock()
        self._samples = np.zeros(0, np.float32)
        self._playing = False

    def __len__(self) -> int:
        return len(self._samples)

    def put(self, samples: Samples) -> None:
        """Append."""
        with self._lock:
            joined = np.concatenate([self._samples, samples])
            over = max(0, len(joined) - self.room)
            self.dropped += over
            self._samples = joined[over:]

    def take(self, count: int) -> Samples:
        """The next `count` samples, silence where there are none."""
        out = np.zeros(count, np.float32)
        with self._lock:
            if not self._playing and len(self._samples) < max(self.cushion, 1):
                return out
            self._playing = True
            taken, self._samples = self._samples[:count], self._samples[count:]
            out[: len(taken)] = taken
            if len(taken) < count:
                fade = min(SMOOTH, len(taken))
                out[len(taken) - fade : len(taken)] *= np.linspace(1, 0, fade, dtype=np.float32)
                self._playing = False
                self.ran_dry += 1
        return out


class AudioLine:
    """Both directions of a device."""

    def __init__(self, rate: int, canceller: EchoCanceller | None = None, cushion_s: float = 0.04) -> None:
        """A line to a device at `rate` Hz that begins to play when `cushion_s` seconds of sound wait."""
        self.canceller = canceller
        self.playback = PlayoutBuffer(round(cushion_s * rate), round((cushion_s + 3 * FRAME_SECONDS) * rate))
        self.dropped = 0  # samples of the device that the loop was too late for
        self._exchanged: deque[tuple[Samples, Samples]] = deque()
        self._kept = 0
        self._most = round(KEPT_S * rate)
        self._near, self._far = Resampler(rate, SAMPLE_RATE), Resampler(rate, SAMPLE_RATE)
        self._out = Resampler(SAMPLE_RATE, rate)

    def exchange(self, heard: Samples) -> Samples:
        """The device's callback: hand over float32 `[n]`, get as many samples to play."""
        played = self.playback.take(len(heard))
        self._exchanged.append((np.array(heard, np.float32), played))
        self._kept += len(heard)
        while self._kept > self._most:
            lost, _ = self._exchanged.popleft()
            self._kept -= len(lost)
            self.dropped += len(lost)
        return played

    def receive(self) -> tuple[Samples, Samples]:
        """What was heard and what was played since the last call, float32 `[n]` and about `[n]` at 24 kHz."""
        near, far = [], []
        while self._exchanged:
            heard, played = self._exchanged.popleft()
            self._kept -= len(heard)
            heard = np.clip(np.nan_to_num(heard), -1, 1)  # drivers may hand over anything at the start
            near.append(self._near(heard))
            far.append(self._far(played))
        if not near:
            return np.zeros(0, np.float32), np.zeros(0, np.float32)
        heard, played = np.concatenate(near), np.concatenate(far)
        return heard if self.canceller is None else self.canceller.clean(heard, played), played

    def play(self, audio: Samples) -> None:
        """Queue float32 `[n]` at 24 kHz for playing."""
        self.playback.put(self._out(audio))

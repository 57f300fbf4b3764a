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
    """Both directions of a device, or of two devices at rates of their own."""

    def __init__(
        self, rate: int, canceller: EchoCanceller | None = None, cushion_s: float = 0.04, out_rate: int | None = None
    ) -> None:
        """A line to a microphone at `rate` Hz and a loudspeaker at `out_rate`, the same if None.

        It begins to play when `cushion_s` seconds of sound wait.
        """
        self.canceller, self.cushion_s = canceller, cushion_s
        self.dropped = 0  # samples of the microphone that the loop was too late for
        self.tune(rate, rate if out_rate is None else out_rate)

    def tune(self, rate: int, out_rate: int) -> None:
        """Begin anew at other rates; nobody may exchange sound meanwhile."""
        cushion = self.cushion_s * out_rate
        self.playback = PlayoutBuffer(round(cushion), round(cushion + 3 * FRAME_SECONDS * out_rate))
        self._heard: deque[Samples] = deque()
        self._played: deque[Samples] = deque()
        self._kept = 0
        self._most = round(KEPT_S * rate)
        self._near, self._far = Resampler(rate, SAMPLE_RATE), Resampler(out_rate, SAMPLE_RATE)
        self._out = Resampler(SAMPLE_RATE, out_rate)
        self._behind = np.zeros(0, np.float32)  # played, not heard yet

    def exchange(self, heard: Samples) -> Samples:
        """The callback of a device with both ways: hand over float32 `[n]`, get as many samples to play."""
        played = self.give(len(heard))
        self.hear(heard)
        return played

    def hear(self, heard: Samples) -> None:
        """The microphone's callback: hand over float32 `[n]`."""
        self._heard.append(np.array(heard, np.float32))
        self._kept += len(heard)
        while self._kept > self._most:
            lost = self._heard.popleft()
            self._kept -= len(lost)
            self.dropped += len(lost)

    def give(self, count: int) -> Samples:
        """The loudspeaker's callback: `count` samples to play."""
        played = self.playback.take(count)
        self._played.append(played)
        return played

    def receive(self) -> tuple[Samples, Samples]:
        """What was heard and what was played since the last call, float32 `[n]` and about `[n]` at 24 kHz."""
        near = [np.zeros(0, np.float32)]
        while self._heard:
            heard = self._heard.popleft()
            self._kept -= len(heard)
            near.append(self._near(np.clip(np.nan_to_num(heard), -1, 1)))  # drivers may hand over anything at first
        heard = np.concatenate(near)
        played = self._alongside(len(heard))
        return heard if self.canceller is None else self.canceller.clean(heard, played), played

    def _alongside(self, count: int) -> Samples:
        """What was played in the time of so many samples heard; two devices may be some milliseconds apart."""
        far = [self._behind]
        while self._played:
            far.append(self._far(self._played.popleft()))
        joined = np.concatenate(far)
        short = max(0, count - len(joined))
        self._behind = joined[count:][-round(KEPT_S * SAMPLE_RATE) :]
        return np.pad(joined[:count], (0, short)) if short else joined[:count]

    def play(self, audio: Samples) -> None:
        """Queue float32 `[n]` at 24 kHz for playing."""
        self.playback.put(self._out(audio))

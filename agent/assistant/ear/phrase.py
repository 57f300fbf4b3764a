"""The sound of the phrase that is open: from a little before its first loud frame, with a note of where it is loud."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import islice

import numpy as np

from corpus.audio import FRAME_SECONDS, Samples

from ...live.voice_activity import level

LEAD = 5  # frames before the first loud one
LONGEST = 350  # frames that are kept: 28 s, what Whisper can hear at once
ABOVE, LEAST = 6.0, -55.0  # dB over the quietest of the last frames, and dBFS, from which a frame is loud
HIGHEST_FLOOR = -40.0  # dBFS
MEMORY = 50  # frames in which the quietest is looked for


class Gate:
    """Which frames are loud. It errs on the side of loud: who decodes asks a real voice detector first."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque(maxlen=MEMORY)

    def loud(self, frame: Samples) -> bool:
        """Whether this frame, float32 `[1920]`, stands out."""
        heard = level(frame)
        self._levels.append(heard)
        return heard > max(LEAST, min(min(self._levels), HIGHEST_FLOOR) + ABOVE)


class PhraseSound:
    """Frames from `start` on. All times are frames since the session's start."""

    def __init__(self, start: int, frames: Iterable[tuple[Samples, bool]] = ()) -> None:
        self.start = start
        self.is_open = False  # whether anything loud was heard
        self.voice_end = start  # of the last loud frame
        self._frames: deque[tuple[Samples, bool]] = deque()
        for frame, loud in frames:
            self.hear(frame, loud)

    @property
    def end(self) -> int:
        """Up to where it reaches."""
        return self.start + len(self._frames)

    @property
    def quiet(self) -> int:
        """Frames since the last loud one."""
        return self.end - self.voice_end

    def hear(self, frame: Samples, loud: bool) -> None:
        """Append a frame; before the first loud one only the lead is kept."""
        self._frames.append((frame, loud))
        if loud:
            self.voice_end, self.is_open = self.end, True
        self.drop_before(self.end - (LONGEST if self.is_open else LEAD))

    def drop_before(self, frame: int) -> None:
        """Forget the sound before a frame."""
        while self.start < frame and self._frames:
            self._frames.popleft()
            self.start += 1

    def forget_voice(self, until: int) -> None:
        """What was loud up to `until` was no voice."""
        self.is_open = self.voice_end > until
        self.drop_before(min(until, self.end) - LEAD)

    def frames(self, until: int) -> tuple[Samples, ...]:
        """The frames up to `until`, not copied."""
        return tuple(frame for frame, _ in islice(self._frames, max(0, until - self.start)))

    def split(self, at: int) -> PhraseSound:
        """Keep what is before a frame; what is after it, with what is quiet right before it, is returned."""
        kept = min(max(0, at - self.start), len(self._frames))
        everything, start = list(self._frames), self.start
        lead = kept
        while lead > max(0, kept - LEAD) and not everything[lead - 1][1]:
            lead -= 1
        self._frames = deque(everything[:kept])
        louds = [i for i, (_, loud) in enumerate(everything[:kept]) if loud]
        self.voice_end, self.is_open = (start + louds[-1] + 1, True) if louds else (start, False)
        return PhraseSound(start + lead, everything[lead:])


def seconds(frame: int) -> float:
    """The start of a frame, in s."""
    return round(frame * FRAME_SECONDS, 4)


def joined_frames(frames: tuple[Samples, ...]) -> Samples:
    """Frames as one stretch: float32 `[1920 n]`."""
    return np.concatenate(frames) if frames else np.zeros(0, np.float32)

"""Who talks to an agent in an offline talk: recordings, and users who react to what it says."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Samples
from corpus.timing import HOP, MIN_SPEECH, Segment, join, level

REACTION = 1.0  # s of the agent's speech after which it is disturbed
SPEECH_DBFS = -45.0  # a frame of the agent's above it is speech


class User(Protocol):
    """Who talks to the agent."""

    def reply(self, agent: Samples) -> Samples | None:
        """The user's next frame, float32 `[1920]`, having heard the agent's last one; None when the talk is over."""


class RecordedUser:
    """A user who says a recording, whatever the agent does."""

    def __init__(self, audio: Samples) -> None:
        """Take float32 `[T]`; a last frame that is not whole is filled with silence."""
        self._frames = _frames_backwards(audio)

    def reply(self, agent: Samples) -> Samples | None:
        """See `User`."""
        return self._frames.pop() if self._frames else None


class Provoker:
    """A user who says a turn, falls silent, and says something more once the agent has spoken for a second."""

    def __init__(self, turn: Samples, seconds: float, disturbance: Samples | None, floor_dbfs: float) -> None:
        """Prepare a talk.

        Args:
            turn: float32 `[T]`, said first.
            seconds: of the whole talk.
            disturbance: float32 `[T']`, said 1 s after the agent's speech that follows the turn; None for nothing.
            floor_dbfs: of the noise around the user.
        """
        self.onset: float | None = None  # of the disturbance in seconds, once there was one
        self._turn = RecordedUser(turn)
        self._seconds, self._disturbance, self._floor = seconds, disturbance, 10 ** (floor_dbfs / 20)
        self._room = np.random.default_rng(0)
        self._spoken = self._frame = 0  # frames of the agent's speech after the turn, and of the talk
        self._rest: list[Samples] = []  # of the disturbance, backwards

    def reply(self, agent: Samples) -> Samples | None:
        """See `User`."""
        now = self._frame * FRAME_SECONDS
        self._frame += 1
        if now >= self._seconds:
            return None
        said = self._turn.reply(agent)
        if said is not None:
            return said
        if self.onset is None and self._disturbance is not None:
            self._spoken += is_speech(agent)
            if self._spoken * FRAME_SECONDS >= REACTION:
                self._rest, self.onset = _frames_backwards(self._disturbance), now
        room = (self._floor * self._room.standard_normal(FRAME_SAMPLES)).astype(np.float32)
        return room + self._rest.pop() if self._rest else room


def is_speech(frame: Samples) -> bool:
    """Whether a frame `[n]` is louder than -45 dBFS."""
    return bool(10 * np.log10(np.mean(frame.astype(np.float64) ** 2) + 1e-12) > SPEECH_DBFS)


def agent_segments(audio: Samples) -> list[Segment]:
    """The IPUs of an agent's sound `[T]`: louder than -45 dBFS, as a voice from a codec is free of noise.

    `corpus.timing.speech_segments` measures against a channel's own quiet parts; an agent that never stops has none.
    """
    if not len(audio):
        return []
    active = level(audio) > SPEECH_DBFS
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(np.int8), [0]]))) * HOP / SAMPLE_RATE
    return join((start, end) for start, end in edges.reshape(-1, 2).tolist() if end - start >= MIN_SPEECH)


def _frames_backwards(audio: Samples) -> list[Samples]:
    return list(np.pad(audio, (0, -len(audio) % FRAME_SAMPLES)).reshape(-1, FRAME_SAMPLES))[::-1]

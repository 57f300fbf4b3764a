"""What a partner gives for a frame of the user: 80 ms of sound, the text that came with it, and what happened."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from corpus.audio import Samples

from .talk_events import TalkEvent


@dataclass(frozen=True)
class PartTimes:
    """Milliseconds of the parts of a frame; those of a step are the whole batch's."""

    encode: float
    step: float  # temporal and depth transformer
    decode: float

    @property
    def total(self) -> float:
        """The whole frame."""
        return self.encode + self.step + self.decode


@dataclass(frozen=True)
class FrameOut:
    """The answer to one frame."""

    audio: Samples  # float32 [1920], zeros while not ready and on hold
    text: str  # the piece the agent says in this frame, "" for padding
    user_text: str  # the piece the model heard, "" for padding or a model that does not transcribe
    tokens: np.ndarray[Any, np.dtype[np.int64]]  # [1 + agent codebooks], -2 while not ready
    ready: bool
    ms: PartTimes
    events: tuple[TalkEvent, ...] = ()  # in the order they happened

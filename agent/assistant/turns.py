"""Who tells that a turn is over, by name (`listener`, `ear`, `vad`, `smart-turn:FILE`): `Cues` every frame."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

from corpus.audio import FRAME_SAMPLES, Samples

from ..live.voice_activity import VoiceActivity
from .floor import Cues
from .parts import EarStream
from .work import Executor

FIXED: Mapping[float, float] = {0.8: 0.5}  # a fixed silence of 0.8 s


class TurnStream(Protocol):
    """One user's source of cues."""

    def step(self, frame: Samples, ear: EarStream) -> Cues:
        """Judge the next 80 ms, float32 `[1920]`; at once."""
        ...


class TurnSource(Protocol):
    """A source of cues, shared by sessions.

    Attributes:
        name: as the user gave it.
        thresholds: see `Manners.thresholds`.
    """

    name: str
    thresholds: Mapping[float, float]

    def open(self) -> TurnStream:
        """The cues of one more session."""
        ...


class Loudness:
    """The energy of frames above the noise: speech or not, and nothing else; a turn ends with enough silence."""

    name = "vad"
    thresholds = FIXED

    def open(self) -> LoudnessStream:
        """See `TurnSource.open`."""
        return LoudnessStream()


class LoudnessStream:
    """One user's loudness."""

    def __init__(self) -> None:
        self._activity, self._samples = VoiceActivity(), 0

    def step(self, frame: Samples, ear: EarStream) -> Cues:
        """See `TurnStream.step`."""
        self._samples += FRAME_SAMPLES
        loud, _ = self._activity.hear(frame, self._samples)
        return Cues(speech=float(loud), turn_end=float(not loud))


def _loudness(_argument: str, _executor: Executor) -> TurnSource:
    return Loudness()


SOURCES: dict[str, Callable[[str, Executor], TurnSource]] = {"vad": _loudness}


def load_turns(name: str, executor: Executor) -> TurnSource:
    """A source of cues by name. An unknown one, or one whose file is missing, raises ValueError."""
    kind, _, argument = name.partition(":")
    if kind not in SOURCES:
        raise ValueError(f"there is no turn source {name!r}; choose one of {', '.join(SOURCES)}")
    return SOURCES[kind](argument, executor)

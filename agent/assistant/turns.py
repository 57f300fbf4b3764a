"""Who tells that a turn is over, by name (`both`, `listener`, `ear`, `vad`, `smart-turn:FILE`): `Cues` every frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import numpy as np

from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, Samples

from ..listener import Cues, EarTurnHead, Listener
from ..live.voice_activity import VoiceActivity
from .both_turns import BothTurns, HeadOpinion
from .parts import EarStream
from .work import Executor, Lane

FIXED: Mapping[float, float] = {0.8: 0.5}  # a fixed silence of 0.8 s
STOCK: Mapping[float, float] = {0.2: 0.5}  # Smart Turn as Pipecat sets it: asked once, after 0.2 s of silence
ASKED = 3  # frames of silence after which Smart Turn is asked
LONGEST = 100  # frames that it hears: 8 s
Opinion = Callable[[Samples, float], float]  # sound [T] at 24 kHz, s of silence -> chance that the turn is over


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
    """One user's loudness; `silent` counts frames."""

    def __init__(self) -> None:
        self._activity, self._samples = VoiceActivity(), 0
        self.silent = 0

    def step(self, frame: Samples, ear: EarStream) -> Cues:
        """See `TurnStream.step`."""
        self._samples += FRAME_SAMPLES
        loud, _ = self._activity.hear(frame, self._samples)
        self.silent = 0 if loud else self.silent + 1
        return Cues(float(loud), float(not loud), 0.0, 0.0)


class ListenerTurns:
    """The trained listener: it hears whether a voice falls silent for good."""

    def __init__(self, name: str, listener: Listener) -> None:
        self.name, self._listener = name, listener
        self.thresholds: Mapping[float, float] = listener.thresholds

    def open(self) -> ListenerStream:
        """See `TurnSource.open`."""
        return ListenerStream(self._listener)


class ListenerStream:
    """One user's listener."""

    def __init__(self, listener: Listener) -> None:
        self._listener, self._state = listener, listener.init_state()

    def step(self, frame: Samples, ear: EarStream) -> Cues:
        """See `TurnStream.step`."""
        cues, self._state = self._listener.step(frame, self._state)
        return cues


class EarTurns:
    """A head on the ear's own encoder: whenever the ear has looked at a voice that fell silent, it has an opinion."""

    def __init__(self, head: EarTurnHead) -> None:
        self.name, self._head = "ear", head
        self.thresholds: Mapping[float, float] = head.thresholds

    def open(self) -> EarTurnStream:
        """See `TurnSource.open`."""
        return EarTurnStream(self._head)


class EarTurnStream:
    """One user's ear asked."""

    def __init__(self, head: EarTurnHead) -> None:
        self._opinion, self._loudness = HeadOpinion(head), LoudnessStream()

    def step(self, frame: Samples, ear: EarStream) -> Cues:
        """See `TurnStream.step`."""
        cues = self._loudness.step(frame, ear)
        chance = self._opinion.of(self._loudness.silent, ear)
        return Cues(cues.speech, chance or 0.0, 0.0, 0.0)


class AskedTurns:
    """A detector that is asked once in every silence, in a lane of its own: Pipecat's Smart Turn."""

    def __init__(self, name: str, opinion: Opinion, executor: Executor) -> None:
        self.name, self.thresholds = name, STOCK
        self._opinion, self._lane = opinion, executor.lane("turn")

    def open(self) -> AskedStream:
        """See `TurnSource.open`."""
        return AskedStream(self._opinion, self._lane)


class AskedStream:
    """One user's sound and what the detector said of it."""

    def __init__(self, opinion: Opinion, lane: Lane) -> None:
        self._opinion, self._lane, self._loudness = opinion, lane, LoudnessStream()
        self._heard: list[Samples] = []
        self._chance, self._question = 0.0, 0

    def step(self, frame: Samples, ear: EarStream) -> Cues:
        """See `TurnStream.step`."""
        cues = self._loudness.step(frame, ear)
        self._heard = [*self._heard[1 - LONGEST :], frame]
        if cues.speech:
            self._chance, self._question = 0.0, self._question + 1
        elif self._loudness.silent == ASKED:
            self._lane.submit(self._ask(np.concatenate(self._heard), self._question), lambda error: None)
        return Cues(cues.speech, self._chance, 0.0, 0.0)

    def _ask(self, sound: Samples, question: int) -> Iterator[None]:
        chance = self._opinion(sound, ASKED * FRAME_SECONDS)
        if question == self._question:  # nobody has spoken in the meantime
            self._chance = chance
        yield


def _smart_turn(path: str, executor: Executor) -> TurnSource:
    from ..listener.smart_turn import SmartTurn

    if not Path(path).expanduser().is_file():
        raise ValueError(f"there is no file {path!r}; write smart-turn:FILE, the ONNX file of the wheel pipecat-ai")
    return AskedTurns(f"smart-turn:{path}", SmartTurn(Path(path).expanduser()), executor)


SOURCES: dict[str, Callable[[str, Executor], TurnSource]] = {
    "both": lambda _folder, _: BothTurns(Listener.load(), EarTurnHead.load()),
    "listener": lambda folder, _: ListenerTurns("listener", Listener.load(folder or "listener")),
    "ear": lambda folder, _: EarTurns(EarTurnHead.load(folder or "ear-turn")),
    "vad": lambda _folder, _: Loudness(),
    "smart-turn": _smart_turn,
}


def load_turns(name: str, executor: Executor) -> TurnSource:
    """A source of cues by name. An unknown one, or one whose file is missing, raises ValueError."""
    kind, _, argument = name.partition(":")
    if kind not in SOURCES:
        raise ValueError(f"there is no turn source {name!r}; choose one of {', '.join(SOURCES)}")
    return SOURCES[kind](argument, executor)

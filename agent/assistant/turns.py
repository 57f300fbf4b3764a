"""Who tells that a turn is over, by name (`both`, `listener`, `ear`, `vad`, `smart-turn:FILE`): `Cues` every frame."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
from scipy.special import expit, logit  # type: ignore[import-untyped]

from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, Samples

from ..listener import Cues, EarTurnHead, Listener
from ..live.voice_activity import VoiceActivity
from .parts import EarStream, Encoded
from .work import Executor, Lane

FIXED: Mapping[float, float] = {0.8: 0.5}  # a fixed silence of 0.8 s
STOCK: Mapping[float, float] = {0.2: 0.5}  # Smart Turn as Pipecat sets it: asked once, after 0.2 s of silence
ENOUGH = 0.44  # chance of listener and ear together that ends a turn, on the people of "develop"
TOGETHER: Mapping[float, float] = {0.2: ENOUGH}
SURE = 0.3  # does in a clear silence: of 20 pauses none said more there, of 43 ends all but one
CLEAR_FROM, CLEAR = (
    0.5,
    40.0,
)  # s of silence, dB that it lies below the voice; in noise pauses look like ends for longer
VOICE_FRAMES, NOW_FRAMES = 25, 3  # that a voice's level is taken from, and that of now
VOICED = 0.5  # chance of speech from which a frame is the user's voice
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


class HeadOpinion:
    """What the head says of one user's silence; it is asked anew whenever the ear has looked."""

    def __init__(self, head: EarTurnHead) -> None:
        self._head = head
        self._last: Encoded | None = None  # judged already
        self._chance: float | None = None

    def of(self, silent: int, ear: EarStream) -> float | None:
        """The chance that the turn is over after so many silent frames.

        None while the ear has not looked since the voice was last heard, and where its encoder is not the head's.
        """
        encoded = ear.encoder_frames()
        if not silent:
            self._chance, self._last = None, encoded
        elif encoded is not None and encoded is not self._last and encoded.shape[1] == self._head.width:
            self._last = encoded
            self._chance = self._head.probability(encoded, silent * FRAME_SECONDS)
        return self._chance


class EarTurnStream:
    """One user's ear asked."""

    def __init__(self, head: EarTurnHead) -> None:
        self._opinion, self._loudness = HeadOpinion(head), LoudnessStream()

    def step(self, frame: Samples, ear: EarStream) -> Cues:
        """See `TurnStream.step`."""
        cues = self._loudness.step(frame, ear)
        chance = self._opinion.of(self._loudness.silent, ear)
        return Cues(cues.speech, chance or 0.0, 0.0, 0.0)


class BothTurns:
    """The listener and, once the ear has looked at a voice that fell silent, the head on its encoder as well.

    Their log odds are averaged: on people that neither was trained on the two together err less than either alone. An
    ear with another encoder than the head's, or none, leaves the listener alone, with thresholds of its own.
    """

    def __init__(self, listener: Listener, head: EarTurnHead) -> None:
        self.name, self._listener, self._head = "both", listener, head
        self.thresholds: Mapping[float, float] = TOGETHER

    def open(self) -> BothStream:
        """See `TurnSource.open`."""
        return BothStream(self._listener, self._head)


class BothStream:
    """One user's listener, and his ear asked."""

    def __init__(self, listener: Listener, head: EarTurnHead) -> None:
        self._listener, self._state, self._opinion = listener, listener.init_state(), HeadOpinion(head)
        self._silent, self._fall = 0, VoiceFall()

    def step(self, frame: Samples, ear: EarStream) -> Cues:
        """See `TurnStream.step`."""
        cues, self._state = self._listener.step(frame, self._state)
        self._silent = 0 if cues.speech >= VOICED else self._silent + 1
        fall = self._fall.step(frame, voiced=not self._silent)
        chance = self._opinion.of(self._silent, ear)
        if not self._silent:
            return cues
        if chance is None:
            silence = self._silent * FRAME_SECONDS
            own = _enough(self._listener.thresholds, silence)
            return replace(cues, turn_end=float(expit(_odds(cues.turn_end) - _odds(own) + _odds(ENOUGH))))
        clear = self._silent * FRAME_SECONDS >= CLEAR_FROM and fall >= CLEAR
        surer = _odds(ENOUGH) - _odds(SURE) if clear else 0.0
        return replace(cues, turn_end=float(expit((_odds(cues.turn_end) + _odds(chance)) / 2 + surer)))


class VoiceFall:
    """How far the sound lies below the voice that was heard last."""

    def __init__(self) -> None:
        self._voice, self._now = deque[float](maxlen=VOICE_FRAMES), deque[float](maxlen=NOW_FRAMES)

    def step(self, frame: Samples, voiced: bool) -> float:
        """Decibels from the voice's louder frames down to the loudest of the last few; 0 before any voice."""
        level = 10 * math.log10(float(np.mean(np.square(frame, dtype=np.float64))) + 1e-10)
        self._now.append(level)
        if voiced:
            self._voice.append(level)
        return float(np.percentile(self._voice, 80)) - max(self._now) if self._voice else 0.0


def _odds(chance: float) -> float:
    """Log odds; nobody is believed beyond 99.9 %."""
    return float(logit(min(max(chance, 1e-3), 1 - 1e-3)))


def _enough(thresholds: Mapping[float, float], silence: float) -> float:
    """The threshold after so much silence; the first before any is due."""
    return thresholds[max((after for after in thresholds if after <= silence), default=min(thresholds))]


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

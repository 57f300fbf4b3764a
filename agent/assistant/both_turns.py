"""Who tells a turn's end by default: the listener and a head on the ear's encoder together, more careful in noise."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from scipy.special import expit, logit  # type: ignore[import-untyped]

from corpus.audio import FRAME_SECONDS, Samples

from ..listener import Cues, EarTurnHead, Listener
from ..listener.ear import POOL
from .parts import EarStream, Encoded

ENOUGH = 0.44  # chance of listener and ear together that ends a turn, on the people of "develop"
TOGETHER: Mapping[float, float] = {0.2: ENOUGH}
SURE, SURE_FROM = 0.3, 0.5  # does in a clear silence after so many s: of 20 pauses none said more there, of 43 ends 42
CLEAR, CLEAR_AT = 40.0, 4  # dB below the voice that a silence lies by its so-manieth frame; in rooms 26, in noise less
IN_NOISE: Mapping[float, float] = {0.2: 0.5, 0.7: 0.7}  # what is needed there: of 26 pauses of "develop" 1 is taken
# over in a room and 3 in 10 dB of noise, mostly behind words that could end; 6 and 9 where the head hears all silence
LATE = 1  # frames by which a voice may seem to end later than the ear had it; to look again is slower by a third of a s
JUST_NOT = ENOUGH - 0.01  # what the listener alone says at most while the ear is still to look
HEARD = 0.24  # s of a silence that the head is shown at most: the longer, the more any pause looks like an end to it
VOICE_FRAMES, NOW_FRAMES = 25, 3  # that a voice's level is taken from, and that of now
VOICED = 0.5  # chance of speech from which a frame is the user's voice


class HeadOpinion:
    """What the head says of one user's silence; it is asked anew whenever the ear has looked at more of it."""

    def __init__(self, head: EarTurnHead) -> None:
        self._head = head
        self._frames = 0  # heard
        self._last: Encoded | None = None  # judged already
        self._chance: float | None = None
        self.understands = False  # the ear has an encoder, and it is the head's

    def of(self, silent: int, ear: EarStream) -> float | None:
        """The chance that the turn is over after so many silent frames, this one the last of them.

        None until the ear has listened up to the silence, and where its encoder is not the head's.
        """
        self._frames += 1
        voice_end = (self._frames - silent) * FRAME_SECONDS
        if not silent:
            self._chance = None
            return None
        ear.look(voice_end - (LATE + 1) * FRAME_SECONDS)
        encoded = ear.encoder_frames()
        self.understands = encoded is not None and encoded.frames.shape[1] == self._head.width
        if encoded is None or encoded is self._last or not self.understands:
            return self._chance
        quiet = encoded.until - voice_end  # as much of the silence as the encoder heard
        if quiet > -(LATE + 0.5) * FRAME_SECONDS:
            self._last = encoded
            beyond = max(0.0, quiet - HEARD)
            frames = encoded.frames[: len(encoded.frames) - round(beyond / FRAME_SECONDS * POOL)]
            self._chance = self._head.probability(frames, max(quiet - beyond, FRAME_SECONDS))
        return self._chance


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
        self._silent, self._clear, self._fall = 0, False, VoiceFall()

    def step(self, frame: Samples, ear: EarStream) -> Cues:
        """See `TurnStream.step`."""
        cues, self._state = self._listener.step(frame, self._state)
        self._silent = 0 if cues.speech >= VOICED else self._silent + 1
        fall = self._fall.step(frame, voiced=not self._silent)
        if self._silent <= CLEAR_AT:  # once in a silence: a room's echo is as low as a clear silence in the end
            self._clear = self._silent > 0 and fall >= CLEAR
        chance = self._opinion.of(self._silent, ear)
        if not self._silent:
            return cues
        silence = self._silent * FRAME_SECONDS
        if chance is None:
            return replace(cues, turn_end=self._alone(cues.turn_end, silence))
        needed = _enough(IN_NOISE, silence) if not self._clear else SURE if silence >= SURE_FROM else ENOUGH
        return replace(cues, turn_end=_where_enough((_odds(cues.turn_end) + _odds(chance)) / 2, needed))

    def _alone(self, turn_end: float, silence: float) -> float:
        """The listener's chance: by its own thresholds, or while the ear is late, never enough."""
        chance = _where_enough(_odds(turn_end), _enough(self._listener.thresholds, silence))
        return min(chance, JUST_NOT) if self._opinion.understands else chance


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


def _where_enough(odds: float, needed: float) -> float:
    """Log odds as a chance that is `ENOUGH` just where they reach the chance that is needed."""
    return float(expit(odds - _odds(needed) + _odds(ENOUGH)))


def _odds(chance: float) -> float:
    """Log odds; nobody is believed beyond 99.9 %."""
    return float(logit(min(max(chance, 1e-3), 1 - 1e-3)))


def _enough(thresholds: Mapping[float, float], silence: float) -> float:
    """The threshold after so much silence; the first before any is due."""
    return thresholds[max((after for after in thresholds if after <= silence), default=min(thresholds))]

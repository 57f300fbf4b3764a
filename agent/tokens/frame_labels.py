"""What goes on in each frame, as bits of a byte: who speaks, and what kind of speech it is.

From a corpus of ours everything is known; from a list of words only who speaks.
"""

from __future__ import annotations

import enum
import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from corpus.audio import FRAME_RATE
from corpus.interleave import TimedWord
from corpus.manifest import MAIN_SPEAKER
from corpus.record import AGENT_CHANNEL, Dialogue, Turn

Labels = npt.NDArray[np.uint8]


class Label(enum.IntFlag):
    """The bits. Speech bits are per word, the others last from the first word of a turn to its last."""

    AGENT_SPEAKS = 1
    USER_SPEAKS = 2  # or anyone else on the user's channel
    AGENT_BACKCHANNEL = 4
    USER_BACKCHANNEL = 8
    AGENT_INTERRUPTS = 16
    USER_INTERRUPTS = 32
    NOT_TO_AGENT = 64  # said on the user's channel to someone else, or by someone else
    USER_PAUSES = 128  # silence between the words of one turn of the user: not yet the agent's turn


def word_labels(words: Iterable[TimedWord], frames: int) -> Labels:
    """Who speaks in each of `frames` frames: uint8 `[frames]`; SPEAKER_MAIN's words are the agent's."""
    labels = np.zeros(frames, np.uint8)
    for word in words:
        speaks = Label.AGENT_SPEAKS if word.speaker == MAIN_SPEAKER else Label.USER_SPEAKS
        _mark(labels[_span(word.start, word.end)], speaks)
    return labels


def dialogue_labels(dialogue: Dialogue, frames: int) -> Labels:
    """All labels of a recorded dialogue: uint8 `[frames]`."""
    labels = np.zeros(frames, np.uint8)
    spoken = [turn for turn in dialogue.turns if turn.words]
    for turn in spoken:
        agent = dialogue.channel(turn) == AGENT_CHANNEL
        for word in turn.words:
            _mark(labels[_span(word.start, word.end)], Label.AGENT_SPEAKS if agent else Label.USER_SPEAKS)
        _mark(labels[_turn_span(turn)], _kind(dialogue, turn, agent))
    for turn in spoken:
        if dialogue.speaker(turn.speaker).role == "user" and turn.event != "aside":
            inside = labels[_turn_span(turn)]
            silent = inside & np.uint8(Label.USER_SPEAKS) == 0
            inside[silent] |= np.uint8(Label.USER_PAUSES)
    return labels


def _kind(dialogue: Dialogue, turn: Turn, agent: bool) -> Label:
    if turn.event == "backchannel":
        return Label.AGENT_BACKCHANNEL if agent else Label.USER_BACKCHANNEL
    if turn.event == "interrupt":
        return Label.AGENT_INTERRUPTS if agent else Label.USER_INTERRUPTS
    if turn.event == "aside" or dialogue.speaker(turn.speaker).role == "other":
        return Label.NOT_TO_AGENT
    return Label(0)


def _mark(part: Labels, label: Label) -> None:
    part |= np.uint8(label)


def _turn_span(turn: Turn) -> slice:
    return _span(turn.words[0].start, turn.words[-1].end)


def _span(start: float, end: float) -> slice:
    """The frames that a stretch of seconds touches."""
    first = max(0, math.floor(start * FRAME_RATE))
    return slice(first, max(first, math.ceil(end * FRAME_RATE)))

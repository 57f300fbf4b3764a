"""Who tells that a turn is over: the listener, and the head on the ear's encoder as soon as the ear has looked."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from agent.assistant.manners import Manners
from agent.assistant.parts import Encoded, Heard
from agent.assistant.turns import TOGETHER, BothTurns, EarTurns
from agent.listener import Cues, EarTurnHead, Listener, ListenerState
from corpus.audio import FRAME_SAMPLES, Samples

FRAME: Samples = np.zeros(FRAME_SAMPLES, np.float32)


class ToldListener(Listener):
    """Says what a test wants."""

    def __init__(self, cues: list[Cues]) -> None:
        self.thresholds = {0.2: 0.5, 1.2: 0.8}
        self.cues = cues

    def init_state(self) -> ListenerState:
        return ListenerState(FRAME, (), ())

    def step(self, frame: Samples, state: ListenerState) -> tuple[Cues, ListenerState]:
        return self.cues.pop(0), state


class ToldHead(EarTurnHead):
    """Says the same of whatever it is shown, and remembers the silences that it was asked about."""

    def __init__(self, chance: float = 0.9) -> None:
        self.thresholds = {0.2: 0.5}
        self.chance = chance
        self.asked: list[float] = []

    @property
    def width(self) -> int:
        return 512

    def probability(self, encoder_frames: Samples, silence: float) -> float:
        self.asked.append(silence)
        return self.chance


@dataclass
class LookingEar:
    """An ear whose encoder's frames a test sets."""

    encoded: Encoded | None = None
    closed: list[float] = field(default_factory=list)

    def push(self, frame: Samples) -> None: ...

    def phrase_ends(self, at: float) -> None:
        self.closed.append(at)

    def results(self) -> list[Heard]:
        return []

    def encoder_frames(self) -> Encoded | None:
        return self.encoded

    def close(self) -> None: ...


def test_the_ear_is_asked_once_a_look_in_silence_and_the_log_odds_are_averaged() -> None:
    spoken, silent = Cues(0.9, 0.0, 0.0, 0.0), Cues(0.1, 0.5, 0.0, 0.0)
    head, ear = ToldHead(), LookingEar(np.zeros((10, 512), np.float32))
    stream = BothTurns(ToldListener([spoken, silent, silent, silent, spoken, silent]), head).open()
    assert stream.step(FRAME, ear) == spoken
    assert stream.step(FRAME, ear).turn_end == pytest.approx(TOGETHER[0.2])  # not looked at yet: the listener's own
    ear.encoded = np.zeros((12, 512), np.float32)
    assert [stream.step(FRAME, ear).turn_end for _ in range(2)] == pytest.approx([0.75, 0.75])  # odds 1 and 9: 3
    assert head.asked == [pytest.approx(0.16)]
    assert stream.step(FRAME, ear) == spoken
    assert stream.step(FRAME, ear).turn_end == pytest.approx(TOGETHER[0.2])  # what was said before counts no more


def test_an_ear_of_another_width_or_without_an_encoder_leaves_the_listener_alone() -> None:
    silent = Cues(0.1, 0.5, 0.0, 0.0)
    head = ToldHead()
    stream = BothTurns(ToldListener([silent, silent]), head).open()
    for ear in (LookingEar(None), LookingEar(np.zeros((10, 768), np.float32))):
        assert stream.step(FRAME, ear).turn_end == pytest.approx(TOGETHER[0.2]), "at its own threshold, 0.5"
    alone = EarTurns(head).open()
    assert alone.step(FRAME, LookingEar(np.zeros((10, 768), np.float32))).turn_end == 0.0
    assert head.asked == []


def test_the_listener_alone_ends_a_turn_where_its_own_thresholds_would() -> None:
    quiet = [Cues(0.1, chance, 0.0, 0.0) for chance in (0.9, *[0.79] * 6, *[0.81] * 14)]
    listener = ToldListener(quiet)
    listener.thresholds = {0.2: 0.8, 1.2: 0.3}
    told = BothTurns(listener, ToldHead())
    stream, manners = told.open(), Manners(thresholds=told.thresholds)
    ended = [stream.step(FRAME, LookingEar(None)).turn_end >= manners.enough(frame * 0.08) for frame in range(1, 22)]
    assert ended == [False] * 2 + [False] * 5 + [True] * 14


def test_in_a_clear_silence_less_is_enough_and_in_noise_it_is_not() -> None:
    voice = 0.1 * np.sin(np.arange(1920) * 0.1).astype(np.float32)
    hush, noise = 1e-4 * voice, 0.1 * voice  # 80 dB and 20 dB below
    head, ear = ToldHead(0.3), LookingEar(np.zeros((10, 512), np.float32))
    ended = []
    for silence in (hush, noise):
        cues = [Cues(0.9, 0.0, 0.0, 0.0)] * 5 + [Cues(0.1, 0.31, 0.0, 0.0)] * 9
        stream, manners = BothTurns(ToldListener(cues), head).open(), Manners(thresholds=TOGETHER)
        for _ in range(5):
            stream.step(voice, ear)
        ear.encoded = np.zeros((12, 512), np.float32)
        chances = [stream.step(silence, ear).turn_end for _ in range(9)]
        ended.append([chance >= manners.enough((at + 1) * 0.08) for at, chance in enumerate(chances)])
    assert ended == [[False] * 6 + [True] * 3, [False] * 9]

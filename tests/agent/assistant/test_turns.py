"""Who tells that a turn is over: the listener, and the head on the ear's encoder as soon as the ear has looked."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest

from agent.assistant.both_turns import ENOUGH, HEARD, TOGETHER, BothTurns
from agent.assistant.manners import Manners
from agent.assistant.parts import Encoded, Heard
from agent.assistant.turns import EarTurns
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
    """Says the same of whatever it is shown, and remembers how many frames that was and of how much silence."""

    def __init__(self, chance: float = 0.9) -> None:
        self.thresholds = {0.2: 0.5}
        self.chance = chance
        self.asked: list[tuple[int, float]] = []

    @property
    def width(self) -> int:
        return 512

    def probability(self, encoder_frames: Samples, silence: float) -> float:
        self.asked.append((len(encoder_frames), round(silence, 2)))
        return self.chance


@dataclass
class LookingEar:
    """An ear whose encoder's frames a test sets."""

    encoded: Encoded | None = None
    closed: list[float] = field(default_factory=list)
    wanted: list[float] = field(default_factory=list)  # s beyond which it was to look

    def push(self, frame: Samples) -> None: ...

    def phrase_ends(self, at: float) -> None:
        self.closed.append(at)

    def results(self) -> list[Heard]:
        return []

    def encoder_frames(self) -> Encoded | None:
        return self.encoded

    def look(self, after: float) -> None:
        self.wanted.append(round(after, 2))

    def close(self) -> None: ...


def looked(until: float, width: int = 512) -> Encoded:
    """What an ear's encoder made of a second of sound."""
    return Encoded(np.zeros((50, width), np.float32), until)


def test_the_ear_is_asked_once_a_look_in_silence_and_the_log_odds_are_averaged() -> None:
    spoken, silent = Cues(0.9, 0.0, 0.0, 0.0), Cues(0.1, 0.5, 0.0, 0.0)
    head, ear = ToldHead(), LookingEar(looked(0.08))
    stream = BothTurns(ToldListener([*[spoken] * 3, *[silent] * 6, *[spoken] * 3, silent]), head).open()
    assert [stream.step(voice(), ear) for _ in range(3)] == [spoken] * 3
    assert stream.step(FRAME, ear).turn_end < ENOUGH, "it has not looked at the silence yet"
    ear.encoded = looked(0.16)  # a frame less than the voice: the ear had it end there
    assert [stream.step(FRAME, ear).turn_end for _ in range(5)][1:] == pytest.approx([0.75] * 4)  # odds 1 and 9: 3
    assert head.asked == [(50, 0.08)]
    assert ear.wanted == [0.08] * 6, "to look beyond that, which in noise it would not by itself"
    assert [stream.step(voice(), ear) for _ in range(3)] == [spoken] * 3
    assert stream.step(FRAME, ear).turn_end < ENOUGH, "what was said before counts no more"


def test_of_a_longer_silence_the_head_is_shown_the_beginning() -> None:
    spoken, silent = Cues(0.9, 0.0, 0.0, 0.0), Cues(0.1, 0.5, 0.0, 0.0)
    head, ear = ToldHead(), LookingEar()
    stream = BothTurns(ToldListener([spoken, *[silent] * 10]), head).open()
    stream.step(voice(), ear)
    for until in (0.24, 0.88):
        ear.encoded = looked(until)
        stream.step(FRAME, ear)
    assert head.asked == [(50, 0.16), (50 - 28, HEARD)], "0.56 s are left out"


def test_an_ear_of_another_width_or_without_an_encoder_leaves_the_listener_alone() -> None:
    silent = Cues(0.1, 0.5, 0.0, 0.0)
    head = ToldHead()
    stream = BothTurns(ToldListener([silent, silent]), head).open()
    for ear in (LookingEar(None), LookingEar(looked(0.08, 768))):
        assert stream.step(FRAME, ear).turn_end == pytest.approx(TOGETHER[0.2]), "at its own threshold, 0.5"
    alone = EarTurns(head).open()
    assert alone.step(FRAME, LookingEar(looked(0.08, 768))).turn_end == 0.0
    assert head.asked == []


def test_the_listener_alone_ends_a_turn_where_its_own_thresholds_would() -> None:
    quiet = [Cues(0.1, chance, 0.0, 0.0) for chance in (0.9, *[0.79] * 6, *[0.81] * 14)]
    listener = ToldListener(quiet)
    listener.thresholds = {0.2: 0.8, 1.2: 0.3}
    told = BothTurns(listener, ToldHead())
    stream, manners = told.open(), Manners(thresholds=told.thresholds)
    ended = [stream.step(FRAME, LookingEar(None)).turn_end >= manners.enough(frame * 0.08) for frame in range(1, 22)]
    assert ended == [False] * 2 + [False] * 5 + [True] * 14


def frames_until_over(listener: float, head: float, *silence: Samples) -> int | None:
    """Silent frames after which a turn ends, the chances being these; None where it does not."""
    ear = LookingEar()
    cues = [Cues(0.9, 0.0, 0.0, 0.0)] * 5 + [Cues(0.1, listener, 0.0, 0.0)] * len(silence)
    stream, manners = BothTurns(ToldListener(cues), ToldHead(head)).open(), Manners(thresholds=TOGETHER)
    for _ in range(5):
        stream.step(voice(), ear)
    ear.encoded = looked(0.56)
    chances = [stream.step(each, ear).turn_end for each in silence]
    return next((at for at, chance in enumerate(chances, 1) if chance >= manners.enough(at * 0.08)), None)


def voice(softer: float = 0.0) -> Samples:
    """A frame of a tone, so many dB softer."""
    tone: Samples = (0.1 * 10 ** (-softer / 20) * np.sin(np.arange(FRAME_SAMPLES) * 0.1)).astype(np.float32)
    return tone


def test_in_a_clear_silence_less_is_enough_and_in_noise_more_is_needed_the_longer_it_lasts() -> None:
    clear, noise = [voice(80)] * 12, [voice(20)] * 12
    assert frames_until_over(0.31, 0.3, *clear) == 7, "after half a second"
    assert frames_until_over(0.31, 0.3, *noise) is None
    assert frames_until_over(0.46, 0.46, *clear) == 3, "as soon as it is clear"
    assert frames_until_over(0.46, 0.46, *noise) is None
    assert frames_until_over(0.6, 0.6, *noise) == 3


def test_a_room_that_falls_silent_at_last_is_no_clear_silence() -> None:
    assert frames_until_over(0.31, 0.3, *[voice(28)] * 6, *[voice(80)] * 12) is None


def test_while_the_ear_is_late_the_listener_ends_no_turn() -> None:
    ear, manners = LookingEar(looked(0.08)), Manners(thresholds=TOGETHER)
    cues = [*[Cues(0.9, 0.0, 0.0, 0.0)] * 3, *[Cues(0.1, 0.99, 0.0, 0.0)] * 20]
    stream = BothTurns(ToldListener(cues), ToldHead()).open()
    assert not any(stream.step(FRAME, ear).turn_end >= manners.enough(frame * 0.08) for frame in range(-2, 21))

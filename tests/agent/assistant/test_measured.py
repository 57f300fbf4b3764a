"""The clock that counts the parts' own work: what a step made is seen when its seconds have passed, no sooner."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from agent.assistant.measured import MeasuredEar, MeasuredExecutor, MeasuredMind, MeasuredMouth
from agent.assistant.parts import Encoded, Heard, HeardWord, Message
from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, Samples
from tests.support.assistant_parts import HummingMouth, ScriptedMind


class Work:
    """A stopwatch that the work itself turns."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Seconds."""
        return self.now


def working(work: Work, seconds: float, thing: ScriptedMind | HummingMouth) -> None:
    """Let every step of a part take so long."""
    submit = thing.lane.submit

    def slow(steps, failed):  # type: ignore[no-untyped-def]
        def slowly() -> Iterator[object]:
            for step in steps:
                work.now += seconds
                yield step

        return submit(slowly(), failed)

    thing.lane.submit = slow  # type: ignore[method-assign]


def test_clauses_and_sounds_are_seen_after_their_own_time() -> None:
    work = Work()
    executor = MeasuredExecutor(cpu=work)
    inner = ScriptedMind(executor, [["one", "two", "three"]])
    working(work, 0.3, inner)
    thought = MeasuredMind(inner, executor).think([Message("user", "count")], ())
    seen = {}
    for _ in range(15):
        executor.tick()
        for piece in thought.pieces():
            seen[piece.text or piece.kind] = executor.now
    assert seen == pytest.approx({"one": 0.32, "two": 0.64, "three": 0.96, "done": 0.96}), (
        "0.3, 0.6 and 0.9 s, by frames"
    )
    assert executor.lanes["mind"].figures().busy == pytest.approx(0.9)


class LookingEar:
    """Looks once, at the first frame: its words and its encoder's frames are there when the look is over."""

    name = "looking"

    def __init__(self, executor: MeasuredExecutor, work: Work) -> None:
        self.lane, self.work = executor.lane("ear"), work
        self.encoded: Encoded | None = None
        self.heard: list[Heard] = []

    def open(self) -> LookingEar:
        return self

    def push(self, frame: Samples) -> None:
        def look() -> Iterator[None]:
            self.work.now += 0.3
            self.encoded = Encoded(np.zeros((50, 4), np.float32), 0.5)
            self.heard = [Heard((HeardWord("hello", 0.0, 0.4),), False, 0, 0, 0.5)]
            yield

        self.lane.submit(look(), lambda error: None)

    def phrase_ends(self, at: float) -> None: ...

    def look(self, after: float) -> None: ...

    def results(self) -> list[Heard]:
        heard, self.heard = self.heard, []
        return heard

    def encoder_frames(self) -> Encoded | None:
        return self.encoded

    def close(self) -> None: ...


def test_an_ears_words_and_its_encoders_frames_are_seen_when_the_look_is_over() -> None:
    work = Work()
    executor = MeasuredExecutor(cpu=work)
    stream = MeasuredEar(LookingEar(executor, work), executor).open()
    stream.push(np.zeros(FRAME_SAMPLES, np.float32))
    seen = {}
    for _ in range(8):
        executor.tick()
        if stream.results():
            seen["words"] = executor.now
        if stream.encoder_frames() is not None:
            seen.setdefault("frames", executor.now)
    assert seen == pytest.approx({"words": 0.32, "frames": 0.32})


def test_jobs_of_a_lane_wait_for_each_other_and_a_cancelled_one_frees_it() -> None:
    work = Work()
    executor = MeasuredExecutor(cpu=work)
    inner = HummingMouth(executor)
    working(work, 0.3, inner)
    mouth = MeasuredMouth(inner, executor)
    first, second = mouth.say("one"), mouth.say("two")
    came = {}
    for _ in range(10):
        executor.tick()
        for name, utterance in (("first", first), ("second", second)):
            if utterance.audio() is not None:
                came.setdefault(name, executor.now)
    assert came == pytest.approx({"first": 0.32, "second": 0.64})
    thinker = ScriptedMind(executor, [["a"] * 20, ["b"]])
    working(work, 0.3, thinker)
    mind = MeasuredMind(thinker, executor)
    thought = mind.think([], ())
    executor.tick()
    began = executor.now
    thought.cancel()
    other = mind.think([], ())
    while not other.pieces():
        executor.tick()
    assert executor.now - began <= 0.3 + 0.3 + 2 * FRAME_SECONDS, "not after the twenty steps of the first"

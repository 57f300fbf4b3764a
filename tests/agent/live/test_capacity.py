"""As many sessions as keep up, found by measuring."""

from __future__ import annotations

import math

import pytest
import torch

from agent.commands.serve import how_many
from agent.live.batch import Batch
from agent.live.capacity import TickTimes, aged, fitting, largest, pace
from tests.support.agent_fixtures import FakeClock, SlowBatch, tiny_bundle


@pytest.mark.parametrize(
    ("each_ms", "room", "expected"), [(1.0, 999, 64), (2.0, 999, 32), (30.0, 999, 2), (71.0, 999, 0), (0.1, 50, 48)]
)
def test_the_largest_number_that_keeps_up(each_ms: float, room: int, expected: int) -> None:
    """A tick takes so much a session, and there is room for so many; the answer is right to an eighth."""
    tried: list[int] = []

    def p99_ms(count: int) -> float:
        tried.append(count)
        return math.inf if count > room else count * each_ms

    assert largest(p99_ms, 70.0, 512) == expected
    assert len(tried) <= 12
    assert len(set(tried)) == len(tried), "nothing is measured twice"


def test_the_bound_is_of_the_number_too() -> None:
    assert 18 <= largest(lambda count: 1.0, most=20) <= 20


def test_a_tick_is_timed_on_the_clock_and_conversations_leave() -> None:
    clock = FakeClock()
    batch = SlowBatch(clock, 0.04, slots=3)
    tried = pace(batch, 3, ticks=4, clock=clock)
    assert (tried.sessions, tried.p50_ms, tried.p99_ms) == (3, pytest.approx(40), pytest.approx(40))
    assert (tried.memory_bytes, batch.free) == (None, 3)
    state = batch.snapshot(batch.open())
    assert int(aged(state).model.temporal.position) == 16 + 64


@pytest.mark.parametrize("runtime", ["torch", "slots"])
def test_a_batch_of_as_many_as_keep_up(runtime: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of a card are made anew for every number; one that has no room says so by the error of torch."""
    made: list[int] = []
    told: list[TickTimes] = []

    def make(slots: int) -> Batch:
        if runtime == "slots" and slots > 5:
            raise torch.OutOfMemoryError("CUDA out of memory")
        made.append(slots)
        return Batch(tiny_bundle(), slots, runtime)  # type: ignore[arg-type]

    monkeypatch.setattr(
        "agent.live.capacity.pace", lambda batch, count, clock: TickTimes(count, 10.0 * count, 15.0 * count, None)
    )
    batch = fitting(make, told.append)
    assert batch.slots == 4
    assert [each.sessions for each in told] == ([1, 2, 4, 5] if runtime == "slots" else [1, 2, 4, 8, 6, 5])
    assert made == ([1, 2, 4, 5, 4] if runtime == "slots" else [1])
    assert batch.free == 4


def test_the_option_is_a_number_or_auto() -> None:
    assert (how_many("12"), how_many("auto")) == (12, None)
    for wrong in ("0", "many", "-1", "2.5"):
        with pytest.raises(ValueError, match="--sessions must be a number"):
            how_many(wrong)

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from agent.assistant import work
from agent.assistant.work import FrameExecutor, ThreadExecutor, ThreadLane


def steps(name: str, count: int, seen: list[str]) -> Iterator[None]:
    try:
        for number in range(count):
            seen.append(f"{name}{number}")
            yield
    finally:
        seen.append(f"{name} ends")


def never(error: Exception) -> None:
    raise AssertionError(error)


def test_steps_come_a_scripted_number_of_frames_apart_one_job_after_the_other() -> None:
    executor, seen = FrameExecutor({"mind": 3}), list[str]()
    lane = executor.lane("mind")
    lane.submit(steps("a", 2, seen), never)
    lane.submit(steps("b", 1, seen), never)
    log = []
    for _ in range(10):
        executor.tick()
        log.append(len(seen))
    assert log == [0, 0, 1, 1, 1, 2, 2, 2, 4, 4], "a0 at 3, a1 at 6, and at 9 the end of a, which is free, with b0"
    assert seen == ["a0", "a1", "a ends", "b0"]


def test_a_lane_without_delay_works_at_once_and_in_order_even_when_a_step_queues_a_job() -> None:
    executor, seen = FrameExecutor(), list[str]()
    lane = executor.lane("ear")

    def queues() -> Iterator[None]:
        lane.submit(steps("inner", 1, seen), never)
        seen.append("outer")
        yield

    lane.submit(queues(), never)
    assert seen == ["outer", "inner0", "inner ends"]


def test_a_cancelled_job_ends_before_its_next_step_and_a_failing_one_is_told_of() -> None:
    executor, seen, faults = FrameExecutor({"mind": 1}), list[str](), list[str]()
    lane = executor.lane("mind")
    job = lane.submit(steps("a", 5, seen), never)
    executor.tick()
    assert job is not None
    job.cancel()

    def fails() -> Iterator[None]:
        yield
        raise RuntimeError("broken")

    lane.submit(fails(), lambda error: faults.append(str(error)))
    lane.submit(steps("b", 1, seen), never)
    for _ in range(2):
        executor.tick()
    assert seen == ["a0", "a ends", "b0"]
    assert faults == ["broken"]
    assert (lane.figures().cancelled, lane.figures().most_waiting) == (1, 3)


def test_threads_work_jobs_off_bounded_and_measured() -> None:
    gate, seen, done = threading.Event(), list[str](), threading.Event()
    lane = ThreadLane("test", 1, capacity=2)

    def waits() -> Iterator[None]:
        gate.wait(5)
        yield

    def last() -> Iterator[None]:
        yield
        done.set()

    def breaks() -> Iterator[None]:
        raise OSError("gone")
        yield

    lane.submit(waits(), never)
    while not lane._running:  # its thread has begun
        pass
    faults = list[str]()
    lane.submit(breaks(), lambda error: faults.append(str(error)))
    dropped = lane.submit(steps("dropped", 1, seen), never)
    assert dropped is not None
    assert lane.submit(steps("refused", 1, seen), never) is None, "two wait already"
    dropped.cancel()
    assert lane.submit(last(), never) is not None, "a cancelled job gives its place up"
    gate.set()
    assert done.wait(5)
    lane.close()
    figures = lane.figures()
    assert (figures.refused, figures.cancelled, figures.most_waiting) == (1, 1, 2)
    assert faults == ["gone"]
    assert seen == [], "a job that was never begun has nothing to end"


def test_closing_an_executor_ends_endless_work() -> None:
    executor, begun, ended = ThreadExecutor(), threading.Event(), threading.Event()

    def endless() -> Iterator[None]:
        try:
            while True:
                begun.set()
                yield
        finally:
            ended.set()

    executor.lane("mind").submit(endless(), never)
    assert begun.wait(5)
    executor.close()
    assert ended.wait(5)


def test_closing_waits_for_a_step_that_is_being_taken_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """An engine at work in a thread when the interpreter ends aborts the process."""
    monkeypatch.setattr(work, "LONGEST_WAIT", 0.3)
    begun, taken, never_set = threading.Event(), threading.Event(), threading.Event()

    def slow() -> Iterator[None]:
        begun.set()
        time.sleep(0.1)
        taken.set()
        yield

    def stuck() -> Iterator[None]:
        never_set.wait()
        yield

    executor = ThreadExecutor()
    executor.lane("mouth").submit(slow(), never)
    assert begun.wait(5)
    executor.close()
    assert taken.is_set()
    executor = ThreadExecutor()
    executor.lane("tool").submit(stuck(), never)
    executor.close()  # comes back

"""Where the heavy work of ear, mind and mouth runs: lanes of threads, or steps counted in frames so that it replays.

A job is an iterator: every `next` is a step of work (a decoding, a token, a clause) whose results it leaves in its
owner. A `ThreadExecutor` runs the steps as fast as they go; a `FrameExecutor` runs them on the frame's own clock, each
a scripted number of frames after the one before, so that a whole talk comes out the same again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

Steps = Iterator[object]
CAPACITY = 64  # jobs that wait in a lane
LONGEST_WAIT = 3.0  # s for steps that are being taken when all ends


@dataclass(frozen=True)
class LaneFigures:
    """How a lane has fared: jobs done, cancelled and refused, the most that waited, seconds at work and of waiting."""

    done: int
    cancelled: int
    refused: int
    most_waiting: int
    busy: float
    longest_wait: float


class Job:
    """A job in a lane; `cancel` ends it before its next step."""

    def __init__(self, steps: Steps, since: float, failed: Callable[[Exception], None]) -> None:
        self.steps, self.since, self._failed = steps, since, failed
        self.cancelled = threading.Event()

    def cancel(self) -> None:
        """Take no further step."""
        self.cancelled.set()

    def step(self) -> bool:
        """Take one step; False when the job is over, be it done, cancelled or failed."""
        if self.cancelled.is_set():
            self.close()
            return False
        try:
            next(self.steps)
        except StopIteration:
            return False
        except Exception as error:  # a part's fault must not end the thread that others share
            self._failed(error)
            return False
        return True

    def close(self) -> None:
        """Let the iterator clean up."""
        if close := getattr(self.steps, "close", None):
            close()


class Lane(Protocol):
    """A queue of jobs, taken in order."""

    def submit(self, steps: Steps, failed: Callable[[Exception], None]) -> Job | None:
        """Queue a job; None if the lane is full. `failed` is told what a step raises, in the lane's thread."""
        ...

    def figures(self) -> LaneFigures:
        """How it has fared so far."""
        ...


class Executor(Protocol):
    """Gives out lanes."""

    def lane(self, name: str, threads: int = 1) -> Lane:
        """The lane of this name, made on first use."""
        ...

    def close(self) -> None:
        """End all work."""
        ...


@dataclass
class _Counts:
    done: int = 0
    cancelled: int = 0
    refused: int = 0
    most_waiting: int = 0
    busy: float = 0.0
    longest_wait: float = 0.0

    def figures(self) -> LaneFigures:
        return LaneFigures(**vars(self))

    def ended(self, job: Job) -> None:
        if job.cancelled.is_set():
            self.cancelled += 1
        else:
            self.done += 1


class ThreadLane:
    """Jobs in threads of their own, each worked to its end by one of them."""

    def __init__(self, name: str, threads: int, capacity: int = CAPACITY) -> None:
        self._capacity, self._counts = capacity, _Counts()
        self._queue: deque[Job] = deque()
        self._running: set[Job] = set()
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}-{number}", daemon=True) for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def submit(self, steps: Steps, failed: Callable[[Exception], None]) -> Job | None:
        """See `Lane.submit`."""
        job = Job(steps, time.monotonic(), failed)
        with self._changed:
            for dropped in [queued for queued in self._queue if queued.cancelled.is_set()]:
                self._queue.remove(dropped)
                dropped.close()
                self._counts.ended(dropped)
            if self._closed or len(self._queue) >= self._capacity:
                self._counts.refused += 1
                return None
            self._queue.append(job)
            self._counts.most_waiting = max(self._counts.most_waiting, len(self._queue))
            self._changed.notify()
        return job

    def figures(self) -> LaneFigures:
        """See `Lane.figures`."""
        with self._changed:
            return self._counts.figures()

    def close(self) -> None:
        """Cancel all jobs and end the threads as soon as their steps do."""
        with self._changed:
            self._closed = True
            for job in (*self._queue, *self._running):
                job.cancel()
            self._changed.notify_all()

    def wait(self, until: float) -> None:
        """Wait for the threads of a closed lane, at most until that time of the monotonic clock."""
        for thread in self._threads:
            thread.join(max(0.0, until - time.monotonic()))

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue or self._closed)
                if not self._queue:
                    return
                job = self._queue.popleft()
                self._running.add(job)
                started = time.monotonic()
                self._counts.longest_wait = max(self._counts.longest_wait, started - job.since)
            while job.step():
                pass
            with self._changed:
                self._running.discard(job)
                self._counts.busy += time.monotonic() - started
                self._counts.ended(job)


class ThreadExecutor:
    """Lanes of threads."""

    def __init__(self) -> None:
        self._lanes: dict[str, ThreadLane] = {}
        self._lock = threading.Lock()

    def lane(self, name: str, threads: int = 1) -> ThreadLane:
        """See `Executor.lane`."""
        with self._lock:
            if name not in self._lanes:
                self._lanes[name] = ThreadLane(name, threads)
            return self._lanes[name]

    def figures(self) -> dict[str, LaneFigures]:
        """Of every lane."""
        return {name: lane.figures() for name, lane in self._lanes.items()}

    def close(self) -> None:
        """End all lanes; steps that are being taken are waited for, but not for ever.

        An interpreter that ends while an engine still computes in a thread aborts the process.
        """
        for lane in self._lanes.values():
            lane.close()
        until = time.monotonic() + LONGEST_WAIT
        for lane in self._lanes.values():
            lane.wait(until)


@dataclass
class FrameLane:
    """Jobs one step at a time, each `delay` frames after the step before it, or after its job was queued."""

    delay: int
    capacity: int = CAPACITY
    _queue: deque[Job] = field(default_factory=deque)
    _clock: int = 0  # frames so far
    _stepped: int = 0  # when the last step was taken
    _at_work: bool = False
    _counts: _Counts = field(default_factory=_Counts)

    def submit(self, steps: Steps, failed: Callable[[Exception], None]) -> Job | None:
        """See `Lane.submit`."""
        if len(self._queue) >= self.capacity:
            self._counts.refused += 1
            return None
        job = Job(steps, self._clock, failed)
        self._queue.append(job)
        self._counts.most_waiting = max(self._counts.most_waiting, len(self._queue))
        if not self.delay:
            self._run()
        return job

    def figures(self) -> LaneFigures:
        """See `Lane.figures`; without seconds."""
        return self._counts.figures()

    def tick(self) -> None:
        """One frame has passed."""
        self._clock += 1
        self._run()

    def _run(self) -> None:
        """Take the steps that are due. To find that a job is over takes no time."""
        if self._at_work:
            return  # a step queued another job: it is taken by the loop below
        self._at_work = True
        while self._queue and self._clock >= max(self._queue[0].since, self._stepped) + self.delay:
            if self._queue[0].step():
                self._stepped = self._clock
            else:
                self._counts.ended(self._queue.popleft())
        self._at_work = False


class FrameExecutor:
    """Lanes on the frame's clock: nothing happens but in `tick`, and in `submit` where a lane has no delay.

    Args:
        delays: frames that one step takes, by lane; 0 for a lane that is not named.
    """

    def __init__(self, delays: Mapping[str, int] | None = None) -> None:
        self._delays, self._lanes = dict(delays or {}), dict[str, FrameLane]()

    def lane(self, name: str, threads: int = 1) -> FrameLane:
        """See `Executor.lane`; one job at a time, whatever `threads` says."""
        return self._lanes.setdefault(name, FrameLane(self._delays.get(name, 0)))

    def tick(self) -> None:
        """One frame has passed for every lane."""
        for lane in self._lanes.values():
            lane.tick()

    def close(self) -> None:
        """Nothing runs on its own, so nothing has to be ended."""

"""Parts on a clock that counts their own work: a step takes the seconds of CPU it cost, whatever else the machine does.

A talk from a file needs no real time, and its latencies do not depend on the load: a frame is 80 ms, a lane is a core
of its own, and what a step made is seen when the step's seconds have passed. Lanes of parts that wait for another
machine count seconds of the wall instead. The steps run one after another inside `tick`, so nothing else of the process
is counted with them.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Generic, TypeVar

from corpus.audio import FRAME_SECONDS

from .parts import Ear, EarStream, Encoded, Heard, Message, Mind, Mouth, Piece, Thought, Tool, Voiced, Voicing
from .work import CAPACITY, Job, LaneFigures, Steps

T = TypeVar("T")
Clock = Callable[[], float]


class MeasuredLane:
    """Jobs in order. A job is worked to its end when it begins, and each of its steps has its time in the talk."""

    def __init__(self, now: Clock, stopwatch: Clock, after_step: Callable[[], None]) -> None:
        self._now, self._stopwatch, self._after_step = now, stopwatch, after_step
        self._queue: deque[Job] = deque()
        self._at_work: tuple[Job, list[float]] | None = None  # the job begun last, and when its steps are done
        self.free = 0.0  # when the lane can begin another job, in seconds of the talk
        self.steps: list[float] = []  # seconds of each
        self._longest_wait = 0.0
        self._ended = {True: 0, False: 0}  # by whether they were cancelled
        self._refused = self._most = 0

    def submit(self, steps: Steps, failed: Callable[[Exception], None]) -> Job | None:
        """See `Lane.submit`."""
        if len(self._queue) >= CAPACITY:
            self._refused += 1
            return None
        job = Job(steps, self._now(), failed)
        self._queue.append(job)
        self._most = max(self._most, len(self._queue))
        return job

    def figures(self) -> LaneFigures:
        """See `Lane.figures`."""
        done, cancelled = self._ended[False], self._ended[True]
        return LaneFigures(done, cancelled, self._refused, self._most, sum(self.steps), self._longest_wait)

    def tick(self) -> None:
        """Begin all jobs that can begin by now."""
        if self._at_work is not None and self._at_work[0].cancelled.is_set():
            later = [end for end in self._at_work[1] if end >= self._now()]
            self.free = min([self.free, *later[:1]])  # the step at work is brought to its end
        while self._queue and self.free <= self._now():
            job = self._queue.popleft()
            self.free = max(self.free, job.since)
            self._longest_wait = max(self._longest_wait, self.free - job.since)
            ends: list[float] = []
            while self._step(job):
                ends.append(self.free)
            self._ended[job.cancelled.is_set()] += 1
            self._at_work = (job, ends)

    def _step(self, job: Job) -> bool:
        began = self._stopwatch()
        goes_on = job.step()
        took = self._stopwatch() - began
        self.free += took
        self.steps.append(took)
        self._after_step()
        return goes_on


class MeasuredExecutor:
    """Lanes on the talk's own clock.

    Args:
        waiting: lanes that wait for somebody else: seconds of the wall count.
        cpu: seconds of CPU of this process.
    """

    def __init__(self, waiting: Collection[str] = (), cpu: Clock = time.process_time) -> None:
        self.now = 0.0
        self.lanes: dict[str, MeasuredLane] = {}
        self._waiting, self._cpu = waiting, cpu
        self._watched: list[Callable[[], bool]] = []

    def lane(self, name: str, threads: int = 1) -> MeasuredLane:
        """See `Executor.lane`; one core, whatever `threads` says."""
        stopwatch = time.perf_counter if name in self._waiting else self._cpu
        return self.lanes.setdefault(name, MeasuredLane(lambda: self.now, stopwatch, self._look))

    def tick(self) -> None:
        """A frame has passed."""
        self.now += FRAME_SECONDS
        for lane in list(self.lanes.values()):
            lane.tick()

    def watch(self, look: Callable[[], bool]) -> None:
        """Call `look` after every step, as long as it returns True."""
        self._watched.append(look)

    def _look(self) -> None:
        self._watched = [look for look in self._watched if look()]

    def done_at(self, name: str) -> float:
        """When what a lane made last can be seen."""
        return self.lanes[name].free if name in self.lanes else 0.0

    def close(self) -> None:
        """Nothing runs on its own, so nothing has to be ended."""


class _Held(Generic[T]):
    """Things that are made in a lane and seen when their time has come."""

    def __init__(self, executor: MeasuredExecutor, lane: str, made: Callable[[], Sequence[T]]) -> None:
        self._executor, self._lane, self._made = executor, lane, made
        self._things: deque[tuple[float, T]] = deque()
        self.over = False  # nothing more will be made
        executor.watch(self._look)

    def _look(self) -> bool:
        self._things.extend((self._executor.done_at(self._lane), thing) for thing in self._made())
        return not self.over

    def take(self) -> list[T]:
        """What can be seen by now; what was made without a step, at once."""
        for thing in self._made():
            self._things.append((self._executor.now, thing))
        due = []
        while self._things and self._things[0][0] <= self._executor.now + 1e-9:
            due.append(self._things.popleft()[1])
        return due


class MeasuredEar:
    """An ear whose words come when its work is done."""

    def __init__(self, ear: Ear, executor: MeasuredExecutor) -> None:
        self.name, self._ear, self._executor = ear.name, ear, executor

    def open(self) -> EarStream:
        """See `Ear.open`."""
        return _MeasuredEarStream(self._ear.open(), self._executor)


class _MeasuredEarStream:
    def __init__(self, stream: EarStream, executor: MeasuredExecutor) -> None:
        self._stream, self._held = stream, _Held[Heard](executor, "ear", stream.results)
        self.push, self.phrase_ends, self.results = stream.push, stream.phrase_ends, self._held.take
        self.look = stream.look
        self._made = self._seen = stream.encoder_frames()
        self._encoded = _Held[Encoded](executor, "ear", self._news)

    def encoder_frames(self) -> Encoded | None:
        for encoded in self._encoded.take():
            self._seen = encoded
        return self._seen

    def close(self) -> None:
        self._held.over = self._encoded.over = True
        self._stream.close()

    def _news(self) -> list[Encoded]:
        before, self._made = self._made, self._stream.encoder_frames()
        return [] if self._made is None or self._made is before else [self._made]


class MeasuredMind:
    """A mind whose text comes when its work is done."""

    def __init__(self, mind: Mind, executor: MeasuredExecutor) -> None:
        self.name, self.leaves, self.prepare = mind.name, mind.leaves, mind.prepare
        self._mind, self._executor = mind, executor

    def think(self, messages: Sequence[Message], tools: Sequence[Tool]) -> Thought:
        """See `Mind.think`."""
        return _MeasuredThought(self._mind.think(messages, tools), self._executor)


class _MeasuredThought:
    def __init__(self, thought: Thought, executor: MeasuredExecutor) -> None:
        self._thought, self._held = thought, _Held[Piece](executor, "mind", thought.pieces)

    def pieces(self) -> list[Piece]:
        due = self._held.take()
        self._held.over |= any(piece.kind in ("done", "fault") for piece in due)
        return due

    def cancel(self) -> None:
        self._held.over = True
        self._thought.cancel()


class MeasuredMouth:
    """A mouth whose sound comes when its work is done."""

    def __init__(self, mouth: Mouth, executor: MeasuredExecutor) -> None:
        self.name, self.paced, self._mouth, self._executor = mouth.name, mouth.paced, mouth, executor

    def say(self, clause: str, speed: float = 1.0) -> Voicing:
        """See `Mouth.say`."""
        return _MeasuredVoicing(self._mouth.say(clause, speed), self._executor)

    def nods(self) -> Mapping[str, Voiced]:
        """See `Mouth.nods`."""
        return self._mouth.nods()


class _MeasuredVoicing:
    def __init__(self, utterance: Voicing, executor: MeasuredExecutor) -> None:
        self._utterance = utterance
        self._made: tuple[bool, int] | None = None  # whether it is done, and samples
        self._seen: Voiced | None = None
        self._held = _Held[Voiced](executor, "mouth", self._news)

    def audio(self) -> Voiced | None:
        for voiced in self._held.take():
            self._seen = voiced
            self._held.over |= voiced.done
        return self._seen

    def cancel(self) -> None:
        self._held.over = True
        self._utterance.cancel()

    def _news(self) -> list[Voiced]:
        made = self._utterance.audio()
        if made is None or self._made == (made.done, len(made.samples)):
            return []
        self._made = (made.done, len(made.samples))
        return [made]

"""One conversation's live side: sound comes in in any pieces, frames go out, and lag is bounded by construction.

Frames wait in rings of fixed size. Before a frame is taken for computing, the session foresees when each waiting frame
would be answered, from the pace the scheduler reports; if one would be late, a silent frame at or before it is left
out, or else the oldest. What waits longer than the bound is left out in any case. No frame is answered later than

    max(bound, time of one step + 80 ms)

after it came, however slow the model. The joint of a frame left out is faded over 5 ms.

A message may hold many frames, up to a whole utterance: each counts as having come when it would have come live, so
nothing of it is late because it came early. It is computed as fast as it goes. A session that `fills` hears silence
while its client sends nothing, as a client does that waits for its answer.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from dataclasses import astuple, dataclass

import numpy as np

from corpus.audio import FRAME_MS, FRAME_SAMPLES, FRAME_SECONDS, Samples

from .frame_out import FrameOut
from .rings import Framer, Ring
from .voice_activity import SpeechEvent, VoiceActivity

FADE = 120  # samples over which the joint of a frame left out is faded
MOST_EVENTS = 64
MOST_WAITING = 750  # frames, a minute
FILL_AFTER_S = 0.4  # without sound from the client, until silence is heard
Clock = Callable[[], float]  # seconds that only go forward


@dataclass(frozen=True)
class Waiting:
    """A frame that came in and was not taken yet."""

    samples: Samples  # float32 [1920]
    came: float  # clock; ahead of it for sound that was sent ahead of time
    speech: bool


@dataclass
class Counters:
    """What happened to the frames of a session."""

    frames_in: int = 0
    frames_out: int = 0
    dropped_silent: int = 0
    dropped_speech: int = 0
    output_dropped: int = 0

    def plus(self, other: Counters) -> Counters:
        """The sum of two."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Counters(*(mine + theirs for mine, theirs in pairs))


class Session:
    """One conversation. `push` and `pull` serve the client, `take` and `put` the scheduler; any thread may call."""

    def __init__(
        self,
        id: str,
        clock: Clock,
        bound_ms: float = 400.0,
        on_frame: Callable[[], None] | None = None,
        fills: bool = False,
    ) -> None:
        """Start the session's clock.

        Args:
            id: names it in logs and metrics.
            clock: seconds, injected.
            bound_ms: lag to stay under, at least 160.
            on_frame: called by `push` when frames wait.
            fills: silence is heard where the client sends nothing.
        """
        if bound_ms < 2 * FRAME_MS:
            raise ValueError(f"the lag bound must be at least {2 * FRAME_MS:g} ms, two frames, got {bound_ms:g}")
        self.id, self.bound_ms = id, bound_ms
        self.counters = Counters()
        self.delay_ms = 0.0  # from a frame's coming to its answer, of the last one
        self._clock, self._on_frame = clock, on_frame
        self._lock = threading.Lock()
        self._most_due = int(bound_ms // FRAME_MS)
        self._framer = Framer()
        self._inputs: Ring[Waiting] = Ring(MOST_WAITING)
        self._outputs: Ring[FrameOut] = Ring(max(1, self._most_due // 2))
        self._activity = VoiceActivity()
        self._events: Ring[SpeechEvent] = Ring(MOST_EVENTS)
        self._came = 0.0  # of the frame being computed
        self._began = self._spoke = clock()
        self._fills, self._covered = fills, math.inf  # the client's sound reaches till then; it has sent none

    def push(self, pcm: Samples) -> int:
        """Take in float32 `[n]` of any length, 24 kHz mono; returns frames now waiting.

        Raises:
            ValueError: another shape, or samples that are not finite.
        """
        pcm = np.asarray(pcm, dtype=np.float32)
        if pcm.ndim != 1:
            raise ValueError(f"sound must be mono samples [n], got {list(pcm.shape)}")
        if not np.isfinite(pcm).all():
            raise ValueError("the sound holds samples that are not finite numbers")
        with self._lock:
            now = self._clock()
            self._covered = self._covered if len(self._inputs) else min(self._covered, now)
            for frame in self._framer.cut(pcm):
                self._covered = max(self._covered, now)
                self._hear(frame, self._covered)
                self._covered += FRAME_SECONDS
            while sum(self._inputs[index].came <= now for index in range(len(self._inputs))) > self._most_due:
                self._leave_out(self._most_due)
            self._expire(now)
            waiting = len(self._inputs)
        if waiting and self._on_frame is not None:
            self._on_frame()
        return waiting

    @property
    def lag_ms(self) -> float:
        """Age of the oldest frame waiting to be computed, plus the sound that waits to be pulled."""
        with self._lock:
            now = self._clock()
            self._expire(now)
            age = max(0.0, 1e3 * (now - self._inputs[0].came)) if len(self._inputs) else 0.0
            return age + FRAME_MS * len(self._outputs)

    @property
    def speaking(self) -> bool:
        """Whether the user speaks, smoothed."""
        return self._activity.speaking

    @property
    def total_s(self) -> float:
        """Seconds since the session began."""
        return self._clock() - self._began

    @property
    def idle_s(self) -> float:
        """Seconds since the user was last heard speaking, or since the session began."""
        return self._clock() - self._spoke

    def take(self, pace_ms: float = 0.0) -> Samples | None:
        """The next frame float32 `[1920]` to compute, or None; `pace_ms` is the expected time of a step."""
        with self._lock:
            now = self._clock()
            if self._fills and not len(self._inputs) and now > self._covered + FILL_AFTER_S:
                self._covered += FRAME_SECONDS
                self._hear(np.zeros(FRAME_SAMPLES, np.float32), now)
            self._expire(now)
            while len(self._inputs) > 1 and (late := self._first_late(now, pace_ms)) is not None:
                self._leave_out(late)
            if not len(self._inputs):
                return None
            frame = self._inputs.pop()
            self._came = frame.came
            return frame.samples

    @property
    def frames_done(self) -> int:
        """Frames of the client that were taken or left out."""
        return self.counters.frames_in - len(self._inputs)

    def turn_over(self) -> None:
        """The client has said what it had to say: silence follows at once, however far ahead its sound came."""
        with self._lock:
            self._covered = min(self._covered, self._clock()) - FILL_AFTER_S

    def put(self, out: FrameOut) -> None:
        """Give back the answer to the frame last taken."""
        with self._lock:
            self.delay_ms = max(0.0, 1e3 * (self._clock() - self._came))
            self.counters.frames_out += 1
            self.counters.output_dropped += self._outputs.put(out) is not None

    def pull(self) -> list[FrameOut]:
        """All answers that wait, oldest first."""
        with self._lock:
            return self._outputs.drain()

    def pull_events(self) -> list[SpeechEvent]:
        """What the user's speech did since the last call."""
        with self._lock:
            return self._events.drain()

    def restart_clock(self) -> None:
        """Forget waiting sound after an interruption of the line; limits count on."""
        with self._lock:
            self._inputs.drain()
            self._outputs.drain()
            self._covered = self._clock()
            self._spoke = self._clock()

    def _hear(self, frame: Samples, now: float) -> None:
        self.counters.frames_in += 1
        end = self.counters.frames_in * FRAME_SAMPLES
        speech, event = self._activity.hear(frame, end)
        if event is not None:
            self._events.put(event)
        if self._activity.speaking:
            self._spoke = now
        if len(self._inputs) == self._inputs.capacity:
            self._leave_out(len(self._inputs) - 1)
        self._inputs.put(Waiting(frame, now, speech))

    def _expire(self, now: float) -> None:
        """Leave out what waited beyond the bound; sound waiting to be pulled counts as well."""
        limit = self.bound_ms - FRAME_MS * len(self._outputs)
        while len(self._inputs) and 1e3 * (now - self._inputs[0].came) > limit:
            self._count(self._inputs.pop())

    def _first_late(self, now: float, pace_ms: float) -> int | None:
        """Index of the first frame that would be answered after the bound."""
        limit = self.bound_ms - FRAME_MS * len(self._outputs)
        for index in range(len(self._inputs)):
            age = 1e3 * (now - self._inputs[index].came)
            if age + pace_ms * (index + 1) > limit:
                return index
        return None

    def _leave_out(self, late: int) -> None:
        """Drop a silent frame among the first `late + 1`, else the oldest."""
        silent = (index for index in range(late + 1) if not self._inputs[index].speech)
        index = next(silent, 0)
        dropped = self._inputs.pop(index)
        self._count(dropped)
        if index < len(self._inputs):  # what followed begins as the dropped frame began
            after = self._inputs[index].samples
            fade = np.linspace(0.0, 1.0, FADE, dtype=np.float32)
            after[:FADE] = dropped.samples[:FADE] * (1 - fade) + after[:FADE] * fade

    def _count(self, dropped: Waiting) -> None:
        if dropped.speech:
            self.counters.dropped_speech += 1
        else:
            self.counters.dropped_silent += 1

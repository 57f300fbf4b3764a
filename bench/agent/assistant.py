"""The frame loop of an assistant with and without its parts at work, and a talk of ten minutes: CPU, memory, lateness.

Two loops run at the pace of speech, one after the other: one whose parts do nothing (a third of the time), one whose
ear, mind and mouth work in their lanes. The frame's own time is what `Assistant.step` takes. Needs recorded requests in
`$DUOLOGUE_SPEECH` (a folder of .opus, .flac or .wav), a recognizer in `$DUOLOGUE_WHISPER` and a model file in
`$DUOLOGUE_MIND`; `$DUOLOGUE_MINUTES` says how long, ten by default, `$DUOLOGUE_SESSIONS` how many talk at once.
"""

from __future__ import annotations

import json
import os
import resource
import time
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from agent.assistant.opening import open_assistant
from agent.assistant.partner import Assistant
from agent.assistant.settings import AssistantSettings
from agent.assistant.work import ThreadExecutor
from agent.listener.labels import voice_activity
from agent.live.talk_events import Happening
from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, Samples, read_mono

BETWEEN = 8.0  # s of quiet after a request, for its answer
NAMES = ("DUOLOGUE_SPEECH", "DUOLOGUE_WHISPER", "DUOLOGUE_MIND")


@dataclass(frozen=True)
class User:
    """Somebody who asks again and again: frames, and the seconds at which the requests' voices stop."""

    frames: list[Samples]
    stops: list[float]


@dataclass(frozen=True)
class Loop:
    """What a loop took."""

    name: str
    minutes: float
    sessions: int
    step_p50_ms: float
    step_p99_ms: float
    latest_ms: float  # the most a frame came after its time
    cpu_share: float  # of one core
    memory_mb: float  # the most there was
    requests: int
    answers: int  # requests after which it spoke before the next one began
    early: float | None  # s from a request's end to the first sound, median of the first third
    late: float | None  # of the last third


def run(as_json: bool = False, smallest: bool = False) -> None:
    """Measure and print; the smallest size is half a second of silence with idle parts."""
    idle = AssistantSettings(mind="echo", ear="own", mouth="piper")
    if smallest:
        loops = [measure("parts idle", idle, User([np.zeros(FRAME_SAMPLES, np.float32)] * 6, []))]
    else:
        missing = [name for name in NAMES if not os.environ.get(name)]
        if missing:
            raise SystemExit(f"bench: set {', '.join(missing)}; see the first lines of bench/agent/assistant.py")
        minutes = float(os.environ.get("DUOLOGUE_MINUTES", "10"))
        sessions = int(os.environ.get("DUOLOGUE_SESSIONS", "1"))
        somebody = user(Path(os.environ["DUOLOGUE_SPEECH"]), minutes)
        third = User(somebody.frames[: len(somebody.frames) // 3], [])
        mind, ear = f"gguf:{os.environ['DUOLOGUE_MIND']}", f"whisper:{os.environ['DUOLOGUE_WHISPER']}"
        working = AssistantSettings(mind=mind, ear=ear)
        loops = [measure("parts idle", idle, third, sessions), measure("parts at work", working, somebody, sessions)]
    if as_json:
        print(json.dumps([asdict(loop) for loop in loops], indent=1))
        return
    table = Table(
        "loop",
        "talks",
        "step p50, ms",
        "p99, ms",
        "latest, ms",
        "CPU, cores",
        "memory, MB",
        "answers",
        "first sound, s",
    )
    for loop in loops:
        times = (f"{loop.step_p50_ms:.2f}", f"{loop.step_p99_ms:.2f}", f"{loop.latest_ms:.0f}", f"{loop.cpu_share:.2f}")
        answers = (f"{loop.answers} of {loop.requests}", f"{_shown(loop.early)}, at last {_shown(loop.late)}")
        table.add_row(loop.name, str(loop.sessions), *times, f"{loop.memory_mb:.0f}", *answers)
    Console().print(table)


def user(folder: Path, minutes: float) -> User:
    """Somebody who asks something again and again."""
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix in (".opus", ".flac", ".wav")]
    if not paths:
        raise SystemExit(f"bench: no recordings in {folder}")
    frames: list[Samples] = []
    stops = []
    noise = np.random.default_rng(0)
    for path in paths * (1 + round(60 * minutes / len(paths))):
        request = read_mono(path)
        stops.append(len(frames) * FRAME_SECONDS + np.flatnonzero(voice_activity(request))[-1] / 100)
        quiet = (1e-4 * noise.standard_normal(round(BETWEEN * 24_000))).astype(np.float32)
        both = np.concatenate([request, quiet])
        frames += list(both[: len(both) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES))
        if len(frames) * FRAME_SECONDS >= 60 * minutes:
            break
    return User(frames, stops)


def measure(name: str, settings: AssistantSettings, somebody: User, sessions: int = 1) -> Loop:
    """One loop at the pace of speech; each session's user begins at another place of the same talk."""
    assistant = open_assistant(settings, ThreadExecutor(), slots=sessions)
    try:
        return _loop(name, assistant, somebody, sessions)
    finally:
        assistant.shut()


def _loop(name: str, assistant: Assistant, somebody: User, sessions: int) -> Loop:
    frames = somebody.frames
    slots = [assistant.open() for _ in range(sessions)]
    shifts = [len(frames) * i // sessions for i in range(sessions)]
    begins: list[list[float]] = [[] for _ in slots]
    took, latest = [], 0.0
    due, cpu = time.monotonic(), time.process_time()
    for i in range(len(frames)):
        due += FRAME_SECONDS
        time.sleep(max(0.0, due - time.monotonic()))
        latest = max(latest, time.monotonic() - due)
        began = time.perf_counter()
        outs = assistant.step(
            {slot: frames[(i + shift) % len(frames)] for slot, shift in zip(slots, shifts, strict=True)}
        )
        took.append(1e3 * (time.perf_counter() - began))
        for slot, begun in zip(slots, begins, strict=True):
            events = outs[slot].events
            begun += [event.at for event in events if isinstance(event, Happening) and event.kind == "begin"]
    seconds = len(frames) * FRAME_SECONDS
    waits = []
    for begun, shift in zip(begins, shifts, strict=True):
        stops = sorted((stop - shift * FRAME_SECONDS) % seconds for stop in somebody.stops)
        waits += [(stop, _wait(stop, after, begun)) for stop, after in pairwise([*stops, seconds])]
    answered = [(stop, wait) for stop, wait in waits if wait is not None]
    return Loop(
        name,
        round(seconds / 60, 2),
        sessions,
        float(np.percentile(took, 50)),
        float(np.percentile(took, 99)),
        1e3 * latest,
        (time.process_time() - cpu) / seconds,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        len(waits),
        len(answered),
        _median([wait for stop, wait in answered if stop < seconds / 3]),
        _median([wait for stop, wait in answered if stop > 2 * seconds / 3]),
    )


def _wait(stop: float, after: float, begun: list[float]) -> float | None:
    """Seconds from a request's end to the first sound before the next one's end."""
    return next((at - stop for at in begun if stop < at < after), None)


def _median(values: list[float]) -> float | None:
    return float(np.median(values)) if values else None


def _shown(seconds: float | None) -> str:
    return "-" if seconds is None else f"{seconds:.2f}"

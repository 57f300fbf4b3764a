"""The frame loop of an assistant with and without its parts at work, and a talk of ten minutes: CPU, memory, lateness.

Two loops run at the pace of speech in turn, minute by minute: one whose ear, mind and mouth work in their lanes, one
whose parts do nothing. The frame's own time is what `Assistant.step` takes. Needs recorded requests in
`$DUOLOGUE_SPEECH` (a folder of .opus, .flac or .wav), a recognizer in `$DUOLOGUE_WHISPER` and a model file in
`$DUOLOGUE_MIND`; `$DUOLOGUE_MINUTES` says how long, ten by default.
"""

from __future__ import annotations

import json
import os
import resource
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from agent.assistant.opening import open_assistant
from agent.assistant.partner import Assistant
from agent.assistant.settings import AssistantSettings
from agent.assistant.work import ThreadExecutor
from agent.live.talk_events import Happening
from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, Samples, read_mono

BETWEEN = 8.0  # s of quiet after a request, for its answer
NAMES = ("DUOLOGUE_SPEECH", "DUOLOGUE_WHISPER", "DUOLOGUE_MIND")


@dataclass(frozen=True)
class Loop:
    """What a loop took."""

    name: str
    minutes: float
    step_p50_ms: float
    step_p99_ms: float
    cpu_share: float  # of one core
    memory_mb: float  # the most there was
    answers: int
    first_minute: int  # answers
    last_minute: int


def run(as_json: bool = False, smallest: bool = False) -> None:
    """Measure and print; the smallest size is half a second of silence with idle parts."""
    idle = AssistantSettings(mind="echo", ear="own", mouth="piper")
    if smallest:
        loops = [measure("parts idle", idle, [np.zeros(FRAME_SAMPLES, np.float32)] * 6)]
    else:
        missing = [name for name in NAMES if not os.environ.get(name)]
        if missing:
            raise SystemExit(f"bench: set {', '.join(missing)}; see the first lines of bench/agent/assistant.py")
        sound = user(Path(os.environ["DUOLOGUE_SPEECH"]), float(os.environ.get("DUOLOGUE_MINUTES", "10")))
        mind, ear = f"gguf:{os.environ['DUOLOGUE_MIND']}", f"whisper:{os.environ['DUOLOGUE_WHISPER']}"
        working = AssistantSettings(mind=mind, ear=ear)
        loops = [measure("parts idle", idle, sound), measure("parts at work", working, sound)]
    if as_json:
        print(json.dumps([asdict(loop) for loop in loops], indent=1))
        return
    table = Table("loop", "step p50, ms", "p99, ms", "CPU, cores", "memory, MB", "answers", "first, last minute")
    for loop in loops:
        times = (f"{loop.step_p50_ms:.2f}", f"{loop.step_p99_ms:.2f}", f"{loop.cpu_share:.2f}")
        ends = f"{loop.first_minute}, {loop.last_minute}"
        table.add_row(loop.name, *times, f"{loop.memory_mb:.0f}", str(loop.answers), ends)
    Console().print(table)


def user(folder: Path, minutes: float) -> list[Samples]:
    """Frames of somebody who asks something again and again."""
    paths = [path for path in sorted(folder.rglob("*")) if path.suffix in (".opus", ".flac", ".wav")]
    if not paths:
        raise SystemExit(f"bench: no recordings in {folder}")
    frames: list[Samples] = []
    noise = np.random.default_rng(0)
    for path in paths * (1 + round(60 * minutes / len(paths))):
        quiet = (1e-4 * noise.standard_normal(round(BETWEEN * 24_000))).astype(np.float32)
        both = np.concatenate([read_mono(path), quiet])
        frames += list(both[: len(both) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES))
        if len(frames) * FRAME_SECONDS >= 60 * minutes:
            break
    return frames


def measure(name: str, settings: AssistantSettings, sound: list[Samples]) -> Loop:
    """One loop at the pace of speech."""
    assistant = open_assistant(settings, ThreadExecutor())
    try:
        return _loop(name, assistant, sound)
    finally:
        assistant.shut()


def _loop(name: str, assistant: Assistant, sound: list[Samples]) -> Loop:
    slot, took, begun = assistant.open(), [], []
    due, cpu = time.monotonic(), time.process_time()
    for frame in sound:
        due += FRAME_SECONDS
        time.sleep(max(0.0, due - time.monotonic()))
        began = time.perf_counter()
        out = assistant.step({slot: frame})[slot]
        took.append(1e3 * (time.perf_counter() - began))
        begun += [event.at for event in out.events if isinstance(event, Happening) and event.kind == "begin"]
    seconds = len(sound) * FRAME_SECONDS
    return Loop(
        name,
        round(seconds / 60, 2),
        float(np.percentile(took, 50)),
        float(np.percentile(took, 99)),
        (time.process_time() - cpu) / seconds,
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        len(begun),
        sum(at < 60 for at in begun),
        sum(at > seconds - 60 for at in begun),
    )

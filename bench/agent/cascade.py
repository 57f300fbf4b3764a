"""Other people's pipeline beside ours: Pipecat with Silero and Smart Turn, and a cascade with a fixed silence.

All have the same ear (Whisper), scripted mind and mouth (Piper) and hear the same recordings of people held out, each
at the pace of speech; probe by probe they take turns, so that all meet the same machine. Needs the wheel `pipecat-ai`
and what it imports (`pip install --no-deps pipecat-ai docstring-parser loguru loudness sentencex wait_for2`),
recordings (a collection as `agent listener` reads it) in `$DUOLOGUE_SPEECH`, a recognizer in `$DUOLOGUE_WHISPER` and
signs of listening in `$DUOLOGUE_NODS` (a folder of .wav). `$DUOLOGUE_PROBES` says how many of each kind, 4 by default;
`$DUOLOGUE_ROWS` which rows, by how they begin, with semicolons between. All rows take 2.5 minutes for each such probe,
`ours;Pipecat as` 1.3. Ours has one core for each part, Pipecat's ear all that there are, as each comes.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rich.console import Console
from rich.table import Table

from agent.assistant.ear.whisper_model import WhisperModel
from agent.assistant.opening import open_assistant
from agent.assistant.partner import Assistant
from agent.assistant.settings import AssistantSettings
from agent.assistant.work import ThreadExecutor
from agent.judging.assistant import Figures, HeldTalk, figures
from agent.judging.assistant_probes import Kind, VoiceProbe, voice_probes
from agent.judging.assistant_report import ROWS
from agent.listener.collection import Collection
from corpus.audio import SAMPLE_RATE, Samples, read_mono

from .cascades.paced_talk import hold_paced

if TYPE_CHECKING:
    from .cascades.pipecat_talk import Setup

NAMES = ("DUOLOGUE_SPEECH", "DUOLOGUE_WHISPER", "DUOLOGUE_NODS")
LISTS = Path(__file__).parents[2] / "datasets"
SAY = (
    "I will see what I can do about that. "
    "There are a few ways to go about it, and I can tell you about each of them if you like."
)
ALL: tuple[Kind, ...] = ("request", "pause", "barge-in", "backchannel")
TURNS, DISTURBED = ALL[:2], ALL[2:]
FIXED = 0.8  # s of silence
MIN_WORDS = 3
WIDTH = 150  # columns of the printed table

Hold = Callable[[VoiceProbe], HeldTalk]


@dataclass(frozen=True)
class Row:
    """An assistant, and the kinds of probes that tell it from the rows above."""

    name: str
    hold: Hold
    kinds: Sequence[Kind] = ALL


def run(as_json: bool = False, smallest: bool = False) -> None:
    """Measure and print; the smallest size is half a second of silence."""
    try:
        from .cascades.pipecat_talk import Setup
    except ModuleNotFoundError as error:
        raise SystemExit(f"bench: {error}; see the first lines of bench/agent/cascade.py") from None
    executor = ThreadExecutor()
    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "script.jsonl"
        script.write_text(json.dumps({"say": SAY}) + "\n", encoding="utf-8")
        if smallest:
            settings = AssistantSettings(mind=f"script:{script}", ear="own", mouth="tone", turn="vad")
            assistant = open_assistant(settings, executor)
            silence = VoiceProbe("silence", "request", "", np.zeros(SAMPLE_RATE // 2, np.float32), 0.1, "")
            rows = [_ours(assistant), Row("Pipecat", _pipecat(Setup(lambda _: "", answer, assistant.parts.mouth)))]
            found = measure(rows, [silence])
        else:
            missing = [name for name in NAMES if not os.environ.get(name)]
            if missing:
                raise SystemExit(f"bench: set {', '.join(missing)}; see the first lines of bench/agent/cascade.py")
            whisper = Path(os.environ["DUOLOGUE_WHISPER"])
            assistant = open_assistant(AssistantSettings(mind=f"script:{script}", ear=f"whisper:{whisper}"), executor)
            found = measure(chosen([_ours(assistant), *_theirs(assistant, whisper)]), probes(), _progress)
        assistant.shut()
    if as_json:
        print(json.dumps(found, indent=1))
    else:
        Console(width=WIDTH).print(table(found))


def probes() -> list[VoiceProbe]:
    """Those of the people of `judge`."""
    collection = Collection.open(
        os.environ["DUOLOGUE_SPEECH"], LISTS / "speech-transcripts.jsonl.gz", LISTS / "held-out-speakers.txt"
    )
    nods = [read_mono(path) for path in sorted(Path(os.environ["DUOLOGUE_NODS"]).glob("*.wav"))]
    return voice_probes(collection, "judge", int(os.environ.get("DUOLOGUE_PROBES", "4")), nods)


def chosen(rows: Sequence[Row]) -> list[Row]:
    """The rows whose names begin as `$DUOLOGUE_ROWS` says."""
    wanted = tuple(name.strip() for name in os.environ.get("DUOLOGUE_ROWS", "").split(";"))
    found = [row for row in rows if row.name.startswith(wanted)]
    if not found:
        raise SystemExit(f"bench: no row begins with {', '.join(wanted)}; valid: {'; '.join(row.name for row in rows)}")
    return found


def measure(
    rows: Sequence[Row], probes: Sequence[VoiceProbe], progress: Callable[[str, int, int], None] = lambda *_: None
) -> dict[str, Figures]:
    """The figures of each row, by its name."""
    held: dict[str, list[HeldTalk]] = {row.name: [] for row in rows}
    for number, probe in enumerate(probes, start=1):
        for row in rows:
            if probe.kind in row.kinds:
                progress(row.name, number, len(probes))
                held[row.name].append(row.hold(probe))
    print(file=sys.stderr)  # ends the line of progress
    return {name: figures(talks) for name, talks in held.items()}


def table(found: Mapping[str, Figures]) -> Table:
    """A column for each row of the measurement."""
    result = Table("", *found)
    for key, title in ROWS.items():
        values = [figure.get(key) for figure in found.values()]
        if any(value is not None for value in values):
            result.add_row(title, *("-" if value is None else f"{value:.2f}" for value in values))
    return result


def answer(heard: str) -> list[str]:
    """The scripted mind's words."""
    return [f"{word} " for word in SAY.split()]


def _ours(assistant: Assistant) -> Row:
    return Row("ours", lambda probe: hold_paced(assistant, probe))


def _theirs(assistant: Assistant, folder: Path) -> list[Row]:
    """Pipecat as shipped, then with our cut ear, then with words that stop it; a fixed silence, shipped and cut."""
    from .cascades.pipecat_talk import Setup

    model, mouth = WhisperModel(folder, "en", os.cpu_count() or 1), assistant.parts.mouth  # as faster-whisper does

    def whole(sound: Samples) -> str:
        return model.look(sound, whole=True)[1].text

    def cut(sound: Samples) -> str:
        found = model.look(sound)[1]
        return whole(sound) if found.suspicious else found.text

    return [
        Row("Pipecat as shipped", _pipecat(Setup(whole, answer, mouth))),
        Row("Pipecat, ear cut", _pipecat(Setup(cut, answer, mouth)), TURNS),
        Row(f"Pipecat, {MIN_WORDS} words stop it", _pipecat(Setup(cut, answer, mouth, words=MIN_WORDS)), DISTURBED),
        Row("fixed silence", _pipecat(Setup(whole, answer, mouth, silence=FIXED)), TURNS),
        Row("fixed silence, ear cut", _pipecat(Setup(cut, answer, mouth, silence=FIXED)), TURNS),
    ]


def _pipecat(setup: Setup) -> Hold:
    from .cascades.pipecat_talk import hold_pipecat

    return lambda probe: hold_pipecat(setup, probe)


def _progress(name: str, number: int, total: int) -> None:
    print(f"\r{number} of {total}: {name:<30}", end="", file=sys.stderr, flush=True)

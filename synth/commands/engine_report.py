"""What `synth engines` shows of each engine: whether it can run here, what it can do, its licences, how fast it is."""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from typing import Any

from ..engines import Style, engine_entry
from ..engines.catalogue import ENGINES, SHIPPED, EngineEntry
from ..engines.declaration import WorkerDeclaration
from ..engines.weights import missing
from ..voices.casting import engine_voices, load_engine

MEASURED_TEXTS = (  # of the lengths that people say
    "Well, I think we could go on Thursday, if that suits you.",
    "Yes, of course.",
    "So what happened was that the train was late, and by the time we got there everybody had already left.",
)


@dataclass(frozen=True)
class EngineRow:
    """One engine on this computer.

    Attributes:
        name: as a recipe names it.
        installed: whether its modules (or its worker's command) are there.
        weights: "found", "missing", or "none needed"; "unknown" while what it needs is not installed.
        clones: whether it imitates a reference.
        voices: how many voices of its own it has to choose from.
        pseudo_speakers: whether it moves one voice to that of each reference.
        languages: ISO 639-1 codes.
        licence_code, licence_weights: SPDX ids.
        native_times: whether it times its words; the aligner does it otherwise.
        repeatable: whether the same call gives the same samples.
        get: what to type to have what is missing; "" when nothing is.
        speed: hours of speech made in an hour by one process, if it was measured.
        problem: why it could not be measured.
    """

    name: str
    installed: bool
    weights: str
    clones: bool
    voices: int
    pseudo_speakers: bool
    languages: tuple[str, ...]
    licence_code: str
    licence_weights: str
    native_times: bool
    repeatable: bool
    get: str
    speed: float | None = None
    problem: str = ""

    @property
    def ready(self) -> bool:
        """Whether it can speak now."""
        return self.installed and self.weights in ("found", "none needed")

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {**asdict(self), "languages": list(self.languages)}


def known_engines() -> list[str]:
    """Every engine that needs no file of the user's, by name."""
    return [*ENGINES, *SHIPPED]


def engine_row(name: str, *, measure: bool = False, language: str = "") -> EngineRow:
    """What there is to say of an engine, its voices those of one language if that is given.

    Raises:
        ValueError: there is none of that name.
    """
    entry = engine_entry(name)
    installed, weights = _installed(entry), _weights(entry)
    row = EngineRow(
        name=name,
        installed=installed,
        weights=weights,
        clones=entry.clones,
        voices=sum(language in ("", voice.language) for voice in entry.voices),
        pseudo_speakers=entry.pseudo_speakers,
        languages=entry.languages,
        licence_code=entry.licence_code,
        licence_weights=entry.licence_weights,
        native_times=entry.native_times,
        repeatable=entry.repeatable,
        get=_get(name, entry, installed, weights),
    )
    if not measure or not row.ready:
        return row
    try:
        return EngineRow(**{**asdict(row), "speed": round(measured_speed(name).wall, 2)})
    except ValueError as error:
        return EngineRow(**{**asdict(row), "problem": str(error)})


@dataclass(frozen=True)
class Speed:
    """Hours of speech made in an hour of time, and in an hour of this process's work on all its threads."""

    wall: float
    cpu: float


def measured_speed(name: str, texts: tuple[str, ...] = MEASURED_TEXTS) -> Speed:
    """How fast one process is, the engine loaded and the voice known.

    Raises:
        ValueError: the engine cannot be loaded, or not speak.
    """
    entry = engine_entry(name)
    language = "en" if "en" in entry.languages else entry.languages[0]
    engine, voice = load_engine(name, language), next(iter(engine_voices(name, language=language).values()))
    engine.speak(texts[0], voice, Style(), 0)
    seconds, began, worked = 0.0, time.perf_counter(), time.process_time()
    for number, text in enumerate(texts):
        speech = engine.speak(text, voice, Style(), number)
        seconds += len(speech.samples) / speech.rate
    return Speed(seconds / (time.perf_counter() - began), seconds / (time.process_time() - worked))


def _installed(entry: EngineEntry) -> bool:
    if isinstance(entry.declaration, WorkerDeclaration):
        from ..engines.worker import executable

        assert entry.folder is not None, "a worker has a file"
        return executable(entry.declaration, entry.folder) is not None
    return not entry.missing_packages


def _weights(entry: EngineEntry) -> str:
    if entry.module == "pocket" and not entry.weights:
        return "unknown" if entry.missing_packages else "none needed"
    if not entry.weights:
        return "none needed"
    return "missing" if missing(entry.weights) else "found"


def _get(name: str, entry: EngineEntry, installed: bool, weights: str) -> str:
    steps = []
    if not installed:
        steps.append(f"pip install 'duologue[{entry.extra}]'" if entry.extra else entry.get or "see its TOML file")
    if weights in ("missing", "unknown"):
        steps.append(f"synth engines fetch {name}")
    return " && ".join(steps)

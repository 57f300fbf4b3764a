"""Engines in a process and an environment of their own, behind a protocol of JSON lines.

A worker is any program. It is described in a TOML file (see `declaration`) with `command`, started once and asked many
times. What it needs to do, in any language:

1. Write one line to stdout as soon as it runs, before it loads a model:
   {"protocol": 1, "name": "chatterbox", "version": "0.1.7", "sample_rate": 24000, "clones": true, "languages": ["en"],
    "licence_code": "MIT", "licence_weights": "MIT"}
   Name, clones and licences must be those of the TOML file, and the languages must hold all of it.
2. For each line on stdin, a request, write exactly one line to stdout, the answer, with the same id:
   {"id": 1, "text": "Hello there.", "language": "en", "seed": 123, "rate": 1.0, "liveliness": 1.0,
    "voice": null, "reference": {"audio": "/path/ref.wav", "text": "what it says, or null"}, "out": "/scratch/1.wav"}
   {"id": 1, "words": [["Hello", 0.05, 0.31], ["there.", 0.33, 0.7]]}     times in seconds, or null to have them aligned
   {"id": 1, "error": "the text is too long"}                              if it cannot speak this
   The audio is at `out` before the answer is written: a mono sound file of the introduced sample rate. An engine that
   does not clone gets its own name of a voice in `voice`, and no reference.
3. End when stdin closes, even in the middle of a request.

stdout carries the protocol only: what else is written there is passed over, up to a hundred lines. stderr is free; its
end is quoted when something goes wrong. Nothing may be downloaded (`HF_HUB_OFFLINE` is set): weights are named in the
TOML file and come from `synth engines fetch`. A Python worker gets all this from `duologue_worker.serve`, which is on
its path; see `workers/template.py` and `workers/chatterbox_worker.py`.

A worker that dies is started anew and asked the same once more, so that no request is lost; one that does not answer in
time is killed; an answer is taken only if its id is that of the request, so that none counts twice. After
`MOST_FAILURES` failed requests in a row the run stops.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soundfile  # type: ignore[import-untyped]
from pydantic import BaseModel, ValidationError

from corpus.record import Word

from ..seeds import derive
from . import weights
from .catalogue import EngineEntry
from .declaration import WorkerDeclaration
from .failure import EngineFailureError, FailuresInARow, checked, require_words
from .protocol import ReferenceVoice, Speech, Style
from .worker_process import WorkerProcess

PROTOCOL = 1
ASKED = 2  # times that a request is sent to workers that die on it
_CHILD_MODULES = Path(__file__).parent / "workers"
_SEEDS = 2**31


class Introduction(BaseModel):
    """A worker's first line."""

    protocol: int
    name: str
    version: str
    sample_rate: int
    clones: bool
    languages: tuple[str, ...]
    licence_code: str
    licence_weights: str


def load(name: str, entry: EngineEntry, language: str) -> WorkerEngine:
    """Start the worker of a TOML file and hear its introduction.

    Raises:
        ValueError: its weights are not in the cache, it cannot be started, or it is not what its file says.
    """
    declared = entry.declaration
    assert isinstance(declared, WorkerDeclaration), "the catalogue reads a worker's file as such"
    assert entry.folder is not None, "a declared engine has a file"
    weights.require(name, declared.weights)
    return WorkerEngine(name, declared, entry.folder, language)


class WorkerEngine:
    """One worker.

    Args:
        name: of the engine.
        declared: its TOML file.
        folder: where that file is; the command is started there.
        language: ISO 639-1 code of what it is to speak.
    """

    def __init__(self, name: str, declared: WorkerDeclaration, folder: Path, language: str) -> None:
        self.name = name
        self.languages = declared.languages
        self.clones = declared.clones
        self.licence_code = declared.licence_code
        self.licence_weights = declared.licence_weights
        self._declared = declared
        self._folder = folder
        self._language = language
        self._voices = {voice.id: voice.name or voice.id for voice in declared.voice}
        self._process: WorkerProcess | None = None
        self._asked = 0
        self._failures = FailuresInARow(name)
        self._warm = False
        try:
            self._introduction = self._start()
        except EngineFailureError as error:
            self.close()
            raise ValueError(f"engine {name} did not start: {error}") from None
        self.version = f"worker-{declared.name}-{self._introduction.version}"

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak a text; see `Engine.speak`.

        Raises:
            ValueError: nothing to say, a voice that it cannot speak with, or it failed `MOST_FAILURES` times in a row.
            EngineFailureError: this request failed.
        """
        require_words(text)
        request = {
            "text": text,
            "language": self._language,
            "seed": derive(seed, text) % _SEEDS,
            "rate": style.rate,
            "liveliness": style.liveliness,
            **self._voice(voice),
        }
        try:
            with self._failures.counted():
                return self._spoken(request, text)
        finally:
            if self._failures.given_up:
                self.close()

    def close(self) -> None:
        """End the worker; the next request starts it again."""
        if self._process is not None:
            self._process.stop()
        self._process, self._warm = None, False

    def _voice(self, voice: ReferenceVoice) -> dict[str, Any]:
        """The request's fields that say with which voice."""
        if self.clones:
            if voice.audio is None:
                raise ValueError(
                    f"engine {self.name} speaks with a reference only; {voice.voice.id!r} has no recording"
                )
            return {"voice": None, "reference": {"audio": str(voice.audio.resolve()), "text": voice.text}}
        if voice.audio is not None or voice.voice.id not in self._voices:
            raise ValueError(f"engine {self.name} cannot clone {voice.voice.id!r}; it has {', '.join(self._voices)}")
        return {"voice": self._voices[voice.voice.id], "reference": None}

    def _spoken(self, request: dict[str, Any], text: str) -> Speech:
        descriptor, path = tempfile.mkstemp(".wav", "duologue-")  # one for each request: nothing outlives a killed run
        os.close(descriptor)
        out = Path(path)
        try:
            answer = self._answer({**request, "out": str(out)})
            if "error" in answer:
                raise EngineFailureError("refused", f"worker {self.name} cannot speak {text!r}: {answer['error']}")
            try:
                samples, rate = soundfile.read(str(out), dtype="float32", always_2d=True)
            except (soundfile.LibsndfileError, OSError):
                raise EngineFailureError("garbage", f"worker {self.name} left no audio for {text!r}") from None
        finally:
            out.unlink(missing_ok=True)
        if samples.shape[1] != 1 or rate != self._introduction.sample_rate:
            raise EngineFailureError(
                "garbage",
                f"worker {self.name} left {samples.shape[1]} channels at {rate} Hz, "
                f"not one at {self._introduction.sample_rate}",
            )
        return checked(self.name, np.asarray(samples[:, 0]), int(rate), text, _words(self.name, answer.get("words")))

    def _answer(self, request: dict[str, Any]) -> dict[str, Any]:
        """Ask the worker, and once more if it dies on the request; one that does anything worse is ended."""
        for more in reversed(range(ASKED)):
            self._asked += 1
            try:
                if self._process is None:
                    self._start()
                assert self._process is not None, "just started"
                timeout = self._declared.timeout + (0 if self._warm else self._declared.start_timeout)
                answer = self._process.ask({"id": self._asked, **request}, timeout)
                self._warm = True
                return answer
            except EngineFailureError as error:
                self.close()
                if error.code != "died" or not more:
                    raise
        raise AssertionError("the last try returns or raises")

    def _start(self) -> Introduction:
        """Start the process and check that it is what its file says."""
        declared = self._declared
        command = _expanded(declared.command)
        environment = {**os.environ, "HF_HUB_OFFLINE": "1", "PYTHONUNBUFFERED": "1", **declared.environment}
        environment["PYTHONPATH"] = str(_CHILD_MODULES)  # and not this environment's modules
        try:
            self._process = WorkerProcess(self.name, command, self._folder, environment)
        except OSError as error:
            hint = f"; to install it: {declared.install}" if declared.install else ""
            raise ValueError(f"engine {self.name} cannot be started: {error}{hint}") from None
        line = self._process.hear(declared.start_timeout)
        try:
            introduction = Introduction.model_validate(line)
        except ValidationError as error:
            first = error.errors()[0]
            self.close()
            raise ValueError(
                f"engine {self.name} introduced itself without a valid {first['loc'][0]!r}: {first['msg']}"
            ) from None
        problem = _difference(introduction, declared)
        if problem:
            self.close()
            raise ValueError(f"engine {self.name}: {problem}; correct its TOML file")
        return introduction


def executable(declared: WorkerDeclaration, folder: Path) -> Path | None:
    """The program that a worker's command starts; None if there is none."""
    program = _expanded(declared.command)[0]
    path = shutil.which(program) if os.sep not in program else shutil.which(folder / program)
    return Path(path) if path else None


def _expanded(command: Sequence[str]) -> list[str]:
    return [os.path.expandvars(os.path.expanduser(part)) for part in command]


def _difference(said: Introduction, declared: WorkerDeclaration) -> str:
    """In what a worker is not what its file says; "" if in nothing."""
    if said.protocol != PROTOCOL:
        return f"the worker speaks protocol {said.protocol}, not {PROTOCOL}"
    for field in ("name", "clones", "licence_code", "licence_weights"):
        if getattr(said, field) != getattr(declared, field):
            return f"the worker says {field} = {getattr(said, field)!r}, its file {getattr(declared, field)!r}"
    unknown = sorted(set(declared.languages) - set(said.languages))
    return f"the worker does not speak {', '.join(unknown)}" if unknown else ""


def _words(name: str, times: Any) -> tuple[Word, ...] | None:
    """The answer's word times. Raises EngineFailureError (garbage) if they are none."""
    if times is None:
        return None
    try:
        return tuple(Word(text=text, start=float(start), end=float(end), source="native") for text, start, end in times)
    except (TypeError, ValueError):
        raise EngineFailureError(
            "garbage", f"worker {name} gave word times that are none: {str(times)[:200]}"
        ) from None

"""espeak-ng: a hundred languages from a few megabytes, at once and offline; plainly a machine's voice.

It is GPL and stays apart: a worker (`workers/espeak_worker.py`) in a process of its own speaks through the library of
the wheel `espeakng-loader`, or through the one that Debian's `espeak-ng` brings, or through that program alone, which
times no words. Style: `rate` scales its 175 words a minute, `liveliness` its range of pitch and how much a seed moves
tempo and pitch; 0 is flat.
"""

from __future__ import annotations

import ctypes.util
import importlib.util
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from corpus.record import Word

from .catalogue import EngineEntry
from .declaration import WorkerDeclaration
from .hums import hum
from .protocol import ReferenceVoice, Speech, Style
from .worker import WorkerEngine

WHEEL, PROGRAM = "espeakng_loader", "espeak-ng"
_WORKERS = Path(__file__).parent / "workers"
_AROUND = "\"'()[]{}.,;:!?"


def found() -> tuple[str, str] | None:
    """How espeak-ng can be reached: `wheel`, `library` or `program`, and its place; None where it is not installed."""
    if importlib.util.find_spec(WHEEL) is not None:
        return "wheel", WHEEL
    if library := ctypes.util.find_library(PROGRAM):
        return "library", library
    if program := shutil.which(PROGRAM):
        return "program", program
    return None


def load(name: str, entry: EngineEntry, language: str) -> EspeakEngine:
    """Start the worker for one language.

    Raises:
        ValueError: espeak-ng is not installed, or what is installed has no such language.
    """
    at = found()
    if at is None:
        raise ValueError(f"engine {name} needs espeak-ng: {entry.get}")
    declared = WorkerDeclaration(
        name="espeak",
        command=(sys.executable, "espeak_worker.py", *at, language, _accents(entry, language)),
        clones=False,
        languages=(language,),
        licence_code=entry.licence_code,
        licence_weights=entry.licence_weights,
        voice=tuple(voice for voice in entry.voices if voice.language == language),
        native_times=at[0] != "program",
    )
    return EspeakEngine(name, declared, _WORKERS, language)


class EspeakEngine(WorkerEngine):
    """The worker, told how to say what espeak-ng would spell out."""

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak a text; see `WorkerEngine.speak`. The words are those of the text."""
        accent = voice.voice.id.rpartition("-")[0]
        tokens = text.split()
        said = super().speak(" ".join(_as_said(token, accent) for token in tokens), voice, style, seed)
        return said if said.words is None else replace(said, words=_named(said.words, tokens))


def _accents(entry: EngineEntry, language: str) -> str:
    """The accents that the worker must know, with commas between."""
    names = (voice.name.partition("+")[0] for voice in entry.voices if voice.language == language)
    return ",".join(dict.fromkeys(names))


def _as_said(token: str, accent: str) -> str:
    core = token.strip(_AROUND)
    return token.replace(core, hum(core, accent)) if core else token


def _named(words: Sequence[Word], tokens: Sequence[str]) -> tuple[Word, ...]:
    return tuple(word.model_copy(update={"text": token}) for word, token in zip(words, tokens, strict=True))

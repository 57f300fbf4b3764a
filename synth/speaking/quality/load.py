"""The gates of a recipe with their models, loaded only where a recipe shuts any, and checked without loading."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

from ...engines import Engine, engine_entry
from ...voices.casting import load_engine
from .settings import QualitySettings

if TYPE_CHECKING:
    from .control import Control

INSTALL = "pip install 'duologue[codec,evaluate]'"
PACKAGES = {  # gate -> what it needs, how it is had
    "speaker": ("resemblyzer", "pip install --no-deps resemblyzer"),  # it asks for a webrtcvad that no longer imports
    "dnsmos": ("speechmos", INSTALL),
    "words": ("faster_whisper", INSTALL),
}
RECOGNIZER = "model.bin"  # in the folder of a faster-whisper model


def check_control(settings: QualitySettings, language: str) -> Engine | None:
    """The other engine, if there is one; of the gates only packages and files are looked for.

    Raises:
        ValueError: what the gates lack, or the other engine cannot be had or speaks with its own voices only.
    """
    if not settings.gates:
        return None
    missing = [
        f"{gate}: {package} is not installed: {how}"
        for gate, (package, how) in PACKAGES.items()
        if gate in settings.gates and importlib.util.find_spec(package) is None
    ]
    if importlib.util.find_spec("torch") is None:
        missing.insert(0, f"torch is not installed: {INSTALL}")
    if "words" in settings.gates and not (Path(settings.whisper) / RECOGNIZER).is_file():
        missing.append(f"words: whisper = {settings.whisper!r} is no folder of a faster-whisper model ({RECOGNIZER})")
    if missing:
        raise ValueError(f"quality gates cannot be had: {'; '.join(missing)}")
    if not settings.fallback:
        return None
    entry = engine_entry(settings.fallback)
    if entry.voices and not entry.pseudo_speakers:
        raise ValueError(
            f"quality.fallback: {settings.fallback} speaks with its own voices only; choose one that clones"
        )
    return load_engine(settings.fallback, language)


def load_control(settings: QualitySettings, engine: Engine, language: str) -> Control | None:
    """What speaks behind the gates; None if all are off.

    Raises:
        ValueError: a gate's package or model is missing, or the other engine cannot be had; nothing has been made yet.
    """
    if not settings.gates:
        return None
    try:
        from .control import Control
        from .gates import Gates
    except ImportError as error:
        raise ValueError(f"quality gates need {error.name}: {INSTALL}") from None
    fallback = load_engine(settings.fallback, language) if settings.fallback else None
    return Control(Gates(settings, language), engine, fallback)

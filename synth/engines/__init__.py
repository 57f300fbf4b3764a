"""Text-to-speech engines, each in its own file, loaded by name."""

from __future__ import annotations

import importlib
from functools import lru_cache

from .catalogue import ENGINES, EngineEntry, default_engine, engine_entry
from .failure import EngineFailureError
from .protocol import Engine, ReferenceVoice, Speech, Style

__all__ = [
    "ENGINES",
    "Engine",
    "EngineEntry",
    "EngineFailureError",
    "ReferenceVoice",
    "Speech",
    "Style",
    "default_engine",
    "engine_entry",
    "load_engine",
]


@lru_cache(maxsize=4)
def load_engine(name: str, language: str = "en") -> Engine:
    """Load an engine by its name (see `catalogue`), once a process: engines keep nothing between calls.

    One that neither clones nor has voices to choose from is wrapped in `PseudoSpeakerEngine`, so that it, too, can
    speak with any reference voice.

    Args:
        name: `NAME` or `NAME:ARGUMENT`.
        language: ISO 639-1 code of what it is to speak.

    Raises:
        ValueError: there is no such engine, its extra or its weights are missing, or it does not speak the language.
    """
    entry = engine_entry(name)
    if language not in entry.languages:
        raise ValueError(f"engine {name} does not speak {language!r}; it speaks {', '.join(entry.languages)}")
    try:
        engine: Engine = importlib.import_module(f".{entry.module}", __name__).load(name, entry, language)
        if entry.clones or (entry.voices and not entry.pseudo_speakers):
            return engine
        from ..engine_voices import declared_voice
        from ..voices import own_voice
        from .pseudo import PseudoSpeakerEngine, measured_voice
    except ModuleNotFoundError as error:
        raise ValueError(
            f"engine {name} needs the extra {entry.extra!r}: pip install 'duologue[{entry.extra}]' ({error})"
        ) from None
    if not entry.voices:
        return PseudoSpeakerEngine(engine, own_voice(name))
    return PseudoSpeakerEngine(engine, measured_voice(engine, declared_voice(entry.voices[0], name), language))

"""Text-to-speech engines, each in its own file, loaded by name."""

from __future__ import annotations

import importlib
from functools import lru_cache

from .catalogue import ENGINES, EngineEntry, engine_entry
from .protocol import Engine, ReferenceVoice, Speech, Style

__all__ = ["ENGINES", "Engine", "EngineEntry", "ReferenceVoice", "Speech", "Style", "engine_entry", "load_engine"]


@lru_cache(maxsize=4)
def load_engine(name: str) -> Engine:
    """Load an engine by its name in `ENGINES`, once a process: engines keep nothing between calls.

    One that cannot clone is wrapped in `PseudoSpeakerEngine`, so that it, too, can speak with any reference voice.

    Raises:
        ValueError: there is no such engine, or its extra is not installed.
    """
    entry = engine_entry(name)
    try:
        engine: Engine = getattr(importlib.import_module(f".{entry.module}", __name__), entry.cls)()
        if entry.clones:
            return engine
        from ..voices import own_voice
        from .pseudo import PseudoSpeakerEngine
    except ModuleNotFoundError as error:
        raise ValueError(
            f"engine {name} needs the extra {entry.extra!r}: pip install 'duologue[{entry.extra}]' ({error})"
        ) from None
    return PseudoSpeakerEngine(engine, own_voice(name))

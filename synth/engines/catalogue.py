"""Which engines there are, without loading any."""

from __future__ import annotations

from dataclasses import dataclass

from ..suggestion import suggestion


@dataclass(frozen=True)
class EngineEntry:
    """Where an engine is: the module and class of this folder, the extra it needs, whether it clones."""

    module: str
    cls: str
    extra: str
    clones: bool


ENGINES = {"piper": EngineEntry("piper", "PiperEngine", "piper", clones=False)}


def engine_entry(name: str) -> EngineEntry:
    """What is known of an engine. Raises ValueError with the nearest name if there is none."""
    if name not in ENGINES:
        raise ValueError(f"no engine is called {name!r}{suggestion(name, ENGINES)}")
    return ENGINES[name]

"""Text-to-speech engines, one file each: `speak(text, voice, style, seed)` gives samples, a rate and word times.

`protocol` says what an engine is, `catalogue` which there are, `declaration` how a user describes one in TOML. Engines
in processes of their own stand behind `worker`; `pseudo/` makes other speakers out of an engine that cannot clone.
`synth.voices.load_engine` loads one by its name, with the voices it can speak with.
"""

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
]

"""Two engines in one dialogue: the agent speaks by one, everybody else by another."""

from __future__ import annotations

from dataclasses import dataclass

from .protocol import Engine, ReferenceVoice, Speech, Style
from .wrapped import WrappedEngine


@dataclass(frozen=True)
class PairedEngine(WrappedEngine):
    """The engine `base`, and `other` for the voices that are its own."""

    other: Engine

    @property
    def version(self) -> str:
        """Both engines'."""
        return f"{self.base.version}, {self.other.version}"

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak by the engine that the voice is of; see `Engine.speak`."""
        engine = self.other if voice.voice.engine == self.other.name else self.base
        return engine.speak(text, voice, style, seed)

"""An engine whose clips are timed by a model where it does not time them itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..alignment.align import align
from ..alignment.aligner import Aligner
from ..engines.protocol import Engine, ReferenceVoice, Speech, Style


@dataclass(frozen=True)
class AlignedEngine:
    """As the engine in it; its clips have word times: the engine's, the aligner's, or those of `align`."""

    engine: Engine
    aligner: Aligner
    language: str

    @property
    def name(self) -> str:
        """The engine's."""
        return self.engine.name

    @property
    def languages(self) -> tuple[str, ...]:
        """The engine's."""
        return self.engine.languages

    @property
    def clones(self) -> bool:
        """The engine's."""
        return self.engine.clones

    @property
    def licence_code(self) -> str:
        """The engine's."""
        return self.engine.licence_code

    @property
    def licence_weights(self) -> str:
        """The engine's."""
        return self.engine.licence_weights

    @property
    def version(self) -> str:
        """Of both."""
        return f"{self.engine.version}, {self.aligner.version}"

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak a text; see `Engine.speak`."""
        speech = self.engine.speak(text, voice, style, seed)
        if speech.words is not None:
            return speech
        words = align(speech.samples, speech.rate, text, None, self.language, self.aligner)
        return replace(speech, words=words)

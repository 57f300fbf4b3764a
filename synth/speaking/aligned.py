"""An engine whose clips are timed by a model where it does not time them itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ..alignment.align import align
from ..alignment.aligner import Aligner
from ..engines.protocol import ReferenceVoice, Speech, Style
from ..engines.wrapped import WrappedEngine


@dataclass(frozen=True)
class AlignedEngine(WrappedEngine):
    """As the engine in it; its clips have word times: the engine's, the aligner's, or those of `align`."""

    aligner: Aligner
    language: str

    @property
    def clones(self) -> bool:
        """The base engine's."""
        return self.base.clones

    @property
    def version(self) -> str:
        """Of both."""
        return f"{self.base.version}, {self.aligner.version}"

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak a text; see `Engine.speak`."""
        speech = self.base.speak(text, voice, style, seed)
        if speech.words is not None:
            return speech
        words = align(speech.samples, speech.rate, text, None, self.language, self.aligner)
        return replace(speech, words=words)

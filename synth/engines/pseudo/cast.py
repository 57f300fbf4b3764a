"""An engine with many speakers, of whom some stand for a recorded voice: blended, then moved towards it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from ..protocol import Engine, ReferenceVoice, Speech, SpeechStream, Style, stream
from ..voice_profile import VoiceProfile
from ..wrapped import WrappedEngine
from .engine import moved
from .speaker import PseudoSpeaker, fit

LABEL = "A pseudo-speaker: rhythm, accent and manner are those of the engine's speakers, not the person's"


class BlendingEngine(Engine, Protocol):
    """An engine that speaks with a `ReferenceVoice.cast` of its own voices."""

    def can_blend(self, ids: Sequence[str]) -> bool:
        """Whether a voice between these of its own can be sounded."""
        ...


@dataclass(frozen=True)
class CastEngine(WrappedEngine):
    """Speaks with the base engine's own voices as they are, and with those cast from them (`ReferenceVoice.cast`)."""

    base: BlendingEngine

    def can_blend(self, ids: Sequence[str]) -> bool:
        """Whether a voice between these of the base engine's own can be sounded."""
        return self.base.can_blend(ids)

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak a text; see `Engine.speak`."""
        spoken = self.base.speak(text, voice, style, seed)
        cast = voice.cast
        if cast is None or not cast.fitted:
            return spoken
        assert voice.profile is not None, "only measured voices are fitted"
        assert cast.profile is not None, "only from measured voices"
        return moved(spoken, text, _fitted(voice.profile, cast.profile))

    def stream(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> SpeechStream:
        """See `StreamingEngine.stream`; what is fitted is moved as a whole."""
        if voice.cast is None or not voice.cast.fitted:
            return stream(self.base, text, voice, style, seed)
        return SpeechStream.of(self.speak(text, voice, style, seed))


@lru_cache(maxsize=512)
def _fitted(voice: VoiceProfile, own: VoiceProfile) -> PseudoSpeaker:
    return fit(voice, own)

"""An engine that cannot clone, made to speak with other voices: its clips are moved towards each reference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

from corpus.audio import SAMPLE_RATE, read_mono

from ..align import timed
from ..pseudo_speaker import PseudoSpeaker, apply, fit, measure
from ..voice_profile import VoiceProfile
from .protocol import Engine, ReferenceVoice, Speech, Style

_VERSION = "pseudo1"


@dataclass(frozen=True)
class PseudoSpeakerEngine:
    """Speaks with the base engine's own voice, or with a pseudo-speaker for every reference that has audio.

    Attributes:
        base: an engine that does not clone.
        own: the voice it was built with; its profile is what every fit starts from.
    """

    base: Engine
    own: ReferenceVoice

    @property
    def name(self) -> str:
        """The base engine's."""
        return self.base.name

    @property
    def languages(self) -> tuple[str, ...]:
        """The base engine's."""
        return self.base.languages

    @property
    def clones(self) -> bool:
        """False: a pseudo-speaker is no clone."""
        return False

    @property
    def streaming(self) -> bool:
        """False: a clip is changed as a whole."""
        return False

    @property
    def licence_code(self) -> str:
        """The base engine's."""
        return self.base.licence_code

    @property
    def licence_weights(self) -> str:
        """The base engine's."""
        return self.base.licence_weights

    @property
    def version(self) -> str:
        """The base engine's and that of the fit."""
        return f"{self.base.version}-{_VERSION}"

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak a text; see `Engine.speak`. Raises ValueError, too, if the reference cannot be measured."""
        spoken = self.base.speak(text, replace(voice, audio=None), style, seed)
        if voice.audio is None:
            return spoken
        samples = apply(spoken.samples, spoken.rate, self.fitted(voice))
        if spoken.words is None:
            return replace(spoken, samples=samples)
        # The sounds are where they were, but their edges rise and fall a little differently.
        tokens, spans = text.split(), [(word.start, word.end) for word in spoken.words]
        return Speech(samples, spoken.rate, timed(tokens, spans, samples, spoken.rate, "native"))

    def fitted(self, voice: ReferenceVoice) -> PseudoSpeaker:
        """What moves the engine's own voice to a reference."""
        assert self.own.profile is not None, "the bank holds the profile of an engine's own voice"
        return _fitted(voice, self.own.profile)


@lru_cache(maxsize=512)
def _fitted(voice: ReferenceVoice, own: VoiceProfile) -> PseudoSpeaker:
    if voice.profile is not None:
        return fit(voice.profile, own)
    assert voice.audio is not None, "only a voice with audio is fitted"
    return fit(measure(read_mono(voice.audio), SAMPLE_RATE), own)

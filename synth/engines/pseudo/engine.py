"""An engine that cannot clone, made to speak with other voices: its clips are moved towards each reference."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from corpus.audio import SAMPLE_RATE, read_mono

from ...alignment.align import timed
from ...script.language import load_language
from ..protocol import Engine, ReferenceVoice, Speech, SpeechStream, Style, stream
from ..voice_profile import VoiceProfile
from ..wrapped import WrappedEngine
from .speaker import PseudoSpeaker, apply, fit, measure

_VERSION = "pseudo1"
_PROFILE_PHRASES = 12  # of the language, spoken to measure a voice


@dataclass(frozen=True)
class PseudoSpeakerEngine(WrappedEngine):
    """Speaks with the base engine's own voice, or with a pseudo-speaker for every reference that has audio.

    Attributes:
        own: the voice it was built with; its profile is what every fit starts from.
    """

    own: ReferenceVoice

    @property
    def version(self) -> str:
        """The base engine's and that of the fit."""
        return f"{self.base.version}-{_VERSION}"

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak a text; see `Engine.speak`. Raises ValueError, too, if the reference cannot be measured."""
        if voice.audio is None:
            return self.base.speak(text, voice, style, seed)
        return moved(self.base.speak(text, self.own, style, seed), text, self.fitted(voice))

    def stream(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> SpeechStream:
        """See `StreamingEngine.stream`; a pseudo-speaker's clip is moved as a whole."""
        if voice.audio is None:
            return stream(self.base, text, voice, style, seed)
        return SpeechStream.of(self.speak(text, voice, style, seed))

    def fitted(self, voice: ReferenceVoice) -> PseudoSpeaker:
        """What moves the engine's own voice to a reference."""
        assert self.own.profile is not None, "the bank holds the profile of an engine's own voice"
        return _fitted(voice, self.own.profile)


def moved(spoken: Speech, text: str, speaker: PseudoSpeaker) -> Speech:
    """What a voice said, as the speaker would have said it; the words are timed anew where they were timed."""
    samples = apply(spoken.samples, spoken.rate, speaker)
    if spoken.words is None:
        return replace(spoken, samples=samples)
    # The sounds are where they were, but their edges rise and fall a little differently.
    tokens, spans = text.split(), [(word.start, word.end) for word in spoken.words]
    return Speech(samples, spoken.rate, timed(tokens, spans, samples, spoken.rate, "native"))


def measured_voice(base: Engine, own: ReferenceVoice, language: str) -> ReferenceVoice:
    """An engine's own voice with its profile, measured while it speaks phrases of the language.

    Raises:
        ValueError: nothing is known of the language, or the voice is not voiced enough to be measured.
    """
    phrases = load_language(language).phrases
    texts = [*phrases.ask_again, *phrases.hold_wait, *phrases.hold_agent, *phrases.hold_user, *phrases.thoughts]
    spoken = [base.speak(text, own, Style(), number) for number, text in enumerate(texts[:_PROFILE_PHRASES])]
    profile = measure(np.concatenate([speech.samples for speech in spoken]), spoken[0].rate)
    return replace(own, profile=profile)


@lru_cache(maxsize=512)
def _fitted(voice: ReferenceVoice, own: VoiceProfile) -> PseudoSpeaker:
    if voice.profile is not None:
        return fit(voice.profile, own)
    assert voice.audio is not None, "only a voice with audio is fitted"
    return fit(measure(read_mono(voice.audio), SAMPLE_RATE), own)

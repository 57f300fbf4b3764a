"""What a text-to-speech engine is: the protocol of this folder's engines, and what goes in and out of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from corpus.audio import Samples
from corpus.record import Voice, Word

from .voice_profile import VoiceProfile

SLOWEST, FASTEST = 0.5, 2.0  # rates that engines take


@dataclass(frozen=True)
class Style:
    """How to speak. 1 is the engine's own manner for both.

    Attributes:
        rate: speaking rate; 1.2 is a fifth faster.
        liveliness: scale of the engine's own variability (timing, prosody); 0 is flat and repeatable.
    """

    rate: float = 1.0
    liveliness: float = 1.0

    def __post_init__(self) -> None:
        if not SLOWEST <= self.rate <= FASTEST:
            raise ValueError(f"style rate {self.rate} is outside {SLOWEST:g} to {FASTEST:g}")
        if not 0.0 <= self.liveliness <= 2.0:
            raise ValueError(f"style liveliness {self.liveliness} is outside 0 to 2")


@dataclass(frozen=True)
class Speech:
    """A spoken text.

    Attributes:
        samples: float32 `[T]`, within -1..1.
        rate: Hz.
        words: one per whitespace token of the text, seconds within `samples`; None if the engine does not time words.
    """

    samples: Samples
    rate: int
    words: tuple[Word, ...] | None


@dataclass(frozen=True)
class SpeechStream:
    """A text being spoken.

    Attributes:
        pieces: float32 `[T]` each, within -1..1, made when they are asked for; together the clip.
        rate: Hz.
        words: as of `Speech`, seconds from the clip's start.
    """

    pieces: Iterator[Samples]
    rate: int
    words: tuple[Word, ...] | None

    @classmethod
    def of(cls, speech: Speech) -> SpeechStream:
        """A finished clip as one piece."""
        return cls(iter([speech.samples]), speech.rate, speech.words)


@dataclass(frozen=True)
class Cast:
    """Speakers of an engine that stand for a recorded voice.

    Attributes:
        parts: ids of the engine's own voices with their shares, which add up to 1; the largest first.
        profile: pitch and timbre of what they sound like together, from which the recorded voice is fitted.
        fitted: whether it is; a fit that takes it further away is left out.
    """

    parts: tuple[tuple[str, float], ...]
    profile: VoiceProfile | None = None
    fitted: bool = False


@dataclass(frozen=True)
class ReferenceVoice:
    """A voice to speak with: a recording to imitate, or (no audio) the voice an engine was built with.

    Attributes:
        voice: id, licence and consent, as stored in every recording made with it.
        audio: the reference recording.
        text: what the reference says, if known.
        language: ISO 639-1 code of the reference.
        gender: "f" or "m", if known.
        profile: its measured pitch and timbre, if they were measured.
        cast: the speakers of an engine that stand for it, if it was matched with some.
    """

    voice: Voice
    audio: Path | None = None
    text: str | None = None
    language: str = "en"
    gender: Literal["f", "m"] | None = None
    profile: VoiceProfile | None = None
    cast: Cast | None = None


class Engine(Protocol):
    """A text-to-speech engine.

    Attributes:
        name: as given to `load_engine`.
        languages: ISO 639-1 codes.
        clones: whether it imitates a reference by itself.
        licence_code: SPDX id of the engine's code.
        licence_weights: SPDX id of its weights and their data.
        version: changes whenever the same call could sound different; part of every cache key.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 (described above)
    @property
    def languages(self) -> tuple[str, ...]: ...  # noqa: D102
    @property
    def clones(self) -> bool: ...  # noqa: D102
    @property
    def licence_code(self) -> str: ...  # noqa: D102
    @property
    def licence_weights(self) -> str: ...  # noqa: D102
    @property
    def version(self) -> str: ...  # noqa: D102

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak a text.

        The same arguments give the same samples, whatever was spoken before and in whichever process.

        Raises:
            ValueError: the text holds nothing to say, or the voice is not one the engine can speak with.
        """
        ...


@runtime_checkable
class StreamingEngine(Protocol):
    """An engine whose first words can be heard before its last are made."""

    def stream(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> SpeechStream:
        """As `Engine.speak`, piece by piece."""
        ...


def stream(engine: Engine, text: str, voice: ReferenceVoice, style: Style, seed: int) -> SpeechStream:
    """Any engine's speech as a stream: of one that cannot, the whole clip as one piece, made at once."""
    if isinstance(engine, StreamingEngine):
        return engine.stream(text, voice, style, seed)
    return SpeechStream.of(engine.speak(text, voice, style, seed))

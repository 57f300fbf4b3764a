"""The mouth `own`: the full-duplex model's own voice, its text forced word by word."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from corpus.audio import Samples
from corpus.interleave import TimedWord

from ..parts import HeardWord, Voiced
from ..work import Executor
from .utterance import ClauseSound


class Read(Protocol):
    """What a reading gives; see `agent.offline.say.Reading`."""

    @property
    def audio(self) -> Samples:
        """Float32 `[T]` at 24 kHz."""
        ...

    @property
    def words(self) -> tuple[TimedWord, ...]:
        """Its words, by the text stream."""
        ...


class OwnMouth:
    """Reads clauses aloud with a model.

    Args:
        read: reads a text, such as `lambda text: agent.say(bundle, text)`.
        executor: gives the lane `mouth`.
    """

    name, paced = "own", False

    def __init__(self, read: Callable[[str], Read], executor: Executor) -> None:
        self._read, self._lane = read, executor.lane("mouth")

    def say(self, clause: str, speed: float = 1.0) -> ClauseSound:
        """See `Mouth.say`; the model keeps its own speed."""
        return ClauseSound().begin(self._lane, lambda sound: self._speak(clause, sound))

    def nods(self) -> Mapping[str, Voiced]:
        """None: the model nods by itself."""
        return {}

    def _speak(self, clause: str, sound: ClauseSound) -> Iterator[None]:
        if any(map(str.isalnum, clause)):
            reading = self._read(clause)
            sound.add(reading.audio, [HeardWord(word.text, word.start, word.end) for word in reading.words])
        yield

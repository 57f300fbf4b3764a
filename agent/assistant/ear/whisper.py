"""The ear `whisper:SIZE` or `whisper:DIR`: faster-whisper's models on phrases, guarded against loops and dreams."""

from __future__ import annotations

from pathlib import Path

from codec.whisper_window import RATE
from corpus.audio import SAMPLE_RATE, Samples, resample

from ..parts import Encoded, HeardWord
from ..work import Executor
from .listening import Look, PhraseStream
from .loops import find_loop, find_restart, too_fast
from .sense import believed, voice_in, without_asides
from .whisper_model import WhisperModel, WhisperText, encoder_tail

_ASIDES = {"[": "]", "(": ")", "♪": "♪"}
SHORTEST = 0.1  # s of sound worth a look
SHORTEST_WORD, EDGE = 0.04, 0.06  # s; how far a word may reach beyond the voice


class WhisperEar:
    """Whisper for any number of sessions, one phrase at a time.

    Args:
        name: as the user gave it.
        folder: of the model.
        executor: gives the lane `ear`.
        language: ISO 639-1 code; None detects it.
        threads: cores of one decoding.
    """

    def __init__(self, name: str, folder: Path, executor: Executor, language: str | None, threads: int = 1) -> None:
        self.name = name
        self._recognizer = WhisperPhrases(WhisperModel(folder, language, threads))
        self._lane = executor.lane("ear")

    def open(self) -> PhraseStream:
        """See `Ear.open`."""
        return PhraseStream(self._recognizer, self._lane)


class WhisperPhrases:
    """Whisper's looks at phrases; see `PhraseRecognizer`."""

    def __init__(self, model: WhisperModel) -> None:
        self._model = model
        self._warm()

    def voice_end(self, sound: Samples, start: float) -> float | None:
        """See `PhraseRecognizer.voice_end`."""
        voice = voice_in(resample(sound, SAMPLE_RATE, RATE))
        return start + voice.end if voice.seconds else None

    def look(self, sound: Samples, start: float, *, last: bool) -> Look:
        """See `PhraseRecognizer.look`."""
        heard = resample(sound, SAMPLE_RATE, RATE)
        voice = voice_in(heard)
        if not voice.seconds or len(heard) < SHORTEST * RATE:
            return Look((), None)
        length = len(heard) / RATE
        encoded, decoded = self._model.look(heard)
        tail = Encoded(encoder_tail(encoded, length), start + length)
        ends = last or length - voice.end > SHORTEST  # the voice has stopped, so this may be the last look
        if ends and (decoded.suspicious or self._restarts(decoded, voice.seconds)):
            encoded, decoded = self._model.look(heard, whole=True)
        if not believed(without_asides(decoded.text), decoded.score, decoded.no_speech, voice):
            return Look((), start + voice.end, tail)
        words = self._model.word_times(encoded, decoded, length, start)
        words = within(_without_asides(words), start + voice.start, start + voice.end)
        kept = _sane(decoded, [word.text for word in words], voice.seconds)
        return Look(words[:kept], start + voice.end, tail)

    @staticmethod
    def _restarts(decoded: WhisperText, voice: float) -> bool:
        """Whether words come again that somebody may have said twice: not too fast for that."""
        words = decoded.text.split()
        return find_restart(words) is not None and not too_fast(len(words), voice)

    def _warm(self) -> None:
        """Decode nothing once: the first look costs no more than the others."""
        import numpy as np

        self._model.look(np.zeros(RATE, np.float32))


def within(words: tuple[HeardWord, ...], start: float, end: float) -> tuple[HeardWord, ...]:
    """The words, none before the voice starts or after it ends: attention stretches the outer ones into the silence."""
    bounded = []
    for word in words:
        last = max(min(word.end, end + EDGE), word.start + SHORTEST_WORD)
        first = min(max(word.start, start - EDGE), last - SHORTEST_WORD)
        bounded.append(HeardWord(word.text, round(first, 3), round(last, 3)))
    return tuple(bounded)


def _without_asides(words: tuple[HeardWord, ...]) -> tuple[HeardWord, ...]:
    """The words outside of brackets."""
    kept, inside = [], ""
    for word in words:
        inside = inside or _ASIDES.get(word.text[:1], "")
        if not inside and without_asides(word.text):
            kept.append(word)
        if inside and inside in word.text:
            inside = ""
    return tuple(kept)


def _sane(decoded: WhisperText, words: list[str], voice: float) -> int:
    """How many words to keep: those before a loop that even the whole window has, or before nobody's quick restart."""
    loop = find_loop(words) if decoded.suspicious else None
    again = find_restart(words) if too_fast(len(words), voice) else None
    return min(len(words) if each is None else each for each in (loop, again))

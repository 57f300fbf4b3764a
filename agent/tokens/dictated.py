"""A user's words as a recognizer gives them to a model: plain, some time after they were said, now and then wrong.

A model that reads what a recognizer hears (`Ours.hearing`) learns from streams like these. A word is given out when it
is over and what follows has begun, so it lies later than in the text of a model that listens for itself. A frame in
which a voice is heard and no word is given out holds the mark that elsewhere announces a word (EPAD).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

from corpus.audio import FRAME_RATE, FRAME_SECONDS
from corpus.interleave import TimedWord
from synth.alignment.pronounce import spoken_words

from ..files.vocabulary import Vocabulary
from ..hearing.mistakes import Mistakes
from ..model.config import Ours
from .text_stream import Placement, Tokens, lay_sides, lay_words

LAG = (0.2, 0.44)  # s from a word's end until it is given out
LAST_LAG = (0.3, 0.5)  # of the last word before a silence
PAUSE = 0.35  # s of silence after such a word
SOUNDED = 0.06  # s: words of one that is written as several ("7th") follow each other so
CLEAR = 0.45  # chance that all words of an utterance are heard nearly rightly
CLEAR_WRONG, WRONG = (0.0, 0.08), (0.05, 0.4)  # shares of its words that are not, in such an utterance and in others
VOICED = 0.2  # s of silence that a voice is heard across
VOICE_ON, VOICE_OFF = (0.04, 0.18), (0.04, 0.34)  # s after a voice begins and ends until that is heard
UNVOICED = 0.05  # chance that it is missed in a frame


@dataclass(frozen=True)
class HeardText:
    """How what a user says stands in the stream of a model that a recognizer hears for."""

    delay: int  # `Ours.user_text_delay`, in frames: the stream is read so much later than it is laid
    mistakes: Mistakes = field(default_factory=Mistakes)

    @classmethod
    def of(cls, ours: Ours) -> HeardText | None:
        """For a model; None if it hears for itself. Raises ValueError where the recognizer is not there."""
        if ours.hearing is None or ours.user_text_delay is None:
            return None
        return cls(ours.user_text_delay, Mistakes.of(ours.hearing))

    def stream(
        self, words: Iterable[TimedWord], frames: int, vocabulary: Vocabulary, generator: np.random.Generator
    ) -> tuple[Tokens, Placement]:
        """Words of the user, as written, with their times -> tokens int32 `[frames]`, and what became of them."""
        said = sorted(words, key=lambda word: word.start)
        pad, end_pad = vocabulary.pad, vocabulary.end_pad
        tokens, placement = lay_words(self.given(said, generator), frames, vocabulary.encode, pad, end_pad)
        voice = self._voice(said, frames, generator)
        return np.where(voice & (tokens == pad), np.int32(end_pad), tokens), placement

    def given(self, said: Sequence[TimedWord], generator: np.random.Generator) -> list[TimedWord]:
        """Words as they are given out; their start is where the stream holds them."""
        given: list[TimedWord] = []
        wrong = 0.0
        for index, word in enumerate(said):
            if not index or word.start - said[index - 1].end > PAUSE:
                wrong = generator.uniform(*(CLEAR_WRONG if generator.random() < CLEAR else WRONG))
            last = index + 1 == len(said) or said[index + 1].start - word.end > PAUSE
            at = word.end + generator.uniform(*(LAST_LAG if last else LAG)) - self.delay * FRAME_SECONDS
            texts = spoken_words(word.text)
            heard = [one for text in texts for one in self.mistakes.heard(text, wrong, generator)]
            for place, text in enumerate(heard):
                start = max(at + place * SOUNDED, given[-1].start + 0.01 if given else 0.0, 0.0)
                given.append(TimedWord(text, start, start + SOUNDED, word.speaker))
        return given

    def _voice(self, said: Sequence[TimedWord], frames: int, generator: np.random.Generator) -> np.ndarray:
        """Bool `[frames]`, where a voice is heard."""
        voiced = np.zeros(frames, bool)
        begin = end = -1.0
        for word in [*said, None]:
            if begin >= 0.0 and (word is None or word.start - end > VOICED):
                first, last = (
                    int((time + generator.uniform(*late)) * FRAME_RATE) - self.delay
                    for time, late in ((begin, VOICE_ON), (end, VOICE_OFF))
                )
                voiced[max(0, first) : max(0, last)] = True
                begin = -1.0
            if word is not None:
                begin, end = (word.start if begin < 0.0 else begin), max(end, word.end)
        return voiced & (generator.random(frames) >= UNVOICED)


def lay_texts(
    agent: Iterable[TimedWord],
    user: Iterable[TimedWord],
    frames: int,
    vocabulary: Vocabulary,
    heard: HeardText | None,
    generator: np.random.Generator,
) -> tuple[Tokens, Placement]:
    """Both sides' words on streams, int32 `[2, frames]`; the user's as spoken, or as a recognizer gives them."""
    encode, pad, end_pad = vocabulary.encode, vocabulary.pad, vocabulary.end_pad
    if heard is None:
        return lay_sides([agent, user], frames, encode, pad, end_pad)
    tokens, placement = lay_words(agent, frames, encode, pad, end_pad)
    given, more = heard.stream(user, frames, vocabulary, generator)
    return np.stack([tokens, given]), placement + more

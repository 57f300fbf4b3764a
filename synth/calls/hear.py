"""The words of one side of a call, heard by a recognizer, put right by a transcript, their times forced."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples, to_samples
from corpus.formats.recordings import Words, shifted, turns_of
from corpus.interleave import TimedWord
from corpus.record import Word

from ..alignment.align import align
from ..alignment.aligner import Aligner
from .match import matched

INSTALL = "pip install 'duologue[evaluate]'"
MODEL = "model.bin"  # in the folder of a faster-whisper model
FASTEST = 6.5  # words a second: above, a recognizer repeated itself
FORCED = "en"  # the language that is forced without an aligner
FEWEST = 3  # words that are forced alone
MARGIN = 0.25  # s around a turn in which its words are looked for

Align = Callable[[Samples, int, str, None, str, Aligner | None], Words]
Recognise = Callable[[Samples], Sequence[TimedWord]]  # `[T]` at 24 kHz -> words with times, s


@dataclass(frozen=True)
class CallHearer:
    """Finds the turns of a channel: a `Hearer` of `corpus.formats.recordings`.

    Attributes:
        recognise: hears words and about when.
        language: ISO 639-1 code.
        align: finds given words in a clip, as `alignment.align` does.
        aligner: a model that knows the language, see `alignment.aligners`.
    """

    recognise: Recognise
    language: str = "en"
    align: Align = align
    aligner: Aligner | None = None

    @classmethod
    def load(cls, model: str | Path, language: str, aligner: Aligner | None = None) -> CallHearer:
        """Listen with Whisper by faster-whisper, from a folder. Raises ValueError when it cannot be had."""
        if not (Path(model) / MODEL).is_file():
            raise ValueError(f"--whisper {model} is no folder of a faster-whisper model ({MODEL} is missing)")
        if importlib.util.find_spec("faster_whisper") is None:
            raise ValueError(f"faster-whisper is not installed: {INSTALL}")
        from codec.metrics import Recognizer

        return cls(Recognizer(model, language).words, language, aligner=aligner)

    def __call__(self, channel: Samples, text: str | None) -> list[Words]:
        """The turns of `[T]` at 24 kHz, their words timed (s); `text` is what is said, where it is known.

        Raises ValueError when the text is not what is heard.
        """
        heard = list(self.recognise(channel))
        if text is not None:
            heard = matched(text.split(), heard)
        turns = turns_of([_word(word)] for word in heard if any(map(str.isalnum, word.text)) and word.start < word.end)
        kept = [turn for turn in turns if len(turn) <= FASTEST * max(turn[-1].end - turn[0].start, 1.0)]
        placed: list[Word] = []
        for turn, following in zip_longest(kept, kept[1:]):
            ceiling = following[0].start if following else len(channel) / SAMPLE_RATE
            placed += self._forced(channel, turn, placed[-1].end if placed else 0.0, ceiling)
        return turns_of([word] for word in placed)

    def _forced(self, channel: Samples, turn: Words, floor: float, ceiling: float) -> Words:
        """A turn's words where the sound has them; what cannot be forced is parted at its longest silence, or left."""
        start, end = max(floor, turn[0].start - MARGIN), min(ceiling, turn[-1].end + MARGIN)
        first, text = to_samples(start), " ".join(word.text for word in turn)
        try:
            words = self.align(channel[first : to_samples(end)], SAMPLE_RATE, text, None, self.language, self.aligner)
        except ValueError:  # silent or too short for its words
            return _in_order(turn, floor)
        if all(word.source == "forced" for word in words):
            return shifted(words, first / SAMPLE_RATE)
        forces = self.aligner is not None or self.language == FORCED
        if not forces or len(turn) < 2 * FEWEST:
            return _in_order(turn, floor)
        gaps = [turn[at].start - turn[at - 1].end for at in range(FEWEST, len(turn) - FEWEST + 1)]
        cut = FEWEST + int(np.argmax(gaps))
        before = self._forced(channel, turn[:cut], floor, min(ceiling, turn[cut].start))
        return before + self._forced(channel, turn[cut:], before[-1].end if before else floor, ceiling)


def _word(heard: TimedWord) -> Word:
    return Word(text=heard.text, start=round(heard.start, 4), end=round(heard.end, 4), source="native")


def _in_order(turn: Words, floor: float) -> Words:
    """The words of a turn as they were heard, none before `floor` seconds and each behind the one before it."""
    out: list[Word] = []
    for word in turn:
        start = max(word.start, out[-1].end if out else floor)
        if word.end > start:
            out.append(word.model_copy(update={"start": start}))
    return tuple(out)

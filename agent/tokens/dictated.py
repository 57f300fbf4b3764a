"""A user's words as a recognizer gives them to a model: plain, some time after they were said, now and then wrong.

A model that reads what a recognizer hears (`Ours.hearing`) learns from words like these. A word is given out when it is
over and what follows has begun, so it lies later than in the text of a model that listens for itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from corpus.audio import FRAME_SECONDS
from corpus.interleave import TimedWord
from synth.alignment.pronounce import spoken_words

LAG = (0.2, 0.44)  # s from a word's end until it is given out
LAST_LAG = (0.3, 0.5)  # of the last word before a silence
PAUSE = 0.35  # s of silence after such a word
MISSED, MISTAKEN = 0.03, 0.05  # chances of a word
SOUNDED = 0.06  # s: words of one that is written as several ("7th") follow each other so


def dictated(words: Iterable[TimedWord], delay: int, generator: np.random.Generator) -> list[TimedWord]:
    """Words as they are given out.

    Args:
        words: of the user, as written, with their times.
        delay: `Ours.user_text_delay`, in frames: the stream is read so much later than it is laid.
        generator: of lateness and mistakes.

    Returns:
        words whose start is where the stream holds them.
    """
    said = sorted(words, key=lambda word: word.start)
    others = [plain for word in said for plain in spoken_words(word.text)]
    given: list[TimedWord] = []
    for index, word in enumerate(said):
        last = index + 1 == len(said) or said[index + 1].start - word.end > PAUSE
        at = word.end + generator.uniform(*(LAST_LAG if last else LAG)) - delay * FRAME_SECONDS
        for place, text in enumerate(_heard(spoken_words(word.text), others, generator)):
            start = max(at + place * SOUNDED, given[-1].start + 0.01 if given else 0.0, 0.0)
            given.append(TimedWord(text, start, start + SOUNDED, word.speaker))
    return given


def _heard(texts: Sequence[str], others: Sequence[str], generator: np.random.Generator) -> list[str]:
    """What becomes of the words: mostly themselves."""
    heard = []
    for text in texts:
        chance = generator.random()
        if chance < MISTAKEN:
            heard.append(others[int(generator.integers(len(others)))])
        elif chance >= MISTAKEN + MISSED:
            heard.append(text)
    return heard

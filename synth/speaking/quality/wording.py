"""Whether a recognizer heard what was to be said: both are normalised, then compared by words and by letters.

Whisper writes numbers, times, titles, contractions and British spellings as it likes; its normaliser (Radford et al.
2022, appendix C) brings both sides to one form. Names are spelled in many ways: letters count, too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Protocol

import jiwer

SHORT = 4  # words below which one wrong word is no slip
NAMING = ("en", "fr", "es", "it", "pt")  # languages in which only names are capitalised
SAME = {"ok": "okay", "alright": "all right", "yep": "yes", "yeah": "yes", "goodbye": "bye", "hey": "hi"}


class Normaliser(Protocol):
    """Brings a text to the form that is compared."""

    def __call__(self, text: str) -> str: ...  # noqa: D102


@dataclass(frozen=True)
class Wording:
    """How far what was heard is from what was to be said.

    Attributes:
        errors, words: wrong words, and of how many.
        letters: share of wrong letters.
        names: words that a recognizer cannot know: capitalised within a sentence.
    """

    errors: int
    words: int
    letters: float
    names: int = 0

    def passes(self, word_errors: float, forgiven: int, letter_errors: float) -> bool:
        """Whether it counts as the same: few enough words differ, or few enough letters.

        Args:
            word_errors: largest share of wrong words.
            forgiven: wrong words that pass in any case, in a text of four words or more.
            letter_errors: largest share of wrong letters; twice as many in a shorter text.

        As many words as there are names may be wrong besides: "Laurie Yang" is heard as "Lori Young".
        """
        short = self.words < SHORT
        slips = max(word_errors * self.words, 0 if short else forgiven) + self.names
        return self.errors <= slips or self.letters <= letter_errors * (2 if short else 1)


def compare(text: str, heard: str, language: str) -> Wording:
    """Compare what was to be said with what was heard."""
    want, got = plain(text, language), plain(heard, language)
    if not want:
        return Wording(0, 0, 0.0)
    joined, other = want.replace(" ", ""), got.replace(" ", "")
    letters = float(jiwer.cer(joined, other)) if other else 1.0
    if joined == other:  # the same letters in other words: alarm clock, alarmclock
        return Wording(0, len(want.split()), 0.0)
    aligned = jiwer.process_words(want, got)
    errors = aligned.substitutions + aligned.deletions + aligned.insertions
    return Wording(errors, len(want.split()), round(letters, 4), names_in(text) if language in NAMING else 0)


def names_in(text: str) -> int:
    """How many capitalised words stand within sentences, "I" not counted."""
    return sum(
        word[:1].isupper() and not re.fullmatch(r"I\W*|I['’]\w+\W*", word) and before[-1] not in ".?!"
        for before, word in pairwise(text.split())
    )


def plain(text: str, language: str) -> str:
    """A text as it is compared: lower-case words and digits, no marks or signs."""
    normal = _normaliser(language == "en")(text)
    normal = re.sub(r"(?<=\d)[.,:](?=\d)", "", normal)
    words = re.sub(r"[^\w\s]", " ", normal).split()
    return " ".join(SAME.get(word, word) if language == "en" else word for word in words)


@lru_cache(maxsize=2)
def _normaliser(english: bool) -> Normaliser:
    """Whisper's normaliser: the English one knows numbers, titles, contractions and spellings."""
    if english:
        from whisper_normalizer.english import EnglishTextNormalizer  # type: ignore[import-untyped]

        normaliser: Normaliser = EnglishTextNormalizer()
    else:
        from whisper_normalizer.basic import BasicTextNormalizer  # type: ignore[import-untyped]

        normaliser = BasicTextNormalizer()
    return normaliser

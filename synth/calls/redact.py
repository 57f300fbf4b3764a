"""Which words of a call are numbers or names, by a rule that can be told in a few lines, and by a list of one's own.

Numbers: whatever has a digit, and the language's number words but a lone "one"; what is said between them ("double",
"oh"). Words that are spelled (S-M-I-T-H), addresses of mail and of the web as they are written. Names, in languages
that write nothing else with a capital: a word with a capital that is not the first of a sentence, and then wherever it
is said in the call; not those that are also written small in it or stand in `common/`. What no capital and no digit
shows is missed: names that the recognizer writes small, names only ever said first in a sentence, streets and firms
called by common words. A list catches what is known beforehand.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path

from ..script.language import Language, load_language

NAMING = ("en", "es", "fr", "it", "pt")  # languages in which names alone have capitals
NO_NUMBER = {"en": ("one",), "de": ("ein",), "es": ("uno",), "fr": ("un",), "it": ("uno",), "pt": ("um",)}
JOINING = {"en": ("and", "oh", "o", "double", "triple", "point", "dash", "zero")}  # between numbers
_EDGE = "\"'“”‘’()[],.?!…:;-–—"
_SENTENCE_END = re.compile(r"[.?!…:][\"'”’)]*$")
_SHOWN = re.compile(r"@|^www\.|\.(?:com|org|net|de|uk|fr|es|it)\b|^\w(?:-\w)+$", re.IGNORECASE)  # addresses, spelling


@dataclass(frozen=True)
class NamesAndNumbers:
    """Says what is to be covered: a `Redactor` of `corpus.formats.recordings`.

    Attributes:
        language: ISO 639-1 code.
        listed: words to cover wherever they are said, small letters.
        by_rule: cover numbers and names, too.
    """

    language: str = "en"
    listed: frozenset[str] = frozenset()
    by_rule: bool = True

    @property
    def knows_names(self) -> bool:
        """Whether names are told from other words by their capitals."""
        return self.language in NAMING

    def __call__(self, speakers: Sequence[Sequence[str]]) -> list[list[bool]]:
        """For the words of each speaker of a call, in order: whether each is to be covered."""
        if not self.by_rule:
            return [[self._is_any_of(word, self.listed) for word in words] for words in speakers]
        names = self._names(speakers) if self.knows_names else frozenset()
        return [self._flags(words, names) for words in speakers]

    def _flags(self, words: Sequence[str], names: frozenset[str]) -> list[bool]:
        numbers = [self._number(word) for word in words]
        joining = JOINING.get(self.language, ())
        for index in range(1, len(words)):
            following = next((at for at in range(index, len(words)) if _plain(words[at]) not in joining), index)
            if following > index and numbers[index - 1] and words[index - 1][-1:].isalnum():
                numbers[index] = numbers[following]
        lone = NO_NUMBER.get(self.language, ())
        flags = []
        for index, word in enumerate(words):
            beside = any(numbers[max(0, index - 1) : index] + numbers[index + 1 : index + 2])
            number = numbers[index] and (_plain(word) not in lone or beside)
            shown = _SHOWN.search(word.strip(_EDGE)) is not None
            flags.append(number or shown or self._is_any_of(word, names | self.listed))
        return flags

    @staticmethod
    def _is_any_of(word: str, words: frozenset[str]) -> bool:
        return not words.isdisjoint({_plain(word), *_parts(word)})

    def _number(self, word: str) -> bool:
        plain = _plain(word)
        if any(map(str.isdecimal, plain)):
            return True
        parts = _parts(word)
        return bool(parts) and all(part in self._number_words for part in parts)

    def _names(self, speakers: Sequence[Sequence[str]]) -> frozenset[str]:
        """Words with a capital inside a sentence that are never written small."""
        capital: set[str] = set()
        small: set[str] = set(self._common)
        for words in speakers:
            begins = True
            for word in words:
                bare = word.strip(_EDGE)
                if bare[:1].islower():
                    small.add(_plain(bare))
                elif bare[:1].isupper() and not begins:
                    capital.add(_plain(bare))
                begins = bool(_SENTENCE_END.search(word)) or (begins and not bare)
        return frozenset(name for name in capital if name not in small and name.removesuffix("'s") not in small)

    @cached_property
    def _words(self) -> Language:
        return load_language(self.language)

    @cached_property
    def _common(self) -> frozenset[str]:
        """Words that are no names, small letters: those of the language, of its phrases, and of a list."""
        known = self._words
        phrases = known.phrases
        spoken = " ".join([*phrases.fillers, *phrases.thoughts, *phrases.backchannels, *phrases.barge_in])
        listed = files(__package__) / "common" / f"{self.language}.txt"
        more = listed.read_text(encoding="utf-8") if listed.is_file() else ""
        words = {*known.stop_words, *(word.lower() for word in known.capitals)}
        return frozenset({*words, *(_plain(word) for word in f"{spoken} {more}".split())})

    @cached_property
    def _number_words(self) -> frozenset[str]:
        """Every word that numbers up to a billion are made of."""
        numbers = self._words.numbers
        values = [*range(1000), *(10**power for power in range(3, 9)), 2_000_000, 21_000]
        said = " ".join(numbers.cardinal(value) for value in values)
        return frozenset(part for part in re.split(r"[\s-]+", said.lower()) if part not in self._words.stop_words)


def read_words(path: Path) -> frozenset[str]:
    """Words to cover, from a text file: one or several a line. Raises ValueError when it cannot be read or is empty."""
    try:
        words = frozenset(filter(None, (_plain(word) for word in path.read_text(encoding="utf-8-sig").split())))
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read {path}: {error}") from None
    if not words:
        raise ValueError(f"{path} holds no word")
    return words


def _plain(word: str) -> str:
    return word.strip(_EDGE).lower().replace("’", "'")


def _parts(word: str) -> list[str]:
    """A word, those it is hyphened of, and it without the genitive's s."""
    return [part.removesuffix("'s") for part in _plain(word).split("-") if part]

"""Numbers as a language says them where they stand: before a noun, as a year, digit by digit, with a fraction."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from ..language import Language, load_language
from .ordinals import ordinal
from .tables import Tables, load_tables

_FIRST_YEAR = 1100
_TENS_OF_YEARS = (2000, 2010)  # said as plain numbers even where years are said by centuries


class UnreadableError(ValueError):
    """A string that has no one reading here."""

    def __init__(self, string: str, why: str = "write it as words") -> None:
        super().__init__(f"{string.strip()!r} cannot be read aloud; {why}")


@dataclass(frozen=True)
class Say:
    """How one language says numbers."""

    language: Language
    tables: Tables

    @property
    def code(self) -> str:
        """ISO 639-1."""
        return self.language.code

    @property
    def money(self) -> dict[str, tuple[str, str, str, str]]:
        """Sign -> one, several, the hundredth part, several of these."""
        return {**self.language.money, **self.tables.money}

    @property
    def number_pattern(self) -> str:
        """A regular expression of a number without sign, grouped or not, with decimals or not."""
        if self.language.numbers.decimal_mark == ".":
            return r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?|\.\d+"
        return r"(?:\d{1,3}(?:[. ’']\d{3})+|\d+)(?:,\d+)?|,\d+"

    def split(self, digits: str) -> tuple[str, str]:
        """Digits before and after the decimal mark, without marks of thousands. Raises ValueError."""
        mark = self.language.numbers.decimal_mark
        group = "," if mark == "." else "[. ’']"
        match = re.fullmatch(rf"(\d{{1,3}}(?:{group}\d{{3}})+|\d*)(?:{re.escape(mark)}(\d+))?", digits)
        if match is None or not any(match.groups()):
            raise UnreadableError(digits)
        return re.sub(r"\D", "", match[1]), match[2] or ""

    def number(self, digits: str, noun: str = "", before: str = "") -> str:
        """Digits as a number; before a `noun` it agrees with it, after the word `before` it takes its case."""
        whole, fraction = self.split(digits)
        if fraction:
            named = self.count(int(whole)) if whole else ""
            told = " ".join(self.language.numbers.small[int(digit)] for digit in fraction)
            return f"{named} {self.language.numbers.point} {told}".strip()
        if (len(whole) > 1 and whole.startswith("0")) or len(whole) > 9:
            return self.digits(whole)
        return self.cardinal(int(whole), noun, before)

    def count(self, number: int, before: bool = False) -> str:
        """A whole number by the language's rules, as it is spoken today."""
        said = self.language.numbers.cardinal(number, before)
        if self.code == "it":
            return said.replace("ntoott", "ntott")
        if self.code == "pt" and number > 1000 and number % 1000 and (number % 1000 < 100 or number % 100 == 0):
            head, _, rest = said.rpartition("mil ")
            return f"{head}mil e {rest}" if head + rest != said and not rest.startswith("e ") else said
        return said

    def digits(self, digits: str) -> str:
        """One by one."""
        return " ".join(self.language.numbers.small[int(digit)] for digit in digits)

    def cardinal(self, number: int, noun: str = "", before: str = "") -> str:
        """A whole number; it agrees with `noun`. Raises ValueError where the noun's gender is needed and unknown."""
        said = self.count(number)
        if not noun or self.code == "en":
            return said
        gender = self.tables.nouns.gender(noun)
        if not gender and self._turns(number):
            raise UnreadableError(f"{number} {noun}")
        if self.code == "it" and number == 1 and noun[0].lower() in "aeiou" and gender == "f":
            return "un'"
        if self.code == "it" and number == 1 and re.match(r"s[^aeiou]|z|gn|ps|x|y", noun.lower()):
            return self.agreeing(number, "")
        return self.agreeing(number, gender, before)

    def agreeing(self, number: int, gender: str, before: str = "") -> str:
        """A whole number before a noun of this gender."""
        if self.code == "de":
            return f"ein{_german_ending(gender, before)}" if number == 1 else self.count(number)
        if self.code == "fr":
            return re.sub(r"\bun$", "une", self.count(number)) if gender == "f" else self.count(number)
        if self.code == "it":
            return {"f": "una", "m": "un"}.get(gender, "uno") if number == 1 else self.count(number)
        said = self.count(number, before=gender != "f")
        if self.code == "es" and gender == "f":
            return re.sub(r"ientos\b", "ientas", re.sub(r"(?:\buno|ún|uno)$", _una, said)).replace(
                "inientos", "inientas"
            )
        if self.code == "pt" and gender == "f":
            said = re.sub(r"\bum$", "uma", re.sub(r"\bdois$", "duas", said))
            return re.sub(r"entos\b", "entas", said)
        return said

    def _turns(self, number: int) -> bool:
        """Whether a number changes with the gender of its noun."""
        tens, hundreds = number % 100, number % 1000 // 100
        if self.code == "de" or self.code == "it":
            return number == 1
        if self.code == "fr":
            return tens % 10 == 1 and tens not in (11, 71, 91)
        units = (1, 2) if self.code == "pt" else (1,)
        return (tens % 10 in units and tens not in (11, 12)) or hundreds >= 2

    def year(self, digits: str) -> str | None:
        """Four digits as a year where the language says years in their own way."""
        years = self.language.years
        if years is None or len(digits) != 4 or not digits.isdigit():
            return None
        number = int(digits)
        if not _FIRST_YEAR <= number <= years.last or _TENS_OF_YEARS[0] <= number < _TENS_OF_YEARS[1]:
            return None
        numbers = self.language.numbers
        century, rest = numbers.cardinal(number // 100, before=True), numbers.cardinal(number % 100)
        shape = years.round if number % 100 == 0 else years.low if number % 100 < 10 else years.full
        return shape.format(century=century, rest=rest)

    def date_year(self, digits: str) -> str:
        """A year that is known to be one."""
        return self.year(digits) or self.count(int(digits))

    def ordinal(self, number: int, form: str = "") -> str:
        """The so-manieth; see `ordinals.ordinal`."""
        return ordinal(self.code, self.language.numbers, number, form)

    def is_noun(self, word: str) -> bool:
        """Whether a number before this word counts it: a word, none of the short ones, in German a capital one."""
        if self.code == "de" and word[:1].isupper() and self.tables.nouns.gender(word):
            return True
        if not word.isalpha() or word.lower() in self.language.stop_words or word.lower() in self.tables.short:
            return False
        return word[0].isupper() if self.code == "de" else word[0].islower()


def _una(match: re.Match[str]) -> str:
    return "una"


def _german_ending(gender: str, before: str) -> str:
    low = before.lower()
    if low in ("mit", "von", "aus", "nach", "zu", "bei", "seit", "in", "vor"):
        return "er" if gender == "f" else "em"
    if gender == "f":
        return "e"
    nominative = not low or low in ("ist", "war", "bleibt", "wird", "fehlt", "kommt", "nur", "etwa", "sind")
    return "" if gender != "m" or nominative else "en"


@cache
def load_say(code: str) -> Say:
    """How a language says numbers. Raises ValueError for a language there is no file for."""
    return Say(load_language(code), load_tables(code))

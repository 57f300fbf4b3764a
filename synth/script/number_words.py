"""Numbers in words by a language's rules, as `languages/README.md` describes them."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from corpus.strict import Strict

LARGEST = 999_999_999
_OPTIONAL = re.compile(r"\[([^\]]*)\]")


class Numbers(Strict):
    """How a language says numbers."""

    small: tuple[str, ...]
    rules: tuple[tuple[int, str], ...]
    before: dict[int, str] = Field(default_factory=dict)
    minus: str
    point: str
    to: str  # between the ends of a range
    decimal_mark: str

    @field_validator("small", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return tuple(value.split()) if isinstance(value, str) else value

    def cardinal(self, number: int, before: bool = False) -> str:
        """A whole number in words; `before` a multiplier or a noun it may take another form.

        Raises:
            ValueError: its size is above `LARGEST`.
        """
        if abs(number) > LARGEST:
            raise ValueError(f"{number} is too large to be said; write numbers as words")
        if number < 0:
            return f"{self.minus} {self.cardinal(-number, before)}"
        if before and number in self.before:
            return self.before[number]
        if number < len(self.small):
            return self.small[number]
        start, text = max(rule for rule in self.rules if rule[0] <= number)
        divisor = _divisor(start)
        quotient, rest = divmod(number, divisor)
        text = _OPTIONAL.sub(lambda match: match[1] if rest else "", text)
        if "<" in text:
            text = text.replace("<", self.cardinal(quotient, before=True))
        if ">" in text:
            text = text.replace(">", self.cardinal(rest, before))
        return text.replace("^", self.cardinal(rest, before=True)) if "^" in text else text

    def decimal(self, whole: str, fraction: str) -> str:
        """Digits before and after the decimal mark: the fraction is said digit by digit."""
        return " ".join([self.cardinal(int(whole)), self.point, *(self.small[int(digit)] for digit in fraction)])


def _divisor(start: int) -> int:
    """The largest power of ten in `start`; from a thousand on, of a thousand."""
    if start >= 1000:
        return int(1000 ** ((len(str(start)) - 1) // 3))
    return int(10 ** (len(str(start)) - 1))

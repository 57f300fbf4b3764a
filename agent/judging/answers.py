"""Checkable answers, and texts made comparable: a recognizer writes 42 where a text stream says "forty-two"."""

from __future__ import annotations

import re

from codec.metrics import words_of
from synth.alignment.pronounce import number_words

_ONES = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"]
_ORDINAL_ENDS = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth"} | {
    "nine": "ninth",
    "twelve": "twelfth",
}
_NUMBER = re.compile(r"(\d+)(?:([.:])(\d+))?(st|nd|rd|th)?")


def spoken(text: str) -> str:
    """Lower-case words joined by single blanks, without punctuation, numbers as they are said.

    >>> spoken("It's 2.5, at 3:30 on the 21st.")
    "it's two point five at three thirty on the twenty first"
    """
    joined = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    return " ".join(words_of(_NUMBER.sub(lambda match: f" {_say(match)} ", joined)))


def answered(text: str, answer: str) -> bool:
    """Whether a text contains an answer, both as spoken; "and" inside numbers does not matter."""
    said, wanted = (f" {' '.join(word for word in spoken(each).split() if word != 'and')} " for each in (text, answer))
    return wanted in said


def _cardinal(number: int) -> str:
    return " ".join(number_words(number))


def _say(match: re.Match[str]) -> str:
    whole, mark, rest, ordinal = match.groups()
    if mark == ".":
        return f"{_cardinal(int(whole))} point {' '.join(_ONES[int(digit)] for digit in rest)}"
    if mark == ":":
        minutes = "" if rest == "00" else f" oh {_ONES[int(rest)]}" if rest[0] == "0" else f" {_cardinal(int(rest))}"
        return _cardinal(int(whole)) + minutes
    said = _cardinal(int(whole))
    if not ordinal:
        return said
    head, _, last = said.rpartition(" ")
    last = _ORDINAL_ENDS.get(last, last.removesuffix("y") + "ieth" if last.endswith("y") else f"{last}th")
    return f"{head} {last}"

"""Checkable answers, and texts made comparable: a recognizer writes 42 where a text stream says "forty-two"."""

from __future__ import annotations

import re

from codec.metrics import words_of

_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"
_ONES = f"zero one two three four five six seven eight nine {_TEENS}".split()
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
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


def _cardinal(number: int) -> str:
    """A number below a million in words; a longer one digit by digit."""
    if number < 20:
        return _ONES[number]
    if number < 100:
        return _TENS[number // 10 - 2] + (f" {_ONES[number % 10]}" if number % 10 else "")
    if number < 1000:
        return f"{_ONES[number // 100]} hundred" + (f" {_cardinal(number % 100)}" if number % 100 else "")
    if number < 1_000_000:
        return f"{_cardinal(number // 1000)} thousand" + (f" {_cardinal(number % 1000)}" if number % 1000 else "")
    return " ".join(_ONES[int(digit)] for digit in str(number))

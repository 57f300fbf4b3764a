"""English pronunciations by rule, for words a dictionary lacks, and how numbers are said."""

from __future__ import annotations

import re

from ..script.language import load_language

# Longest match first; ARPAbet without stress. A rough guess is enough: the acoustics decide where the word is.
_RULES = {
    "tion": "SH AH N", "sion": "ZH AH N", "ough": "AO", "augh": "AO", "eigh": "EY", "igh": "AY",
    "tch": "CH", "dge": "JH", "sch": "SH", "ck": "K", "ch": "CH", "sh": "SH", "th": "TH", "ph": "F",
    "wh": "W", "ng": "NG", "qu": "K W", "kn": "N", "wr": "R", "gh": "G",
    "ee": "IY", "ea": "IY", "oo": "UW", "ou": "AW", "ow": "OW", "oi": "OY", "oy": "OY", "ai": "EY",
    "ay": "EY", "au": "AO", "aw": "AO", "ie": "IY", "ei": "EY", "ey": "IY", "oa": "OW", "ue": "UW",
    "ar": "AA R", "er": "ER", "ir": "ER", "or": "AO R", "ur": "ER",
    "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F", "g": "G", "h": "HH", "i": "IH",
    "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K", "r": "R",
    "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip
_SOFT = {"c": "S", "g": "JH"}  # before e, i, y

_SYMBOLS = {"%": "percent", "&": "and", "$": "dollars", "€": "euros", "£": "pounds", "+": "plus", "=": "equals"}
_PARTS = re.compile(r"\d+|[a-z]+(?:'[a-z]+)*|[%&$€£+=]")


def letter_to_sound(word: str) -> str:
    """A rough pronunciation of a word of letters `a`-`z`: ARPAbet phones, space-separated."""
    phones: list[str] = []
    position = 0
    if len(word) > 3 and word.endswith("e") and word[-2] not in "aeiou":
        word = word[:-1]
    while position < len(word):
        size = next((n for n in (4, 3, 2, 1) if word[position : position + n] in _RULES), 0)
        if not size:
            position += 1
            continue
        letters = word[position : position + size]
        soft = letters in _SOFT and word[position + 1 : position + 2] in ("e", "i", "y")
        sound = _SOFT[letters] if soft else _RULES[letters]
        if not phones or phones[-1] != sound:  # doubled letters sound once
            phones.append(sound)
        position += size
    return " ".join(phones)


def spoken_words(token: str) -> list[str]:
    """The lower-case words a token is said as: numbers and signs spelled out, punctuation dropped.

    Empty for a token that is not said, or whose letters are not English.
    """
    text = token.lower().replace("\u2019", "'").replace(",", "")
    words: list[str] = []
    for part in _PARTS.findall(text):
        words += number_words(int(part)) if part.isdecimal() else [_SYMBOLS.get(part, part)]
    return words


def number_words(number: int) -> list[str]:
    """A whole number as said, without "and", digit by digit from a million on."""
    numbers = load_language("en").numbers
    said = numbers.cardinal(number) if number < 1_000_000 else " ".join(numbers.small[int(d)] for d in str(number))
    return [word for word in said.replace("-", " ").split() if word != "and"]

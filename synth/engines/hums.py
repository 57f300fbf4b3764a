"""Sounds without a vowel that people make ("mhm", "hmm"), in letters that espeak-ng does not spell out."""

from __future__ import annotations

import re

_AGREED = re.compile(r"m+-?h+m+", re.IGNORECASE)  # mhm, mm-hmm
_PONDERED = re.compile(r"h*m+", re.IGNORECASE)  # hm, hmm, mm
_LONGEST_PONDERED = 6
# language -> "mhm" and "hm" in letters that it reads as such; no language without an "h" of its own can say more
_LETTERS = {"de": ("m'hm", "hm"), "en": ("umhum", "hmm"), "fr": ("eumheum", "hmm")}
_ELSEWHERE = ("umhum", "um")


def hum(word: str, language: str) -> str:
    """A bare word, respelled if it is such a sound; a capital stays, as it tells where a sentence starts.

    Args:
        word: without punctuation.
        language: of the voice, as espeak-ng names it: the part before a hyphen counts.
    """
    agreed, pondered = _LETTERS.get(language.partition("-")[0], _ELSEWHERE)
    if _AGREED.fullmatch(word):
        return _like(word, agreed)
    if 1 < len(word) <= _LONGEST_PONDERED and _PONDERED.fullmatch(word):
        return _like(word, pondered)
    return word


def _like(word: str, letters: str) -> str:
    return letters.capitalize() if word[0].isupper() else letters

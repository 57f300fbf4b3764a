"""Ordinal numbers in words, from a language's cardinals; gender and ending where the language has them."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..number_words import Numbers

_EN = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
       "twelve": "twelfth"}  # fmt: skip
_DE = {1: "erste", 3: "dritte", 7: "siebte", 8: "achte"}
_ES = ["primero", "segundo", "tercero", "cuarto", "quinto", "sexto", "séptimo", "octavo", "noveno"]
_ES_TEEN = ["décimo", "undécimo", "duodécimo"]
_ES_TENS = [
    "vigésimo", "trigésimo", "cuadragésimo", "quincuagésimo", "sexagésimo",
    "septuagésimo", "octogésimo", "nonagésimo",
]  # fmt: skip
_PT = ["primeiro", "segundo", "terceiro", "quarto", "quinto", "sexto", "sétimo", "oitavo", "nono"]
_PT_TENS = [
    "décimo", "vigésimo", "trigésimo", "quadragésimo", "quinquagésimo",
    "sexagésimo", "septuagésimo", "octogésimo", "nonagésimo",
]  # fmt: skip
_IT = ["primo", "secondo", "terzo", "quarto", "quinto", "sesto", "settimo", "ottavo", "nono", "decimo"]


def ordinal(code: str, numbers: Numbers, number: int, form: str = "") -> str:
    """The `number`-th. `form`: `f` feminine, `m` masculine, in German the ending (`n`, `r`, `s` or none).

    Raises:
        ValueError: a number this language has no ordinal for here.
    """
    if not 1 <= number <= 9999:
        raise ValueError(f"{number} has no ordinal here; write it as words")
    return _SAID[code](numbers, number, form)


def _english(numbers: Numbers, number: int, form: str) -> str:
    head, last = re.fullmatch(r"(.*?)(\w+)", numbers.cardinal(number)).groups()  # type: ignore[union-attr]
    if last in _EN:
        return head + _EN[last]
    return f"{head}{last[:-1]}ieth" if last.endswith("y") else f"{head}{last}th"


def _german(numbers: Numbers, number: int, form: str) -> str:
    rest = number % 100
    head = numbers.cardinal(number - rest) if number > rest else ""
    if 0 < rest < 20:
        last = _DE.get(rest) or f"{numbers.cardinal(rest)}te"
    else:
        head, last = "", f"{numbers.cardinal(number)}ste"
    return head + last + form


def _french(numbers: Numbers, number: int, form: str) -> str:
    if number == 1:
        return "première" if form == "f" else "premier"
    said = numbers.cardinal(number)
    for ending, stem in (("cinq", "cinqu"), ("neuf", "neuv"), ("vingts", "vingt"), ("cents", "cent"), ("e", "")):
        if said.endswith(ending):
            return f"{said[: len(said) - len(ending)]}{stem}ième"
    return f"{said}ième"


def _by_tens(units: list[str], tens: list[str], number: int) -> str:
    if number >= 100:
        raise ValueError(f"{number} has no ordinal here; write it as words")
    parts = [tens[number // 10 - 1]] if number >= 10 else []
    return " ".join([*parts, *([units[number % 10 - 1]] if number % 10 else [])])


def _feminine(said: str, form: str) -> str:
    return re.sub(r"o\b", "a", said) if form == "f" else said


def _spanish(numbers: Numbers, number: int, form: str) -> str:
    if 10 <= number <= 12:
        return _feminine(_ES_TEEN[number - 10], form)
    if 13 <= number <= 19:
        return _feminine(f"decimo{_ES[number % 10 - 1]}", form)
    said = _by_tens(_ES, ["", *_ES_TENS], number)
    return said.removesuffix("o") if form == "er" else _feminine(said, form)


def _portuguese(numbers: Numbers, number: int, form: str) -> str:
    return _feminine(_by_tens(_PT, _PT_TENS, number), form)


def _italian(numbers: Numbers, number: int, form: str) -> str:
    if number <= 10:
        return _feminine(_IT[number - 1], form)
    said = numbers.cardinal(number)
    stem = said.replace("tré", "tre") if said.endswith(("tré", "sei")) else said[:-1]
    return _feminine(f"{stem}esimo", form)


_SAID: dict[str, Callable[[Numbers, int, str], str]] = {
    "en": _english, "de": _german, "fr": _french, "es": _spanish, "pt": _portuguese, "it": _italian,
}  # fmt: skip

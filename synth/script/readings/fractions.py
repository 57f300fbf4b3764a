"""Fractions, in digits (`2/3`) or as one sign (`½`), alone, behind a whole number, before a unit."""

from __future__ import annotations

import re
import unicodedata

from .say import Say, UnreadableError
from .spot import Rule, Spot, rule

_VULGAR = "½⅓⅔¼¾⅕⅖⅗⅘⅙⅚⅛⅜⅝⅞"
_MARKED = {
    "score", "scored", "scores", "rating", "rated", "rate", "mark", "marks", "grade", "got", "gets", "solid", "pain",
}  # fmt: skip
PREPOSITIONS = {"in", "an", "auf", "mit", "von", "aus", "zu", "bei", "seit", "nach", "vor", "ab", "während"}


def rules(units: str) -> list[Rule]:
    """All of them; `units` is a regular expression of the language's units."""
    return [
        rule(rf"(?P<whole>\d+)?\s?(?P<vulgar>[{_VULGAR}])(?:\s?(?P<unit>{units}))?", _vulgar),
        rule(rf"(?P<whole>\d+\s)?(?P<a>\d{{1,3}})[/⁄](?P<b>\d{{1,3}})(?:\s?(?P<unit>{units}))?", _fraction),
    ]


def _vulgar(match: re.Match[str], spot: Spot) -> str:
    a, b = unicodedata.normalize("NFKC", match["vulgar"]).split("⁄")
    return _parted(match, int(a), int(b), spot)


def _fraction(match: re.Match[str], spot: Spot) -> str | None:
    a, b = int(match["a"]), int(match["b"])
    if spot.say.code == "en" and not match["whole"] and not match["unit"] and _is_mark(a, b, spot):
        return f"{spot.say.count(a)} out of {spot.say.count(b)}"
    if not 0 < a < b or b not in spot.say.tables.fractions or match["a"][0] == "0" or match["b"][0] == "0":
        raise UnreadableError(match[0])
    return _parted(match, a, b, spot)


def _is_mark(a: int, b: int, spot: Spot) -> bool:
    """Whether so many of so many points are meant: of a hundred, full marks, or behind a word such as "scored"."""
    given = spot.before.lower() in _MARKED
    return a <= b and (b == 100 or (b in (5, 10, 20, 50) and (given or (a == b and b > 5))))


def _parted(match: re.Match[str], a: int, b: int, spot: Spot) -> str:
    """A fraction with the whole number before it and the unit behind it, where there are."""
    say, whole = spot.say, (match["whole"] or "").strip()
    unit = say.tables.units[match["unit"]] if match["unit"] else None
    noun = unit[0] if unit else spot.noun
    said = _fractional(say, whole, a, b, noun, unit[2] if unit else say.tables.nouns.gender(noun), spot)
    if not unit:
        return said
    if say.code == "en" and not whole:
        return f"half a {unit[0]}" if (a, b) == (1, 2) else f"{said} of a {unit[0]}"
    return f"{said} {unit[1] if whole else unit[0]}"


def _fractional(say: Say, whole: str, a: int, b: int, noun: str, gender: str, spot: Spot) -> str:
    one, many = say.tables.fractions[b]
    signs = say.tables.signs
    if (a, b) == (1, 2) and not whole and noun and say.code != "en":
        if say.code == "de":
            return _german_half(gender, spot)
        if gender not in say.tables.halves:
            raise UnreadableError(f"1/2 {noun}")
        return say.tables.halves[gender]
    if say.code == "en":
        if (a, b) == (1, 2) and not whole:
            return "half" if spot.after in ("of", "a", "an", "past", "the", "my", "his", "her") else "one half"
        article = "an" if one[0] in "aeiou" else "a"
        part = f"{article} {one}" if a == 1 and whole else f"{say.count(a)} {one if a == 1 else many}"
        return signs.half.format(whole=say.count(int(whole)), fraction=part) if whole else part
    if whole and (a, b) == (1, 2):
        if say.code == "de":
            return f"{say.count(int(whole), before=True)}einhalb"
        if say.code == "fr":
            raise UnreadableError(f"{whole} 1/2 {noun}")
        half = say.tables.halves.get(gender or "m", "")
        return signs.half.format(whole=say.agreeing(int(whole), gender or "m"), fraction=half)
    part = f"{'ein' if say.code == 'de' and a == 1 else say.agreeing(a, 'm')} {one if a == 1 else many}"
    if not whole:
        return part
    if say.code == "de":
        return f"{say.count(int(whole), before=True)} {part}"
    return signs.half.format(whole=say.count(int(whole)), fraction=part)


def _german_half(gender: str, spot: Spot) -> str:
    before = spot.before.lower()
    if not gender:
        raise UnreadableError(f"1/2 {spot.after}")
    if before in PREPOSITIONS:
        return "einer halben" if gender == "f" else "einem halben"
    nominative = not before or before in ("ist", "war", "bleibt", "wird", "fehlt", "nur", "etwa", "und")
    masculine = "ein halber" if nominative else "einen halben"
    return {"f": "eine halbe", "n": "ein halbes", "m": masculine}[gender]

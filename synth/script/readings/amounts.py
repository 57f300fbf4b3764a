"""Money, units, percentages, ordinals, decades, ranges and plain numbers."""

from __future__ import annotations

import re

from . import fractions
from .say import Say, UnreadableError
from .spot import Rule, Spot, rule

_MINUS = r"(?P<minus>[-−])?"
_TO = r"\s?[-–]\s?"
_ORDINAL_ENDINGS = {
    "en": r"(?:st|nd|rd|th)", "fr": r"(?:er|ère|re|ème|eme|e|nde|nd)", "es": r"\.?(?:er|º|ª|o|a)", "it": r"\.?[º°ªao]",
    "pt": r"\.?[º°ªoa]",
}  # fmt: skip
_FEMININE = ("ère", "re", "ª", "a", "nde")
_AFTER_MEASURES = {
    "long", "wide", "tall", "high", "deep", "thick", "away", "apart", "off", "below", "above", "today", "tonight",
    "now", "less", "more", "east", "west", "north", "south", "each", "every", "free", "left", "total", "later", "ago",
    "early", "late", "inland", "ahead", "across", "round", "square", "only", "twice", "once", "max", "maximum",
    "minimum", "or", "old", "straight", "daily", "yesterday",
}  # fmt: skip
_ITS_DECADES = {
    "the",
    "his",
    "her",
    "their",
    "my",
    "your",
    "our",
    "mid",
    "early",
    "late",
    "upper",
    "lower",
    "low",
    "high",
}


def ordinals(say: Say) -> list[Rule]:
    """Ordinals and decades: before all else that digits and letters may be."""
    rules: list[Rule] = []
    if ending := _ORDINAL_ENDINGS.get(say.code):
        rules.append(rule(rf"(?P<n>\d{{1,4}})(?P<ending>{ending})", _ordinal))
    if say.code == "de":
        rules.append(rule(r"(?P<n>\d{2,4})er(?P<plural>n)?", _decade))
    if say.code == "en":
        rules.append(rule(r"(?P<lead>(?:mid|early|late|pre|post)-)?'?(?P<n>\d{2}|\d{4})'?s", _decade))
        rules.append(rule(r"'?(?P<n>\d{2}|\d{4})s\s?[-–]\s?'?(?P<n2>\d{2}|\d{4})'?s", _decades))
    else:
        rules.append(rule(r"'(?P<n>\d0)", lambda match, spot: say.count(int(match["n"]))))
    return rules


def rules(say: Say) -> list[Rule]:
    """All the others for one language."""
    number = f"(?:{say.number_pattern})"
    signs = "|".join(map(re.escape, sorted(say.money, key=len, reverse=True)))
    units = "|".join(map(re.escape, sorted(say.tables.units, key=len, reverse=True)))
    big = "|".join(map(re.escape, sorted(say.tables.magnitudes, key=len, reverse=True))) or "(?!)"
    loose = rf"(?:{number}|\d+[.,]\d\d?)"  # prices and measures in the other convention, too
    return [
        rule(rf"{_MINUS}(?P<sign>{signs})\s?(?P<n>{loose})(?:{_TO}(?:{signs})?(?P<n2>{loose}))?(?:\s?(?P<big>{big}))?",
             _price),
        rule(rf"{_MINUS}(?P<n>{loose})(?:,[-–]+)?(?:{_TO}(?P<n2>{loose}))?(?:\s?(?P<big>{big}))?\s?(?P<sign>{signs})",
             _price),
        *fractions.rules(units),
        rule(rf"{_MINUS}(?P<n>{loose})(?:{_TO}(?P<n2>{loose}))?[\s-]?(?P<unit>{units})", _measure),
        rule(rf"(?P<n>{number}){_TO}(?P<n2>{number})", _range),
        rule(rf"(?P<n>{number})-(?P<word>[^\W\d_]{{3,}}(?:-[^\W\d_]+)*)", _compound),
        rule(rf"(?P<sign>[-−+±~≈<>])(?P<n>{number})", _signed),
        rule(rf"(?P<n>{number})", _plain),
    ]  # fmt: skip


def _price(match: re.Match[str], spot: Spot) -> str:
    say, sign = spot.say, match["sign"]
    many = say.money[sign][1]
    minus = f"{say.language.numbers.minus} " if match["minus"] else ""
    if match["big"]:
        big, bigs = say.tables.magnitudes[match["big"]]
        number = say.number(match["n"])
        whole = say.split(match["n"]) == ("1", "")
        name = big if whole else bigs
        number = say.agreeing(1, say.tables.nouns.gender(big)) if whole and say.code != "en" else number
        of = "" if say.code in ("en", "de") or name in ("mil", "mille") else " de " if many[0] not in "aeiou" else " d'"
        of = {"it": " di ", "es": " de ", "pt": " de "}.get(say.code, of) if of else " "
        return f"{minus}{number} {name}{of}{many}"
    if match["n2"]:
        last = _price_of(say, match["n2"], say.money[sign])
        return f"{_amount(say, match['n'])} {say.language.numbers.to} {last}"
    return minus + _price_of(say, match["n"], say.money[sign])


def _amount(say: Say, digits: str) -> str:
    whole, fraction = _split(say, digits)
    return say.number(digits) if fraction else say.count(int(whole or 0), before=True)


def _price_of(say: Say, digits: str, names: tuple[str, str, str, str]) -> str:
    one, many, part, parts = names
    whole, cents = _split(say, digits)
    if len(cents) > 2 or (len(cents) == 1 and int(cents)):
        return f"{say.number(digits)} {many}"
    count, small = int(whole or 0), int(cents or 0)
    gender = say.tables.nouns.gender(one)
    if small and not count:
        return f"{_before(say, small, part)} {part if small == 1 else parts}"
    told = f"{_before(say, count, one, gender)} {one if count == 1 else many}"
    joint = {"it": " e", "pt": " e", "es": " con"}.get(say.code, "")
    return f"{told}{joint} {say.count(small)}" if small else told


def _before(say: Say, number: int, noun: str, gender: str = "") -> str:
    if say.code == "en":
        return say.count(number)
    return say.agreeing(number, gender or say.tables.nouns.gender(noun) or "m")


def _split(say: Say, digits: str) -> tuple[str, str]:
    """As `Say.split`, but one or two digits behind the other mark are decimals as well: a price or measure."""
    other = "," if say.language.numbers.decimal_mark == "." else "."
    if match := re.fullmatch(rf"(\d+)[{other}](\d\d?)", digits):
        return match[1], match[2]
    return say.split(digits)


def _measure(match: re.Match[str], spot: Spot) -> str:
    say = spot.say
    one, many, gender = say.tables.units[match["unit"]]
    last = match["n2"] or match["n"]
    whole, fraction = _split(say, last)
    digits = f"{whole}{say.language.numbers.decimal_mark}{fraction}" if fraction else last
    single = (fraction == "" and int(whole) == 1) or (say.code == "fr" and int(whole or 0) < 2)
    if fraction or (len(whole) > 1 and whole[0] == "0"):
        number = say.number(digits)
    elif say.code == "en" or not gender:
        number = say.count(int(whole))
    else:
        number = say.agreeing(int(whole), gender, spot.before)
    if match["n2"]:
        number = f"{_amount(say, match['n'])} {say.language.numbers.to} {number}"
    minus = f"{say.language.numbers.minus} " if match["minus"] else ""
    return f"{minus}{number} {one if single or _adjective(match, spot) else many}"


def _adjective(match: re.Match[str], spot: Spot) -> bool:
    """Whether a measure stands as one word before a noun, in the singular: a 5mm drill bit."""
    if spot.say.code != "en" or match["n2"] or re.search(r"[\s.%°]", match[0]):
        return False
    return bool(spot.noun) and spot.noun not in _AFTER_MEASURES and not spot.noun.endswith("er")


def _ordinal(match: re.Match[str], spot: Spot) -> str | None:
    say, ending, number = spot.say, match["ending"].lstrip("."), int(match["n"])
    if ending in ("°", "o", "a") and not (spot.noun and number <= 31):
        return None  # degrees, or an hour "a"
    if say.code == "en":
        right = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
        return say.ordinal(number) if ending == right else None
    form = "er" if say.code == "es" and ending == "er" else "f" if ending in _FEMININE else "m"
    if say.code == "fr" and number == 2 and ending.startswith("nd"):
        return "seconde" if form == "f" else "second"
    return say.ordinal(number, form)


def _decade(match: re.Match[str], spot: Spot) -> str | None:
    say, digits = spot.say, match["n"]
    if int(digits) % 10:
        return None
    if say.code == "de":
        number = say.year(digits) or say.count(int(digits))
        return f"{number}er{match['plural'] or ''}"
    if "'" not in match[0] and not match["lead"] and len(digits) == 2 and spot.before.lower() not in _ITS_DECADES:
        return None
    lead = (match["lead"] or "").replace("-", " ")
    name = _decade_name(say, digits)
    return lead + name if name else None


def _decade_name(say: Say, digits: str) -> str | None:
    """The nineteen eighties, the eighties, the two thousands."""
    if int(digits) % 10 or digits == "00" or digits == "1000":
        return None
    if digits == "2000":
        return "two thousands"
    said = say.year(digits) or (say.count(int(digits)) if len(digits) == 2 else "")
    return re.sub(r"y$", "ies", said) if said.endswith("y") else f"{said}s" if said else None


def _decades(match: re.Match[str], spot: Spot) -> str | None:
    first, last = (_decade_name(spot.say, digits) for digits in (match["n"], match["n2"]))
    return f"{first} to {last}" if first and last else None


def _range(match: re.Match[str], spot: Spot) -> str | None:
    say, first, last = spot.say, match["n"], match["n2"]
    if any(len(part) > 1 and part[0] == "0" and part.isdigit() for part in (first, last)) or len(first + last) > 12:
        return None
    if say.code != "en" and re.search(r"\d[.,]\d", first + last) and "." in first + last:
        return None
    if say.code == "de" and (first + last).isdigit() and int(first) >= int(last):
        raise UnreadableError(match[0])
    left = say.year(first) if len(last) in (2, 4) else None
    right = (say.year(last) if len(last) == 4 else say.number(last)) if left else None
    if left and right:
        return f"{left} {say.language.numbers.to} {right}"
    if first == "1" and say.code == "de" and spot.noun:
        said = say.count(1, before=True)
    else:
        said = say.number(first) if say.code in ("en", "de") else say.number(first, spot.noun)
    return f"{said} {say.language.numbers.to} {say.number(last, spot.noun)}"


def _compound(match: re.Match[str], spot: Spot) -> str | None:
    """`4-kilogram`, `20-year-old`, `7-eleven`: a number and words; in English only, elsewhere it may agree."""
    return f"{spot.say.number(match['n'])} {match['word']}" if spot.say.code == "en" else None


def _signed(match: re.Match[str], spot: Spot) -> str:
    say, signs, minus = spot.say, spot.say.tables.signs, spot.say.language.numbers.minus
    names = {"-": minus, "−": minus, "+": signs.plus, "±": signs.plus_minus, "~": signs.about, "≈": signs.about,
             "<": signs.less, ">": signs.greater}  # fmt: skip
    return f"{names[match['sign']]} {say.number(match['n'], spot.noun, spot.before)}"


def _plain(match: re.Match[str], spot: Spot) -> str | None:
    say, digits = spot.say, match["n"]
    if re.match(r"\s0\d\d(?!\d)", spot.text[spot.end :]) and len(digits) <= 3:
        raise UnreadableError(f"{digits} {spot.after}")
    year = say.year(digits)
    counts = spot.noun.endswith("s") and spot.before.lower() not in say.tables.year_before
    if year and not (say.code == "en" and counts):
        return year
    if say.code == "en" and re.fullmatch(r"\d{1,2}", digits) and re.match(r"\.\d", spot.text[spot.end :]):
        return None
    return say.number(digits, spot.noun, spot.before)

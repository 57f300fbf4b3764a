"""Arithmetic, proportions and sizes, `#`, `&`, `@`, `§`, slashes, Roman numerals, abbreviations."""

from __future__ import annotations

import re

from .say import Say, UnreadableError
from .spot import Rule, Spot, rule

_OPERATORS = "-+×÷*/=−·:"
_ROMAN = re.compile(r"M{0,3}(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_WORDS_IN_ROMAN = {
    "I", "V", "X", "C", "D", "L", "M", "MIX", "DI", "MI", "CD", "DC", "MC", "CC", "MM", "CM", "LI", "VI", "CV",
    "DVI", "LCD", "DIM", "MID", "MIL", "MIDI", "CIVIL", "VIVI", "CIV", "LVI", "XL", "XX", "IV",
}  # fmt: skip
_PACKED = {"ml", "mL", "cl", "l", "L", "g", "kg", "mg", "oz", "fl oz", "lb"}  # of which so many are in a pack
_PLACES = {"near", "by", "see", "visit", "around", "through", "via", "past"}
_QUEENS = {"Elisabeth", "Maria", "Katharina"}
_CENTURIES = {"siècle", "siècles", "century", "secolo", "jahrhundert"}
_CENTURY_BEFORE = {"siglo", "século", "siglos", "secolo"}
_RULED = {
    "was", "had", "is", "never", "also", "who", "would", "could", "married", "ascended", "signed",
    "lived", "built", "of", "ruled", "died", "became", "reigned", "war", "regierte", "starb", "était", "fut",
    "régna", "fue", "era", "reinó", "foi", "regnò", "ha", "aussi", "también", "and", "und", "et", "y", "e",
}  # fmt: skip


def rules(say: Say) -> list[Rule]:
    """All of them for one language."""
    number = rf"(?:{say.number_pattern})"
    signs = rf"(?:[{_OPERATORS}]|(?<=\s)x(?=\s))"
    unary = rf"(?:√\s?|[-−])?{number}[²³%]?"
    units = "|".join(map(re.escape, sorted(say.tables.units, key=len, reverse=True)))
    short = "|".join(re.escape(key).replace(r"\ ", r"\s?") for key in _by_length(say))
    pairs = "|".join(map(re.escape, sorted(say.tables.pairs, key=len, reverse=True)))
    return [
        rule(rf"{unary}(?:\s?{signs}\s?{unary})+(?<=\d)(?:\s?=\s?\?)?", _arithmetic),
        rule(rf"√\s?(?P<n>{number})", lambda match, spot: f"{say.tables.signs.root} {say.number(match['n'])}"),
        rule(rf"(?P<n>{number})\^?(?P<power>[²³23])", _power),
        rule(rf"(?P<a>{number})\s?[x×]\s?(?P<b>{number})(?:\s?[x×]\s?(?P<c>{number}))?(?:\s?(?P<unit>{units}))?",
             _size),
        rule(r"(?P<a>\d{1,3}):(?P<b>\d{1,3})", _ratio),
        rule(r"#\s?(?P<n>\d{1,6})", lambda match, spot: f"{say.tables.signs.number} {say.number(match['n'])}"),
        rule(rf"(?P<n>{number})\+", lambda match, spot: f"{say.number(match['n'])} {say.tables.signs.plus}"),
        rule(r"§\s?(?P<n>\d+)(?P<tail>[a-z]?)", _section),
        rule(rf"(?P<pair>{pairs})", lambda match, spot: _pair(match, say)),
        rule(r"(?P<a>[A-Z]{1,3})&(?P<b>[A-Z]{1,2})", lambda match, spot: _joined(match, say)),
        rule(r"(?P<roman>[IVXLCDM]+)(?P<dot>\.?)(?P<ending>(?:er|ère|re|ème|e)?)", _roman),
        rule(rf"(?P<short>{short})(?!\w)", _short, closed=False),
    ]  # fmt: skip


def _by_length(say: Say) -> list[str]:
    plain = {key.rstrip("+^<") for key in say.tables.short}
    both = plain | {key[0].upper() + key[1:] for key in plain}
    return sorted(both, key=len, reverse=True)


def _arithmetic(match: re.Match[str], spot: Spot) -> str | None:
    """A sum with an equals sign, or with an operator that means nothing else."""
    text = match[0]
    if "=" not in text and not re.search(r"[+×÷*·√²³]|\s−\s|\s/\s", text):
        return None
    if "=" not in text and re.search(r"x|\S×|×\S", text):
        return None
    say = spot.say
    signs, minus = say.tables.signs, say.language.numbers.minus
    names = {
        "-": minus, "−": minus, "+": signs.plus, "×": signs.times, "x": signs.times, "*": signs.times, "·": signs.times,
        "÷": signs.divided, "/": signs.divided, ":": signs.divided, "=": signs.equals, "√": signs.root,
        "²": signs.squared, "³": signs.cubed, "%": signs.percent,
    }  # fmt: skip
    words = []
    for part in re.findall(rf"{say.number_pattern}|\S", text.replace("?", "")):
        words.append(names[part] if part in names else say.number(part))
    return " ".join(words)


def _power(match: re.Match[str], spot: Spot) -> str | None:
    if match["power"] in "23" and "^" not in match[0]:
        return None
    signs = spot.say.tables.signs
    return f"{spot.say.number(match['n'])} {signs.squared if match['power'] in '²2' else signs.cubed}"


def _size(match: re.Match[str], spot: Spot) -> str:
    parts = [spot.say.number(part) for part in (match["a"], match["b"], match["c"]) if part]
    unit = f" {spot.say.tables.units[match['unit']][1]}" if match["unit"] else ""
    packed = spot.say.code == "en" and match["unit"] in _PACKED and not match["c"]
    times = packed or ("×" in match[0] and not (spot.noun or unit))
    by = spot.say.tables.signs.times if times else spot.say.tables.signs.by
    return f" {by} ".join(parts) + unit


def _ratio(match: re.Match[str], spot: Spot) -> str | None:
    if len(match["b"]) == 2 and len(match["a"]) <= 2 and int(match["b"]) < 60 and int(match["a"]) <= 24:
        return None  # a time
    if "0" in (match["a"][0], match["b"][0]) and len(match["b"]) > 1:
        return None
    return f"{spot.say.number(match['a'])} {spot.say.tables.signs.ratio} {spot.say.number(match['b'])}"


def _section(match: re.Match[str], spot: Spot) -> str:
    return f"{spot.say.tables.signs.section} {spot.say.number(match['n'])} {match['tail'].upper()}".strip()


def _pair(match: re.Match[str], say: Say) -> str:
    return say.tables.pairs[match["pair"]]


def _joined(match: re.Match[str], say: Say) -> str:
    return f"{' '.join(match['a'])} {say.language.said_as['&']} {' '.join(match['b'])}"


def _value(roman: str) -> int:
    values = [_VALUES[letter] for letter in roman]
    return sum(-value if value < max(values[at:]) else value for at, value in enumerate(values))


def _roman(match: re.Match[str], spot: Spot) -> str | None:
    """A ruler's number, a century, or a number behind a word such as "chapter"; else letters, or refused."""
    say, roman = spot.say, match["roman"]
    if not _ROMAN.fullmatch(roman):
        return None
    value, before = _value(roman), spot.before
    dot = "." if match["dot"] and say.code != "de" else ""
    if match["ending"]:
        if say.code != "fr":
            return None
        certain = len(roman) > 1 or match["ending"] in ("er", "ère", "re") or spot.after.lower() in _CENTURIES
        numeral = certain and set(roman) <= set("IVX")
        return say.ordinal(value, "f" if match["ending"] in ("ère", "re") else "m") if numeral else None
    if spot.after.lower() in _CENTURIES and not match["dot"] and say.code != "de":
        return say.ordinal(value, "m")
    if match["dot"] and spot.after.lower() == "jahrhundert":
        return say.ordinal(value, "n" if before.lower() in ("im", "am", "dem", "des", "vom", "zum") else "")
    if before.lower() in _CENTURY_BEFORE:
        return (say.ordinal(value, "m") if say.code == "it" else say.count(value)) + dot
    if before.lower() in say.tables.counted:
        return say.count(value) + dot
    if before in say.tables.regnal and (value > 1 or not spot.after or spot.after.lower() in _RULED):
        return _ruler(value, spot) + dot
    if len(roman) == 1 or (roman in _WORDS_IN_ROMAN and roman not in ("IV", "XX")):
        return None
    raise UnreadableError(match[0])


def _ruler(value: int, spot: Spot) -> str:
    say = spot.say
    if say.code == "en":
        return f"the {say.ordinal(value)}"
    if say.code == "de":
        if spot.earlier.lower() in ("von", "unter", "mit", "bei", "für", "durch", "gegen"):
            raise UnreadableError(f"{spot.before} {value}.")
        return f"{'die' if spot.before in _QUEENS else 'der'} {say.ordinal(value)}"
    if say.code == "fr":
        return "premier" if value == 1 else say.count(value)
    if say.code in ("es", "pt") and value > 10:
        return say.count(value)
    return say.ordinal(value, say.tables.nouns.gender(spot.before) or "m")


def _short(match: re.Match[str], spot: Spot) -> str | None:
    """An abbreviation, where what stands around it allows."""
    written = re.sub(r"\s", "", match["short"])
    table = {key.replace(" ", ""): said for key, said in spot.say.tables.short.items()}
    after, before = spot.text[spot.end :].lstrip(), spot.before
    if before.lower() in spot.say.language.stop_words | _PLACES:
        before = ""
    for key in dict.fromkeys((written, written[0].lower() + written[1:])):
        for mark, fits in (
            ("<", bool(before) and (before[0].isupper() or (before[0].isdigit() and not before.isdigit()))),
            ("+", after[:1].isdigit() or bool(re.match(r"[IVX]+\b", after))),
            ("^", after[:1].isupper()),
            ("", True),
        ):
            said = table.get(key + mark)
            if said is not None and fits:
                first = written[0].isupper() and key != written
                return said[0].upper() + said[1:] if first else said
    return None

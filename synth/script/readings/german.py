"""What is written in German only: ordinals and their endings, spans of days, words made with numbers."""

from __future__ import annotations

import re

from .fractions import PREPOSITIONS
from .say import Say, UnreadableError
from .spot import Rule, Spot, rule

_DAYS = {"Mo": "Montag", "Di": "Dienstag", "Mi": "Mittwoch", "Do": "Donnerstag", "Fr": "Freitag", "Sa": "Samstag",
         "So": "Sonntag"}  # fmt: skip
_DAY_BEFORE = {"am", "bis", "und", "ab", "jeden", "oder", "nächsten", "kommenden", *map(str.lower, _DAYS.values())}
_DATIVE = {
    "am", "im", "zum", "zur", "vom", "beim", "dem", "den", "des", "einem", "einer", "einen", "jedem", "jeden", "diesem",
    "diesen", "meinem", "meinen", "meiner", "deinem", "deinen", "deiner", "seinem", "seinen", "seiner", "ihrem",
    "ihren", "ihrer", "unserem", "unseren", "unserer", "eurem", "euren", "eurer", "keinem", "keinen", "keiner",
}  # fmt: skip
_WEAK = {"der", "die", "das", "ins", "ans", "diese", "dieser", "dieses", "jede", "jeder", "jedes", "eine", "meine",
         "deine", "seine", "ihre", "unsere", "eure", "keine"}  # fmt: skip
_ENDS = {"m": "r", "f": "", "n": "s"}  # of an ordinal with no article before it
_DIALLED = {"notruf", "durchwahl", "rufnummer", "telefonnummer", "plz", "postleitzahl", "pin", "kontonummer", "blz"}
_CALLED = {"die", "der", "unter", "notruf", "ruf", "rufe", "rufen", "wähle", "wählen", "wählt"}
_AT_HOURS = {"um", "ab", "gegen", "bis", "von", "vor", "nach", "zwischen", "und"}
_MADE = (
    "jährig stündig tägig wöchig monatig minütig sekündig köpfig stöckig teilig prozentig stellig seitig sprachig"
    " spurig gängig bändig silbig zeilig sitzig malig fach mal"
).replace(" ", "|")


def rules(say: Say) -> list[Rule]:
    """All of them: before all that these may be in other languages."""
    months = "|".join(say.tables.months)
    names = "|".join(_DAYS)
    day = r"(?P<d>\d{1,2})\.(?:\s?(?P<m>\d{1,2})\.)?\s?[-–]\s?(?P<d2>\d{1,2})\.\s?"
    date = rf"\d{{1,2}}\.\s?(?:{months}|\d{{1,2}}\.)"
    big, signs = ("|".join(map(re.escape, names)) for names in (say.tables.magnitudes, say.money))
    return [
        rule(rf"(?P<a>{names})\.?\s?[-–]\s?(?P<b>{names})\b\.?", _day_span, closed=False),
        rule(r"Fr\.", _friday, closed=False),
        rule(rf"{day}(?:(?P<m2>\d{{1,2}})\.(?!\d)|(?P<name>{months}))", _date_span, closed=False),
        rule(rf"(?P<d>\d{{1,2}})\.(?=\s(?:bis|und)\s{date})", _first_date, closed=False),
        rule(r"(?P<n>\d{1,2})\.\sJh\.", _century, closed=False),
        rule(rf"(?P<n>\d{{1,4}})\.(?=\s|$)(?!\s(?:{months}))", _ordinal, closed=False),
        rule(r"(?P<n>\d{2,4})er-(?P<noun>Jahren?)",
             lambda match, spot: f"{say.count(int(match['n']))}er {match['noun']}"),
        rule(r"(?P<n>\d{1,2})\.(?P<m>[0-5]\d)(?!\s?(?:Uhr|h)\b)", _dotted_time),
        rule(r"(?P<n>\d{1,4})(?:-?x|\sx(?=\s[a-zäöü]))", lambda match, spot: f"{_stem(say, match['n'])}mal"),
        rule(rf"(?P<n>\d{{1,4}})-?(?P<rest>[%]ige[mnrs]?|(?i:{_MADE})(?:e[mnrs]?|s)?)", _made),
        rule(r"(?P<n>[1-9]\d{0,3})-(?P<word>[A-ZÄÖÜ][a-zäöüß]+(?:-[A-ZÄÖÜ][a-zäöüß]+)*)", _made_noun),
        rule(rf"(?P<n>{say.number_pattern})\s?(?P<big>{big})(?!\w|\s?(?:{signs}))", _millions, closed=False),
        rule(r"(?P<n>\d{1,3})\s?h", _hours),
        rule(r"(?P<n>\d{5})", _post_code),
        rule(r"(?P<n>11[02]|116117)", _emergency),
        rule(r"(?P<n>\d{3,8})", _dialled),
    ]  # fmt: skip


def _day_span(match: re.Match[str], spot: Spot) -> str:
    return f"{_DAYS[match['a']]} bis {_DAYS[match['b']]}"


def _friday(match: re.Match[str], spot: Spot) -> str | None:
    """A day before a number, or behind a word or a day that leads to one; else it may be a woman."""
    behind = re.match(r",?\s?(?:den\s|um\s)?\d|\s?(?:und|oder|bis|/)\s(?:Mo|Sa|So)\b", spot.text[spot.end :])
    before = spot.before.lower()
    return "Freitag" if behind or before in _DAY_BEFORE else None


def _form(spot: Spot) -> str | None:
    """The ending of a date: `n` in the dative, none behind an article; None where none stands there."""
    before = spot.before.lower()
    if before in _DATIVE or before in ("ab", "bis", "seit", "nach", "vor"):
        return "n"
    return "" if before in ("der", "das", "die") else None


def _date_span(match: re.Match[str], spot: Spot) -> str:
    """`vom 24.-26.12.`, `am 24.12.-26.12.`: read where a word before it gives the case."""
    say, form = spot.say, _form(spot)
    days, month = [int(match["d"]), int(match["d2"])], int(match["m2"] or 1)
    if form != "n" or not all(1 <= day <= 31 for day in days) or month > 12 or int(match["m"] or 1) > 12:
        raise UnreadableError(match[0])
    first = say.ordinal(days[0], form) + (f" {say.ordinal(int(match['m']), form)}" if match["m"] else "")
    return f"{first} bis {say.ordinal(days[1], form)} {match['name'] or say.ordinal(month, form)}"


def _first_date(match: re.Match[str], spot: Spot) -> str:
    """The first of two days with one month behind them; the second is read as any date is."""
    if _form(spot) != "n":
        raise UnreadableError(spot.text[spot.start :].split(",")[0][:20])
    return spot.say.ordinal(int(match["d"]), "n")


def _century(match: re.Match[str], spot: Spot) -> str:
    ending = "n" if spot.before.lower() in _DATIVE else "" if spot.before.lower() == "das" else "s"
    return f"{spot.say.ordinal(int(match['n']), ending)} Jahrhundert"


def _ordinal(match: re.Match[str], spot: Spot) -> str | None:
    """A number with a full stop: an ordinal before its noun or behind an article; the end of a sentence; or refused."""
    say, before, number = spot.say, spot.before.lower(), int(match["n"])
    follows = spot.text[spot.end :].lstrip()
    if before == "als":
        return say.ordinal(number, "r")
    if not follows:
        return _at_the_end(number, before, spot)
    if follows[0].islower() and before not in (_DATIVE | {"der"}):
        raise UnreadableError(match[0])
    noun = spot.after if say.is_noun(spot.after) else ""
    if not noun and follows[0].isupper() and spot.after.lower() in say.language.stop_words:
        return _at_the_end(number, before, spot)
    if not noun and not follows[0].islower():
        raise UnreadableError(match[0] + spot.after)
    if before in _DATIVE or (before == "der" and spot.earlier.lower() in PREPOSITIONS):
        return say.ordinal(number, "n")
    if before in _WEAK:
        return say.ordinal(number)
    gender = say.tables.nouns.gender(noun)
    if number >= 1000:
        return None
    if not gender or before in PREPOSITIONS:
        raise UnreadableError(f"{match[0]} {noun}")
    return say.ordinal(number, _ENDS[gender])


def _at_the_end(number: int, before: str, spot: Spot) -> str | None:
    """Behind a masculine or dative article the so-manieth; behind other articles it could be either; else a number."""
    if number <= 31 and before in ("am", "im", "zum", "vom", "dem", "den"):
        return spot.say.ordinal(number, "n") + "."
    if number <= 31 and before == "der":
        return spot.say.ordinal(number) + "."
    if before in _WEAK | {"wurde", "wird", "wurden"}:
        raise UnreadableError(f"{number}.")
    return None


def _dotted_time(match: re.Match[str], spot: Spot) -> str | None:
    hour, minute, say = int(match["n"]), int(match["m"]), spot.say
    if spot.before.lower() not in ("um", "ab", "gegen") or hour > 23:
        return None
    return f"{say.count(hour, before=True)} Uhr" + (f" {say.count(minute)}" if minute else "")


def _stem(say: Say, digits: str) -> str:
    """A number as the first part of a word."""
    return say.count(int(digits), before=True)


def _made(match: re.Match[str], spot: Spot) -> str:
    """`18-jährig`, `3-mal`, `10%ige`: one word; a capital stays with it."""
    rest = match["rest"].replace("%", "prozent")
    said = _stem(spot.say, match["n"]) + rest.lower()
    return said.capitalize() if rest[0].isupper() else said


def _made_noun(match: re.Match[str], spot: Spot) -> str:
    """`5-Gänge-Menü`, `10-Euro-Schein`."""
    return f"{_stem(spot.say, match['n']).capitalize()}-{match['word']}"


def _millions(match: re.Match[str], spot: Spot) -> str:
    """A number with `Mio.` behind it, of anything."""
    say = spot.say
    one, many = say.tables.magnitudes[match["big"]]
    if say.split(match["n"]) == ("1", ""):
        return f"{say.agreeing(1, say.tables.nouns.gender(one), spot.before)} {one}"
    return f"{say.number(match['n'])} {many}"


def _hours(match: re.Match[str], spot: Spot) -> str | None:
    """`2 h` is how long it takes; behind "um" it is a time of day, which other rules read."""
    if spot.before.lower() in _AT_HOURS:
        return None
    number = int(match["n"])
    return f"{spot.say.agreeing(number, 'f', spot.before)} {'Stunde' if number == 1 else 'Stunden'}"


def _post_code(match: re.Match[str], spot: Spot) -> str | None:
    """Five digits before a place: what no noun that is known follows."""
    place = spot.after
    if not place[:1].isupper() or spot.say.tables.nouns.gender(place):
        return None
    raise UnreadableError(f"{match['n']} {place}")


def _dialled(match: re.Match[str], spot: Spot) -> str | None:
    return spot.say.digits(match["n"]) if spot.before.lower().rstrip(":") in _DIALLED else None


def _emergency(match: re.Match[str], spot: Spot) -> str | None:
    return spot.say.digits(match["n"]) if spot.before.lower() in _CALLED and not spot.noun else None

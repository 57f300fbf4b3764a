"""What is written in English only: sides of streets, post codes, numbers that are dialled, clocks of four digits."""

from __future__ import annotations

import re

from .say import Say
from .spot import Rule, Spot, rule

_WAYS = {"N": "north", "S": "south", "E": "east", "W": "west"}
_STREET = r"\s(?:[A-Z][a-z]|\d{1,3}(?:st|nd|rd|th)\b)"
_DIALLED = {"call", "dial", "ring", "phone", "text", "called", "calling", "dialled", "code", "pin", "password"}
_RACED = {"in", "of", "at", "time", "ran", "clocked", "finished", "under", "over", "about", "around"}
_OFTEN = {"daily", "weekly", "monthly", "a", "per", "faster", "more", "the", "bigger", "larger", "as", "every", "each"}
_DATED = {"on", "by", "from", "until", "till", "since", "before", "after", "due", "dated", "through", "of"}
_PROPORTIONS = {"scale", "ratio", "mix", "odds", "dilution", "slope", "gradient", "mixture"}


def rules(say: Say) -> list[Rule]:
    """All of them: before all that these may be in other languages."""
    return [
        rule(rf"(?P<n>\d{{1,5}}) (?P<way>[NSEW]|[NS][EW])\.?(?={_STREET})", _on_a_side, closed=False),
        rule(r"(?P<n>\d{5})(?:-(?P<rest>\d{4}))?", _post_code),
        rule(r"(?P<n>\d{3,6})", _dialled),
        rule(r"\*(?P<n>\d{2,4})#?", lambda match, spot: f"star {say.count(int(match['n']))}"),
        rule(r"(?P<h>[01]\d|2[0-3])(?P<m>[0-5]\d)\s?(?:hrs|hours|h)", _four_digits),
        rule(r"(?P<a>\d{2,3}):(?P<b>[0-5]\d)", _raced),
        rule(r"(?P<a>\d{1,4}):(?P<b>\d{1,4})", _proportion),
        rule(r"(?P<n>\d{1,3})x", _so_often),
        rule(r"(?P<n>\d{1,4})(?P<ending>st|nd|rd|th)-(?P<word>[a-z]{3,}(?:-[a-z]+)*)", _ordinal_compound),
        rule(r"(?P<m>\d{1,2})/(?P<d>1[3-9]|2\d|3[01])", _month_and_day),
        rule(r"(?P<n>\d{1,3}(?:\.\d+)?)(?P<big>M|bn)", _millions),
        rule(r"(?P<n>\d{1,4})-?ish", lambda match, spot: f"{say.count(int(match['n']))}-ish"),
    ]


def _on_a_side(match: re.Match[str], spot: Spot) -> str:
    """A house's number and the side of the street it is on: 405 W. Pine Avenue."""
    return f"{spot.say.number(match['n'])} {''.join(_WAYS[letter] for letter in match['way'])}"


def _post_code(match: re.Match[str], spot: Spot) -> str | None:
    """Five digits behind a state of two letters: Dover, DE 19901."""
    if not re.fullmatch(r"[A-Z]{2}", spot.before):
        return None
    rest = f", {spot.say.digits(match['rest'])}" if match["rest"] else ""
    return spot.say.digits(match["n"]) + rest


def _dialled(match: re.Match[str], spot: Spot) -> str | None:
    """A short number behind "call", or behind "the code is"."""
    asked = spot.before.lower() in _DIALLED or (spot.before == "is" and spot.earlier.lower() in _DIALLED)
    counted = bool(spot.noun) or re.match(r"\s[A-Z]", spot.text[spot.end :])
    return spot.say.digits(match["n"]) if asked and not counted else None


def _four_digits(match: re.Match[str], spot: Spot) -> str:
    """A clock of four digits with the word behind it: `2130 hrs`."""
    say = spot.say
    hour = ("zero " if match["h"][0] == "0" else "") + say.count(int(match["h"]))
    told = say.digits(match["m"]) if match["m"] < "10" else say.number(match["m"])
    return f"{hour} {'hundred' if match['m'] == '00' else told} hours"


def _raced(match: re.Match[str], spot: Spot) -> str | None:
    """Minutes and seconds of a race: too many minutes for a clock, behind a word such as "in"."""
    if int(match["a"]) <= 24 or spot.before.lower() not in _RACED:
        return None
    low = f"oh {spot.say.count(int(match['b'][1]))}" if match["b"][0] == "0" else spot.say.number(match["b"])
    return f"{spot.say.number(match['a'])} {low}"


def _proportion(match: re.Match[str], spot: Spot) -> str | None:
    """One part to so many, beside a word that says so: a 1:50 scale model."""
    if not {spot.after.lower(), spot.before.lower()} & _PROPORTIONS:
        return None
    return f"{spot.say.number(match['a'])} {spot.say.tables.signs.ratio} {spot.say.number(match['b'])}"


def _so_often(match: re.Match[str], spot: Spot) -> str | None:
    """`3x daily`, `2x as fast`."""
    if spot.after.lower() not in _OFTEN or match["n"] == "0":
        return None
    return {1: "once", 2: "twice"}.get(int(match["n"]), f"{spot.say.number(match['n'])} times")


def _month_and_day(match: re.Match[str], spot: Spot) -> str | None:
    """A day that is no month, behind a word such as "on": 6/21."""
    if spot.before.lower() not in _DATED or not 1 <= int(match["m"]) <= 12:
        return None
    return f"{spot.say.tables.months[int(match['m']) - 1]} {spot.say.ordinal(int(match['d']))}"


def _millions(match: re.Match[str], spot: Spot) -> str | None:
    """`2.7M residents`; `5M` alone may be a seat."""
    if not (spot.noun or "." in match["n"] or match["big"] == "bn"):
        return None
    return f"{spot.say.number(match['n'])} {spot.say.tables.magnitudes[match['big']][0]}"


def _ordinal_compound(match: re.Match[str], spot: Spot) -> str | None:
    """`3rd-quarter`, `19th-century`."""
    number = int(match["n"])
    right = "th" if number % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{spot.say.ordinal(number)}-{match['word']}" if match["ending"] == right else None

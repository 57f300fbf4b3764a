"""Numbers, prices, clock times, dates, letters and lists as English words."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

_SMALL = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = ["zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_ORDINALS = {
    "one": "first",
    "two": "second",
    "three": "third",
    "five": "fifth",
    "eight": "eighth",
    "nine": "ninth",
    "twelve": "twelfth",
}
MONTHS = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
]
DAYS = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"]


def cardinal(number: int) -> str:
    """-12 -> "minus twelve", 1203 -> "one thousand two hundred and three". Below one billion."""
    if number < 0:
        return f"minus {cardinal(-number)}"
    if number < 20:
        return _SMALL[number]
    if number < 100:
        return _TENS[number // 10] + (f"-{_SMALL[number % 10]}" if number % 10 else "")
    if number < 1000:
        rest = f" and {cardinal(number % 100)}" if number % 100 else ""
        return f"{_SMALL[number // 100]} hundred{rest}"
    for size, name in ((1_000_000, "million"), (1000, "thousand")):
        if number >= size:
            left = number % size
            joint = " and " if 0 < left < 100 else " "
            return f"{cardinal(number // size)} {name}" + (joint + cardinal(left) if left else "")
    raise AssertionError(number)


def decimal(tenths: int) -> str:
    """A number given in tenths: 25 -> "two point five", 30 -> "three"."""
    whole, tenth = divmod(tenths, 10)
    return cardinal(whole) + (f" point {_SMALL[tenth]}" if tenth else "")


def ordinal(number: int) -> str:
    """3 -> "third", 21 -> "twenty-first"."""
    words = cardinal(number)
    head, joint, last = words.rpartition("-") if "-" in words else words.rpartition(" ")
    regular = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return head + joint + _ORDINALS.get(last, regular)


def year(number: int) -> str:
    """1969 -> "nineteen sixty-nine", 2005 -> "two thousand and five", 1900 -> "nineteen hundred"."""
    if 2000 <= number < 2010 or number < 1000:
        return cardinal(number)
    century, rest = divmod(number, 100)
    if rest == 0:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {'oh ' if rest < 10 else ''}{cardinal(rest)}"


def money(cents: int) -> str:
    """2450 -> "twenty-four dollars and fifty cents"."""
    dollars, rest = divmod(cents, 100)
    parts = [count(dollars, "dollar")] if dollars or not rest else []
    return " and ".join(parts + ([count(rest, "cent")] if rest else []))


def clock(minutes: int, plain: bool = False) -> str:
    """Minutes after midnight as said aloud: "half past three", or plain: "three thirty"."""
    hour, minute = divmod(minutes % 1440, 60)
    now, following = _SMALL[(hour - 1) % 12 + 1], _SMALL[hour % 12 + 1]
    if minute == 0:
        return f"{now} o'clock"
    if plain:
        return f"{now} {'oh ' if minute < 10 else ''}{cardinal(minute)}"
    if minute == 30:
        return f"half past {now}"
    side, other = ("past", now) if minute < 30 else ("to", following)
    distance = min(minute, 60 - minute)
    if distance == 15:
        return f"quarter {side} {other}"
    return f"{cardinal(distance)} {'' if distance % 5 == 0 else 'minutes '}{side} {other}"


def day_part(minutes: int) -> str:
    """The part of the day of a time in minutes after midnight."""
    if minutes < 720:
        return "in the morning"
    return "in the afternoon" if minutes < 1020 else "in the evening"


def duration(minutes: int) -> str:
    """95 -> "one hour and thirty-five minutes"."""
    hours, rest = divmod(minutes, 60)
    parts = ([count(hours, "hour")] if hours else []) + ([count(rest, "minute")] if rest else [])
    return " and ".join(parts)


def date(day: datetime.date, weekday: bool = True) -> str:
    """As in "Tuesday the fourth of March", or without the weekday."""
    words = f"the {ordinal(day.day)} of {MONTHS[day.month - 1]}"
    return f"{DAYS[day.weekday()]} {words}" if weekday else words


def spelled(word: str) -> str:
    """As in "cat" -> "C, A, T"."""
    return ", ".join(letter.upper() for letter in word if letter.isalpha())


def listed(items: Sequence[str], last: str = "and") -> str:
    """As in "a, b and c"."""
    return f"{', '.join(items[:-1])} {last} {items[-1]}" if len(items) > 1 else items[0]


_IRREGULAR = {
    "foot": "feet",
    "inch": "inches",
    "child": "children",
    "person": "people",
    "loaf": "loaves",
    "leaf": "leaves",
    "knife": "knives",
    "shelf": "shelves",
    "mouse": "mice",
    "goose": "geese",
}


def plural(noun: str) -> str:
    """The plural of a noun or noun phrase, by its last word."""
    head, joint, last = noun.rpartition(" ")
    if last in _IRREGULAR:
        last = _IRREGULAR[last]
    elif last.endswith(("s", "x", "ch", "sh")) or last in ("potato", "tomato", "mango"):
        last += "es"
    elif last.endswith("y") and last[-2:-1] not in "aeiou":
        last = f"{last[:-1]}ies"
    else:
        last += "s"
    return head + joint + last


def count(number: int, noun: str) -> str:
    """2, "cup" -> "two cups"; 1 -> "one cup"."""
    return f"{cardinal(number)} {noun if number == 1 else plural(noun)}"

"""Dates and times of day."""

from __future__ import annotations

import re

from .say import Say, UnreadableError
from .spot import Rule, Spot, rule

_DATIVE = {"am", "im", "zum", "zur", "vom", "beim", "dem", "den", "des", "ab", "bis", "seit", "nach", "vor", "und"}
_WITH_MINUTES = {"en", "de", "fr", "es", "it", "pt"}


def durations(say: Say) -> list[Rule]:
    """Hours with minutes, minutes with seconds: `2h 40m`, `3 min 20 s`."""
    hours, minutes, seconds = (
        r"\s?(?:h|hrs?)\.?", r"\s?(?:m|mins?|min)\.?", r"\s?(?:s|secs?)\.?",
    )  # fmt: skip
    return [
        rule(rf"(?P<h>\d{{1,3}}){hours}\s(?P<m>\d{{1,2}}){minutes}(?:\s(?P<s>\d{{1,2}}){seconds})?", _duration),
        rule(rf"(?P<h>\d{{1,3}}){hours}(?P<m>\d{{1,2}}){minutes}", _duration),
        rule(rf"(?P<m>\d{{1,3}}){minutes}\s?(?P<s>\d{{1,2}}){seconds}", _duration),
    ]


def _duration(match: re.Match[str], spot: Spot) -> str | None:
    parts, units, words = match.groupdict(), spot.say.tables.units, []
    for name, key in (("h", "hours" if "hours" in units else "h"), ("m", "min"), ("s", "s")):
        if not parts.get(name):
            continue
        if key not in units:
            return None
        one, many, gender = units[key]
        number = int(parts[name])
        said = spot.say.count(number) if spot.say.code == "en" else spot.say.agreeing(number, gender or "m")
        words.append(f"{said} {one if number == 1 else many}")
    return " ".join(words)


def rules(say: Say) -> list[Rule]:
    """All of them for one language."""
    months = "|".join(sorted([*say.tables.months, *say.tables.month_short], key=len, reverse=True)).replace(".", r"\.")
    patterns = [
        rule(r"(?P<y>\d{4})-(?P<m>\d\d)-(?P<d>\d\d)", _numeric),
        rule(r"(?P<d>\d{1,2})/(?P<m>\d{1,2})/(?P<y>\d{4}|\d\d)", _numeric),
        *durations(say),
        *_clock_rules(say.code),
    ]
    if say.code == "en":
        plain = [name for name in months.split("|") if name.lower() not in ("may", "mar", "mar\\.", "sep", "dec")]
        months += "|" + "|".join(name.lower() for name in plain)
        day = r"(?P<d>\d{1,2})(?:st|nd|rd|th)?"
        year = r"(?:,?\s(?P<y>\d{4}))?"
        patterns += [
            rule(rf"(?P<name>{months})\s{day}{year}", _month_day),
            rule(rf"{day}(?:\sof)?\s(?P<name>{months}){year}", _day_month),
        ]
    elif say.code == "de":
        patterns += [
            rule(r"(?P<d>\d{1,2})\.\s?(?P<m>\d{1,2})\.(?:\s?(?P<y>\d{4}|\d\d))?(?!\d)", _german, closed=False),
            rule(rf"(?P<d>\d{{1,2}})\.\s?(?P<name>{months})(?:\s(?P<y>\d{{4}}))?", _german),
        ]
    else:
        of = r"\s(?:de\s)?" if say.code in ("es", "pt") else r"\s"
        patterns += [
            rule(r"(?P<d>\d{1,2})/(?P<m>\d{1,2})", _slashed),
            rule(rf"(?P<d>\d{{1,2}})(?:er|°|º|\.º)?{of}(?P<name>{months})(?:{of}(?P<y>\d{{4}}))?", _romance),
        ]
    return patterns


def _month(match: re.Match[str], say: Say) -> int:
    """1 to 12, from a name or digits. Raises UnreadableError."""
    parts = match.groupdict()
    if name := parts.get("name"):
        name = name if say.code != "en" else name.capitalize()
        return say.tables.month_short.get(name) or say.tables.months.index(name) + 1
    number = int(parts["m"])
    if not 1 <= number <= 12:
        raise UnreadableError(match[0])
    return number


def _day(match: re.Match[str]) -> int:
    number = int(match["d"])
    if not 1 <= number <= 31:
        raise UnreadableError(match[0])
    return number


def _numeric(match: re.Match[str], spot: Spot) -> str:
    """Day, month and year in digits; English has them in two orders, and the one is told by a number above twelve."""
    say, year = spot.say, match["y"]
    day, month = int(match["d"]), int(match["m"])
    if say.code == "en" and "/" in match[0]:
        if day <= 12 and month <= 12 and day != month:
            raise UnreadableError(match[0], "write the month as a word")
        day, month = (day, month) if month <= 12 else (month, day)
    if not (1 <= day <= 31 and 1 <= month <= 12):
        raise UnreadableError(match[0])
    if len(year) == 2:
        raise UnreadableError(match[0], "write the year in full")
    name, said = say.tables.months[month - 1], say.date_year(year)
    if say.code == "en":
        return f"{name} {say.ordinal(day)}, {said}"
    if say.code == "de":
        form = _german_form(spot)
        return f"{say.ordinal(day, form)} {name} {said}"
    return _romance_date(say, day, name, said, spot)


def _month_day(match: re.Match[str], spot: Spot) -> str | None:
    say = spot.say
    if match["name"] == "May" and spot.before.lower() in ("they", "we", "you", "i"):
        return None
    year = f", {say.date_year(match['y'])}" if match["y"] else ""
    return f"{say.tables.months[_month(match, say) - 1]} {say.ordinal(_day(match))}{year}"


def _day_month(match: re.Match[str], spot: Spot) -> str:
    say = spot.say
    year = f", {say.date_year(match['y'])}" if match["y"] else ""
    article = "" if spot.before.lower() == "the" else "the "
    return f"{article}{say.ordinal(_day(match))} of {say.tables.months[_month(match, say) - 1]}{year}"


def _german_form(spot: Spot) -> str:
    before = spot.before.lower()
    if before in _DATIVE:
        return "n"
    return "" if before in ("der", "das", "die") else "r"


def _german(match: re.Match[str], spot: Spot) -> str | None:
    say, parts = spot.say, match.groupdict()
    if "m" in parts and not (1 <= int(parts["m"]) <= 12 and 1 <= int(match["d"]) <= 31):
        return None
    form = _german_form(spot)
    month = _month(match, say)
    name = say.tables.months[month - 1] if "name" in parts else say.ordinal(month, form)
    year = ""
    if parts["y"]:
        year = f" {say.date_year(parts['y'])}" if len(parts["y"]) == 4 else f" {say.number(parts['y'])}"
    return f"{say.ordinal(_day(match), form)} {name}{year}"


def _slashed(match: re.Match[str], spot: Spot) -> str | None:
    """A day and a month, where an article or a preposition says so; else it is a fraction."""
    if spot.before.lower() not in spot.say.tables.day_before:
        return None
    return _romance_date(spot.say, _day(match), spot.say.tables.months[_month(match, spot.say) - 1], "", spot)


def _romance(match: re.Match[str], spot: Spot) -> str:
    say = spot.say
    year = say.date_year(match["y"]) if match["y"] else ""
    return _romance_date(say, _day(match), say.tables.months[_month(match, say) - 1], year, spot, article=False)


def _romance_date(say: Say, day: int, month: str, year: str, spot: Spot, *, article: bool = True) -> str:
    first = say.ordinal(1, "m") if say.code != "es" else "uno"
    number = first if day == 1 else say.count(day)
    of = " de " if say.code in ("es", "pt") else " "
    lead = "le " if say.code == "fr" and article and spot.before.lower() not in say.tables.day_before else ""
    return f"{lead}{number}{of}{month}" + (f"{of if of != ' ' else ' '}{year}" if year else "")


def _clock_rules(code: str) -> list[Rule]:
    to = r"\s?[-–]\s?"
    if code == "en":
        half = r"(?P<half>[aApP])\.?\s?[mM]\b\.?"
        return [
            rule(
                rf"(?P<h>\d{{1,2}})(?::(?P<m>\d\d))?(?:\s?(?P<half>[aApP])\.?[mM]\.?)?{to}(?P<h2>\d{{1,2}})"
                r"(?::(?P<m2>\d\d))?\s?(?P<half2>[aApP])\.?[mM]\b\.?", _times, closed=False),
            rule(rf"(?P<h>\d{{1,2}})[:.](?P<m>\d\d)\s?{half}", _time, closed=False),
            rule(rf"(?P<h>\d{{1,2}})\s?{half}", _time, closed=False),
            rule(r"(?P<h>\d{1,2}):(?P<m>\d\d)(?:\so'clock)?", _time),
            rule(r"(?P<h>\d{1,2})\s?o'clock", _time),
            rule(rf"(?P<h>\d{{1,2}}):(?P<m>\d\d){to}(?P<h2>\d{{1,2}}):(?P<m2>\d\d)", _times),
        ]  # fmt: skip
    unit = {"de": r"(?:Uhr|h)", "es": r"h\.?"}.get(code, "h")
    colon = "[:.]" if code == "de" else ":"
    return [
        rule(
            rf"(?P<h>\d{{1,2}})(?:{colon}(?P<m>\d\d))?(?:\s?{unit})?{to}(?P<h2>\d{{1,2}})(?:{colon}(?P<m2>\d\d))?\s?{unit}",
            _times,
        ),
        rule(rf"(?P<h>\d{{1,2}}):(?P<m>\d\d){to}(?P<h2>\d{{1,2}}):(?P<m2>\d\d)", _times),
        rule(rf"(?P<h>\d{{1,2}}){colon}(?P<m>\d\d)\s?{unit}", _time),
        rule(rf"(?P<h>\d{{1,2}})\s?{unit}\s?(?P<m>\d\d)", _time),
        rule(rf"(?P<h>\d{{1,2}})\s?{unit}", _hour),
        rule(r"(?P<h>\d{1,2}):(?P<m>\d\d)", _time),
    ]


def _hour(match: re.Match[str], spot: Spot) -> str | None:
    """An hour of the day; in the languages where it could be a duration, it is said the same."""
    hour, say = int(match["h"]), spot.say
    if hour > 24:
        return None
    if say.code in ("es", "it", "pt"):
        one, many = say.tables.units["hours"][:2]
        return f"{say.agreeing(hour, 'f')} {one if hour == 1 else many}"
    return _told(hour, 0, say)


def _time(match: re.Match[str], spot: Spot) -> str | None:
    parts = match.groupdict()
    hour, minute = int(parts["h"]), int(parts.get("m") or 0)
    if hour > 24 or minute > 59 or (parts.get("half") and not 1 <= hour <= 12):
        return None
    return _told(hour, minute, spot.say, parts.get("half") or "")


def _times(match: re.Match[str], spot: Spot) -> str | None:
    parts = match.groupdict()
    hours, minutes = (int(parts["h"]), int(parts["h2"])), (int(parts.get("m") or 0), int(parts.get("m2") or 0))
    if max(hours) > 24 or max(minutes) > 59:
        return None
    say = spot.say
    if say.code == "en" or any(minutes):
        first = _told(hours[0], minutes[0], say, (parts.get("half") or "")[:1], bare=True)
        return f"{first} {say.language.numbers.to} {_told(hours[1], minutes[1], say, (parts.get('half2') or '')[:1])}"
    first = say.agreeing(hours[0], "f") if say.code != "de" else say.count(hours[0], before=True)
    return f"{first} {say.language.numbers.to} {_told(hours[1], 0, say)}"


def _told(hour: int, minute: int, say: Say, half: str = "", *, bare: bool = False) -> str:
    clock = say.language.clock
    said = say.count(hour, clock.before) if say.code in ("en", "de") else say.agreeing(hour, "f")
    if half:
        low = say.count(minute) if minute > 9 else clock.low.format(minute=say.count(minute))
        return f"{said}{' ' + low if minute else ''} {clock.am if half.lower() == 'a' else clock.pm}"
    if not minute:
        told = said if bare and say.code == "en" else (say.tables.hour or clock.hour).format(hour=said)
    else:
        low = say.count(minute)
        told = clock.full.format(hour=said, minute=clock.low.format(minute=low) if minute < 10 else low)
    if hour < 2 and not minute:
        told = told.replace("horas", "hora")
    return told.replace("heures", "heure") if say.code == "fr" and hour < 2 else told

"""What French, Spanish, Italian and Portuguese write alike: how often, spans of days, times with a full stop."""

from __future__ import annotations

import re

from .say import Say, UnreadableError
from .spot import Rule, Spot, rule

_OFTEN = {"fr": ("fois", "fois"), "es": ("vez", "veces"), "it": ("volta", "volte"), "pt": ("vez", "vezes")}
_DAYS = {
    "fr": "lun:lundi mar:mardi mer:mercredi jeu:jeudi ven:vendredi sam:samedi dim:dimanche",
    "es": "lun:lunes mar:martes mié:miércoles jue:jueves vie:viernes sáb:sábado dom:domingo L:lunes V:viernes",
    "it": "lun:lunedì mar:martedì mer:mercoledì gio:giovedì ven:venerdì sab:sabato",
    "pt": "seg:segunda ter:terça qua:quarta qui:quinta sex:sexta sáb:sábado dom:domingo",
}
_SPAN = {"fr": "du {} au {}", "es": "de {} a {}", "it": "dal {} al {}", "pt": "de {} a {}"}
_AT_TIMES = {"fr": (), "es": ("las",), "it": ("ore", "alle", "dalle"), "pt": ("às", "das")}
_SAINTS = {"es": ("san", "santa"), "it": ("san", "santa")}
_MEN_IN_A = {"Andrea", "Luca", "Nicola", "Mattia", "Battista"}


def rules(say: Say) -> list[Rule]:
    """All of them: before all that these may be in other languages."""
    days = dict(day.split(":") for day in _DAYS[say.code].split())
    names = "|".join(days)
    patterns = [
        rule(rf"(?P<a>{names})\.?\s?[-–]\s?(?P<b>{names})\b\.?",
             lambda match, spot: _SPAN[say.code].format(days[match["a"]], days[match["b"]]), closed=False),
        rule(r"(?P<n>\d{1,3})(?:x|\sx(?=\s[^\W\d_]))", _often),
        rule(r"(?P<h>\d{1,2})[.,](?P<m>[0-5]\d)", _dotted_time),
    ]  # fmt: skip
    if say.code in _SAINTS:
        patterns.append(rule(r"S\.(?=\s?(?P<name>[A-ZÀ-Ú][a-zà-ú]+))", _saint, closed=False))
    return patterns


def _often(match: re.Match[str], spot: Spot) -> str:
    say, number = spot.say, int(match["n"])
    one, many = _OFTEN[say.code]
    return f"{say.agreeing(number, 'f')} {one if number == 1 else many}"


def _dotted_time(match: re.Match[str], spot: Spot) -> str | None:
    """A time of day, where the word before it says so."""
    say, hour, minute = spot.say, int(match["h"]), int(match["m"])
    if (
        spot.before.lower() not in _AT_TIMES[say.code]
        or hour > 23
        or ("," in match[0] and spot.before.lower() != "ore")
    ):
        return None
    clock, low = say.language.clock, say.count(minute)
    hours = say.agreeing(hour, "f")
    if not minute:
        return hours
    return clock.full.format(hour=hours, minute=clock.low.format(minute=low) if minute < 10 else low)


def _saint(match: re.Match[str], spot: Spot) -> str:
    """A saint by the name's ending; where the word is shortened or long before certain sounds, it is refused."""
    name = match["name"]
    man, woman = _SAINTS[spot.say.code]
    if spot.say.code == "it" and re.match(r"[AEIOU]|S[^aeiou]|Z", name):
        raise UnreadableError(f"S. {name}")
    return woman if name.endswith(("a", "ía", "inés")) and name not in _MEN_IN_A else man

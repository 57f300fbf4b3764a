"""What is written in one piece and read in several: taken apart before any rule looks at it."""

from __future__ import annotations

import re

from .say import load_say

_EACH = {  # language -> "per", and what stands behind a slash -> what it is
    "en": (
        "per",
        {"mo": "month", "yr": "year", "wk": "week", "hr": "hour", "min": "minute", "lb": "pound", "oz": "ounce",
         "kg": "kilo", "gal": "gallon", "l": "litre", "L": "litre", "sq ft": "square foot"},
        "month year week day night hour minute person piece item unit head mile pound ounce gallon litre liter kilo",
    ),
    "de": ("pro", {"Std": "Stunde", "kg": "Kilo", "l": "Liter", "Mon": "Monat"},
           "Monat Jahr Woche Tag Nacht Stunde Minute Person Stück Kilo Liter"),
    "fr": ("par", {"h": "heure", "pers": "personne", "kg": "kilo", "an": "an"},
           "mois an jour nuit heure semaine personne kilo litre"),
    "es": ("por", {"h": "hora", "kg": "kilo", "l": "litro"},
           "mes año día noche hora semana persona kilo litro"),
    "it": ("al", {"h": "ora", "kg": "chilo"}, "mese giorno chilo litro"),
    "pt": ("por", {"h": "hora", "kg": "quilo", "l": "litro"},
           "mês ano dia noite hora semana pessoa quilo litro"),
}  # fmt: skip
_MONEY = r"(?<=[\d€$£¥¢])"
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT_DAYS = "Mon|Tues?|Wed|Thur?s?|Fri|Sat|Sun"


def _days(match: re.Match[str]) -> str:
    first, last = (next(day for day in _DAYS if day.startswith(short)) for short in match.groups())
    return f"{first} to {last}"


def apart(text: str, code: str) -> str:
    """Prices for each of something (`€9.99/month`) with "per", German streets (`Lindenstr.`) in full."""
    if code == "de":
        text = re.sub(r"(?<=[a-zäöüß]{3})str\.(?=\s|$)", "straße", text)
        text = re.sub(r"(?<=[a-zäöüß]{2})[:*_]in(nen)?\b", r"in\1", text)
    if code == "fr":
        text = re.sub(r"\bSt(e?)-(?=[A-ZÉ])", r"Saint\1-", text)
    text = re.sub(r"(?<!\S)~(?=[$€£])", f"{load_say(code).tables.signs.about} ", text)
    if code == "en":
        text = re.sub(rf"\b({_SHORT_DAYS})\.?\s?-\s?({_SHORT_DAYS})\b\.?(?!\w)", _days, text)
    if code not in _EACH:
        return text
    per, short, whole = _EACH[code]
    names = {**{word: word for word in whole.split()}, **short}
    behind = "|".join(map(re.escape, sorted(names, key=len, reverse=True)))
    return re.sub(rf"{_MONEY}\s?/\s?({behind})\b\.?(?!\S*/)", lambda match: f" {per} {names[match[1]]}", text)

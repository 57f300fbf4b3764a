"""Telephone numbers, e-mail addresses, versions, and tokens of letters and digits."""

from __future__ import annotations

import re

from .say import Say, UnreadableError
from .spot import Rule, Spot, rule

_SAID_AS_WORD = re.compile(r"[A-Z]*[AEIOUY][A-Z]*")
_TLD = {"com", "org", "net", "info", "gov", "edu"}
_GROUPS = r"(?:\(\d{2,5}\)|\d{2,5})(?:[ ./-]?\d{2,4}){1,5}"


def mail() -> Rule:
    """E-mail addresses."""
    return rule(r"(?P<user>[\w.+-]+)@(?P<host>[\w-]+(?:\.[\w-]+)+)", _mail)


def numbered() -> Rule:
    """Numbers with a letter behind them, once they are known to be no measure."""
    return rule(r"(?P<n>\d{1,3})/?(?P<tail>[A-Za-z])(?P<rest>[A-Z]?)", _numbered)


def rules(say: Say) -> list[Rule]:
    """All of them for one language."""
    known = "|".join(map(re.escape, sorted(say.tables.letters, key=len, reverse=True)))
    patterns = [
        rule(rf"(?P<known>{known})", lambda match, spot: say.tables.letters[match["known"]]),
        rule(rf"(?P<plus>\+)(?P<n>\d{{1,3}}[ .-]?{_GROUPS})", _telephone),
        rule(r"(?P<n>\(\d{2,5}\)\s?\d{3,4}[ .-]?\d{3,5})", _telephone),
        rule(r"(?P<n>\d-\d{3}-\d{3}-\d{4}|\d{3}[-.]\d{3}[-.]\d{4}|\d{3}-\d{4})", _telephone),
        rule(r"(?P<n>0\d{1,4}[ /-]\d{3,8}(?:[ -]\d{2,5})?)", _telephone),
        rule(r"[vV](?P<n>\d+(?:\.\d+)*)", _version),
        rule(r"(?P<n>\d+(?:\.\d+){2})", _three),
        rule(r"(?P<n>\d+\.\d+)", _chapter),
        rule(r"(?P<letters>[A-Z]{1,5}|[A-Z][a-z]{2,}|[a-z]{3,}(?=-))-?(?P<n>\d{1,4})(?P<tail>[A-Za-z]?)", _code),
        rule(r"@(?P<name>[A-Za-z][A-Za-z_]{2,})", _handle),
    ]
    if say.code == "de":
        patterns.insert(
            0,
            rule(
                r"(?P<n>(?:0\d{2,4}|\(0\d{2,4}\))[ /-]{1,3}(?:\d{3,8}(?:[ -]\d{2,5}){0,4}|\d\d(?:[ -]\d{2,5}){1,4}))",
                _telephone,
            ),
        )
    if say.code == "fr":
        patterns.insert(0, rule(r"(?P<n>0\d(?:[ .]\d\d){4})", _pairs))
    if say.code == "es":
        patterns.insert(
            0, rule(r"(?P<n>\d{2} \d{3} \d{2} \d{2}|\d{3} \d{2} \d{2} \d{2}|\d{3} \d{3} \d{3})", _telephone)
        )
    if say.code == "it":
        patterns.insert(0, rule(r"(?P<n>0\d{1,3} \d{5,8}|3\d\d \d{6,7})", _telephone))
    if say.code == "pt":
        patterns.insert(
            0,
            rule(
                r"(?P<n>(?:\(?\d\d\)? )?(?!(?:1\d|20)\d\d-(?:1\d|20)\d\d)9?\d{4}-\d{4}"
                r"|\d{3} \d{3} \d{3}|2\d \d{3} \d{4})",
                _telephone,
            ),
        )
    return patterns


def _mail(match: re.Match[str], spot: Spot) -> str:
    say = spot.say
    user, host = (_spelled(say, part) for part in (match["user"], match["host"]))
    return f"{user} {say.tables.signs.at} {host}"


def _spelled(say: Say, text: str) -> str:
    signs = say.tables.signs
    names = {".": signs.dot, "-": signs.dash, "_": signs.underscore, "+": signs.plus}
    words = []
    for part in re.findall(r"[^\W\d_]+|\d+|[._+-]", text):
        if part in names:
            words.append(names[part])
        elif part.isdigit():
            words.append(say.digits(part))
        else:
            said = len(part) > 2 and (part.lower() in _TLD or re.search(r"[aeiouyäöüáéíóúàèìòùâêô]", part.lower()))
            words.append(part if said else " ".join(part.upper()))
    return " ".join(words)


def _telephone(match: re.Match[str], spot: Spot) -> str:
    """Digit by digit, a breath between groups."""
    groups = re.findall(r"\d+", match["n"])
    plus = f"{spot.say.tables.signs.plus} " if "plus" in match.groupdict() else ""
    return plus + ", ".join(spot.say.digits(group) for group in groups)


def _pairs(match: re.Match[str], spot: Spot) -> str:
    """A French number: by pairs, a leading zero said."""
    pairs = re.findall(r"\d\d", match["n"])
    say = spot.say
    zero = say.language.numbers.small[0]
    told = (f"{zero} {say.count(int(pair))}" if pair[0] == "0" else say.number(pair) for pair in pairs)
    return ", ".join(told)


def _version(match: re.Match[str], spot: Spot) -> str:
    lead = "version " if match[0][0] in "vV" and spot.say.code in ("en", "fr") else ""
    return lead + f" {spot.say.tables.signs.version_dot} ".join(
        spot.say.count(int(part)) for part in match["n"].split(".")
    )


def _three(match: re.Match[str], spot: Spot) -> str | None:
    """Three numbers with full stops: a version, or a number in groups."""
    grouped = spot.say.code != "en" and re.fullmatch(r"[1-9]\d{0,2}(\.\d{3})+", match["n"])
    return None if grouped else _version(match, spot)


def _chapter(match: re.Match[str], spot: Spot) -> str | None:
    """`2.1` behind a word such as "version" or "chapter"; elsewhere it is a decimal, or refused."""
    if spot.say.code == "en" or spot.before.lower() not in spot.say.tables.versions:
        return None
    return _version(match, spot)


def _code(match: re.Match[str], spot: Spot) -> str:
    say, letters, digits, tail = spot.say, match["letters"], match["n"], match["tail"]
    if len(letters) > 1 and letters[1].islower():
        if "-" not in match[0] and tail == "" and len(digits) > 3:
            raise UnreadableError(match[0])
        name = letters
    elif len(letters) >= 4 and _SAID_AS_WORD.fullmatch(letters) and not re.search(r"[^AEIOUY]{3}", letters):
        name = letters.capitalize()
    else:
        name = " ".join(letters)
    number = say.digits(digits) if len(digits) > 3 or digits[0] == "0" else say.count(int(digits))
    return f"{name} {number}{' ' + tail.upper() if tail else ''}"


def _handle(match: re.Match[str], spot: Spot) -> str:
    """The name of an account."""
    return f"{spot.say.tables.signs.at} {match['name'].replace('_', f' {spot.say.tables.signs.underscore} ')}"


def _numbered(match: re.Match[str], spot: Spot) -> str | None:
    """A house or seat (`12b`, `4A`), a size (`4K`, `3D`)."""
    letters = " ".join((match["tail"] + match["rest"]).upper())
    if match["rest"] and match["tail"].islower():
        return None
    return f"{spot.say.count(int(match['n']))} {letters}"

"""How finished lines run: short sentences lean on their neighbours, as in speech, and one dialect holds throughout.

Only marks, capitals and single words change, so the counts of words on which cuts and pauses rest stay.
"""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from dataclasses import replace

from ..line import Line
from .tables import is_proper

_SHORT = 4  # words of a sentence that leans on the next
_SHORT_THERE = 8  # the same where people say what everybody says
_FORMULAIC = ("clarify", "close", "greet")
_LONGEST = 24  # words of the sentence that comes of it
_KEPT_CAPITAL = re.compile(r"I(?:'\w+)?[,.?!]?")
_LEANING = 0.92  # share of short sentences that do
_CALLED = 0.8  # share of lone short sentences that call the other by name
_AMERICAN = {
    "mum": "mom", "flat": "apartment", "flats": "apartments", "flatmate": "roommate", "lorry": "truck",
    "autumn": "fall", "queue": "line", "biscuit": "cookie", "biscuits": "cookies", "rubbish": "garbage",
    "neighbour": "neighbor", "neighbours": "neighbors", "colour": "color", "colours": "colors",
    "favourite": "favorite", "grey": "gray", "metre": "meter", "metres": "meters", "kilometre": "kilometer",
    "kilometres": "kilometers", "litre": "liter", "litres": "liters", "trousers": "pants", "petrol": "gas",
    "pavement": "sidewalk", "gran": "grandma", "cheers": "thanks", "football": "soccer", "crisps": "chips",
    "holiday": "vacation", "jewellery": "jewelry", "harbour": "harbor", "centre": "center", "kerb": "curb",
    "aluminium": "aluminum", "cinema": "theater",
}  # fmt: skip
_BRITISH = {
    "dollar": "pound", "dollars": "pounds", "cent": "penny", "cents": "pence", "cookie": "biscuit",
    "apartment": "flat", "truck": "lorry", "sidewalk": "pavement", "color": "colour", "neighbor": "neighbour",
    "mom": "mum", "gray": "grey", "center": "centre", "favorite": "favourite", "theater": "theatre",
    "zucchini": "courgettes",
}  # fmt: skip


def flow(lines: Sequence[Line], names: tuple[str, str], rng: random.Random) -> list[Line]:
    """The lines of a dialogue as people run them together; `names` are those of agent and user."""
    words = rng.choice((_AMERICAN, _BRITISH))
    known = False
    out = []
    for line in lines:
        text = line.text
        if line.question is None and line.answers is None and not line.topic.startswith("checkable"):
            text = _in_dialect(text, words)
        other = names[1] if line.speaker == "agent" else names[0]
        known = known or names[1] in text
        if line.speaker == "user" or (line.speaker == "agent" and known):
            text = _called(text, line, other, rng)
        short = _SHORT_THERE if line.act in _FORMULAIC else _SHORT
        out.append(replace(line, text=_leaning(text, short, rng)))
    return out


def _in_dialect(text: str, words: dict[str, str]) -> str:
    """The text with the words of one dialect, and the articles that fit them."""
    text = re.sub(r"[A-Za-z]+", lambda match: _word(match[0], words), text)
    fitting = re.compile(rf"\b([Aa])n? (?=({'|'.join(words.values())})\b)", re.IGNORECASE)
    return fitting.sub(lambda match: f"{match[1]}{'n' if match[2][0].lower() in 'aeio' else ''} ", text)


def _word(word: str, words: dict[str, str]) -> str:
    said = words.get(word.lower())
    if said is None:
        return word
    return said.capitalize() if word[0].isupper() else said


def _called(text: str, line: Line, name: str, rng: random.Random) -> str:
    """A lone short sentence, or the end of a formula, with the name of the one it is said to."""
    plain = line.cut_word is None and line.think is None and line.answers is None and line.question is None
    most = _SHORT_THERE if line.act in _FORMULAIC else _SHORT
    last = re.split(r"[.?!] ", text)[-1]
    lone = last == text or line.act in _FORMULAIC
    if not plain or line.event == "resume" or not lone or name in text or len(last.split()) > most + 1:
        return text
    return f"{text[:-1]}, {name}{text[-1]}" if rng.random() < _CALLED else text


def _leaning(text: str, most: int, rng: random.Random) -> str:
    """Short sentences joined to the next one by a comma; a short last one to the one before."""
    words = text.split()
    starts = [0, *(at + 1 for at, word in enumerate(words[:-1]) if word[-1] in ".?!")]
    bounds = [*starts[1:], len(words)]
    run = 0  # words of the sentence so far, with what leaned on it
    for start, end in zip(starts[:-1], bounds[:-1], strict=True):
        run += end - start
        following = bounds[bounds.index(end) + 1] - end
        short = run <= most or (following <= 2 and words[-1][-1] != "?" and bounds.index(end) == len(bounds) - 2)
        if words[end - 1][-1] == "." and short and run + following <= _LONGEST and rng.random() < _LEANING:
            words[end - 1] = words[end - 1][:-1] + ","
            first = words[end].strip(",.?!")
            name_goes_on = (
                words[end][-1] not in ",.?!"
                and end + 1 < len(words)
                and words[end + 1][0].isupper()
                and not _KEPT_CAPITAL.match(words[end + 1])
            )
            if not (name_goes_on or _KEPT_CAPITAL.fullmatch(words[end]) or is_proper(first) or len(first) == 1):
                words[end] = words[end][0].lower() + words[end][1:]
        else:
            run = 0
    return " ".join(words)

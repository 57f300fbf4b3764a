"""Sentence templates: `[one|another]` is a choice, `{slot}` a value or macro, `<...>` a key phrase of the line.

Key phrases are what a listener may ask back about: amounts, times, names. Choices nest. An option that was already
used in the dialogue becomes less likely, so that phrasings do not repeat.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from .tables import is_proper

KEY_START, KEY_END = "\x02", "\x03"
LOWER_NEXT = "\x04"  # what follows starts small, unless it starts a sentence


@dataclass(frozen=True)
class _Slot:
    name: str


@dataclass(frozen=True)
class _Choice:
    options: tuple[_Sequence, ...]
    sources: tuple[str, ...]


_Sequence = tuple["str | _Slot | _Choice", ...]

_TOKEN = re.compile(r"[\[\]|<>{}]|[^\[\]|<>{}]+")


@dataclass(frozen=True)
class Composed:
    """A finished text and the word spans `[start, end)` of its key phrases."""

    text: str
    keys: tuple[tuple[int, int], ...]


def _sequence(tokens: list[str], position: int, nested: bool) -> tuple[_Sequence, int]:
    parts: list[str | _Slot | _Choice] = []
    while position < len(tokens):
        token = tokens[position]
        if token == "[":
            choice, position = _choice(tokens, position + 1)
            parts.append(choice)
            continue
        if token in "|]" and nested:
            break
        if token == "{":
            parts.append(_Slot(tokens[position + 1]))
            position += 3
            continue
        assert token not in "|]}", f"stray {token} in template {''.join(tokens)!r}"
        parts.append({"<": KEY_START, ">": KEY_END}.get(token, token))
        position += 1
    return tuple(parts), position


def _choice(tokens: list[str], position: int) -> tuple[_Choice, int]:
    options: list[_Sequence] = []
    sources: list[str] = []
    while True:
        start = position
        option, position = _sequence(tokens, position, nested=True)
        assert position < len(tokens), f"unclosed choice in template {''.join(tokens)!r}"
        options.append(option)
        sources.append("".join(tokens[start:position]))
        position += 1
        if tokens[position - 1] == "]":
            return _Choice(tuple(options), tuple(sources)), position


@cache
def _parse(template: str) -> _Sequence:
    return _sequence(_TOKEN.findall(template), 0, nested=False)[0]


class Grammar:
    """Expands templates with one random stream, remembering which options were used."""

    def __init__(self, rng: random.Random, macros: Mapping[str, str]) -> None:
        self._rng = rng
        self._macros = macros
        self._used: Counter[str] = Counter()

    def expand(self, template: str, slots: Mapping[str, str]) -> str:
        """The template with choices made and slots filled, key marks still inside; KeyError for an unknown slot."""
        return self._expand(_parse(template), slots)

    def compose(self, template: str, slots: Mapping[str, str]) -> Composed:
        """The finished line: punctuation, articles and capitals in order."""
        return finish(self.expand(template, slots))

    def _expand(self, sequence: _Sequence, slots: Mapping[str, str]) -> str:
        out = []
        for part in sequence:
            if isinstance(part, str):
                out.append(part)
            elif isinstance(part, _Slot):
                value = slots.get(part.name)
                out.append(
                    LOWER_NEXT + self._expand(_parse(self._macros[part.name]), slots) if value is None else value
                )
            else:
                out.append(self._expand(part.options[self._pick(part.sources)], slots))
        return "".join(out)

    def _pick(self, sources: tuple[str, ...]) -> int:
        weights = [1 / (1 + 4 * self._used[source]) ** 2 if source else 1.0 for source in sources]
        left = self._rng.random() * sum(weights)
        chosen = 0
        while chosen < len(weights) - 1 and left >= weights[chosen]:
            left -= weights[chosen]
            chosen += 1
        self._used[sources[chosen]] += 1
        return chosen


_VOWEL_SOUND = re.compile(
    rf"\b([Aa]) (?=[{KEY_START}]?(?:hour|honest|heir|(?!one\b|once|uni[a-z]|use|usual|euro|ukr|ut[ei]l|ew)[aeiou]))",
    re.IGNORECASE,
)
_SENTENCE = re.compile(rf"(^|[.?!]{KEY_END}? )([{KEY_START}]?)([a-z])")


_MACRO_START = re.compile(rf"(.?) ?{LOWER_NEXT}+( ?)(\w['\w]*)")


def _fit_macro(match: re.Match[str]) -> str:
    """A macro or what follows a bridge starts small unless it starts a sentence or is a name."""
    before, _, word = match.groups()
    starts = before in ("", ".", "?", "!")
    keep = starts or word == "I" or word.startswith("I'") or is_proper(word)
    blank = " " if before else ""
    return before + blank + (word if keep else word[0].lower() + word[1:])


def finish(raw: str) -> Composed:
    """Tidy a raw expansion: blanks, commas, a or an, capitals after full stops; key marks become word spans."""
    text = " ".join(raw.split())
    text = text.replace(f" {KEY_END}", f"{KEY_END} ").replace(f"{KEY_START} ", f" {KEY_START}")
    text = re.sub(r"\s+([,.?!])", r"\1", text)
    text = _MACRO_START.sub(_fit_macro, text).replace(LOWER_NEXT, "")
    text = re.sub(r",+([.?!]|,)|^[,\s]+|(?<=[.?!] ),\s*", r"\1", text)
    text = re.sub(r"([.?!])[.,]+", r"\1", text)
    text = " ".join(text.split())
    if not text.rstrip(KEY_END).endswith((".", "?", "!")):
        text += "."
    text = _VOWEL_SOUND.sub(r"\1n ", text)
    text = _SENTENCE.sub(lambda match: match[1] + match[2] + match[3].upper(), text)
    words, spans, open_at = [], [], 0
    for position, token in enumerate(text.split()):
        if KEY_START in token:
            open_at = position
        if KEY_END in token:
            spans.append((open_at, position + 1))
        words.append(token.replace(KEY_START, "").replace(KEY_END, ""))
    return Composed(" ".join(words), tuple(spans))


def sentence_case(text: str) -> str:
    """The same words with capitals where sentences start."""
    return _SENTENCE.sub(lambda match: match[1] + match[2] + match[3].upper(), text)


def lower_start(text: str) -> str | None:
    """`text` as it reads after an introduction: small first letter, or None where that might be a name."""
    first = text.split(" ", 1)[0].strip(",.?!")
    if first in ("I", "I'm", "I've", "I'd", "I'll"):
        return text
    return None if is_proper(first) else text[0].lower() + text[1:]

"""What the program knows of a language: its words, numbers and phrases, read from `languages/`."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import field_validator

from corpus.strict import Strict, parse
from corpus.suggestion import all_names
from corpus.toml import parse_toml, read_toml

from .number_words import Numbers

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

LIKELY = 0.12  # share of stop words from which a text can be in a language
_CODE = re.compile(r"[a-z]{2,3}")
FEWEST_WORDS = 20  # words below which a text's language is not judged


class Years(Strict):
    """How four digits from 1100 to `last` are said."""

    last: int
    full: str
    round: str
    low: str


class Clock(Strict):
    """How a time of day is said.

    `before`: the hour takes the form that numbers take before a noun. `unit` may follow the digits and is said once.
    """

    full: str
    hour: str
    low: str = "{minute}"
    before: bool = False
    unit: str = ""
    am: str = ""
    pm: str = ""


class Phrases(Strict):
    """What people say when they stumble, think, mishear, barge in, turn aside or listen."""

    fillers: tuple[str, ...]
    thoughts: tuple[str, ...]
    ask_again: tuple[str, ...]
    say_again: tuple[str, ...]
    barge_in: tuple[str, ...]
    barge_reply: tuple[str, ...]
    hold_agent: tuple[str, ...]
    hold_user: tuple[str, ...]
    hold_wait: tuple[str, ...]
    hold_done: tuple[str, ...]
    asides: tuple[tuple[str, str], ...]  # what the user says to somebody, what that one answers
    back: tuple[str, ...]
    backchannels: tuple[str, ...]
    carriers: tuple[str, ...]


class Language(Strict):
    """One language. `code` is its ISO 639-1 code, `name` its English name."""

    code: str
    name: str
    words_per_minute: float
    stop_words: frozenset[str]
    joints: frozenset[str]
    capitals: frozenset[str]
    openers: frozenset[str] = frozenset()
    said_as: dict[str, str]
    numbers: Numbers
    years: Years | None = None
    clock: Clock
    money: dict[str, tuple[str, str, str, str]]
    phrases: Phrases

    @field_validator("stop_words", "joints", "capitals", "openers", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return frozenset(value.split()) if isinstance(value, str) else value

    def lower_start(self, text: str) -> str:
        """`text` as it reads after an opening word: small first letter where the word is no name."""
        first = text.split(" ", 1)[0].strip(",.?!")
        return text[0].lower() + text[1:] if self._is_small(first) else text

    def after_fillers(self, text: str) -> str:
        """`text` with a small letter behind each filler that begins a sentence, where the word is no name."""

        def small(match: re.Match[str]) -> str:
            first, comma, more = match[1].partition(",")
            return first + comma + more.lower() + self.lower_start(match[2])

        return self._filler.sub(small, text)

    @cached_property
    def _filler(self) -> re.Pattern[str]:
        fillers = "|".join(re.escape(filler.rstrip(",")) for filler in self.phrases.fillers)
        return re.compile(rf"((?:^|[.?!] )(?:(?:{fillers}), ?)+)([^\W\d_]\S*)", re.IGNORECASE)

    def _is_small(self, word: str) -> bool:
        low = word.lower()
        return (low in self.stop_words or low in self.openers) and word not in self.capitals

    def writes(self, word: str) -> bool:
        """Whether a word is of this language's letters; one that is not written in Latin ones may have any."""
        return not self._is_latin or all(map(_is_latin, filter(str.isalpha, word)))

    @cached_property
    def _is_latin(self) -> bool:
        return all(_is_latin(letter) for word in self.stop_words for letter in word if letter.isalpha())

    def share(self, text: str) -> float:
        """The share of the words of `text` that are stop words of this language."""
        words = [token.strip(",.?!").lower() for token in text.split()]
        return sum(word in self.stop_words for word in words) / max(len(words), 1)


def _is_latin(letter: str) -> bool:
    return unicodedata.name(letter, "").startswith("LATIN")


_OWN: dict[str, str] = {}  # files of one's own by the code of their language, of this process


def take_language(path: str | Path) -> str:
    """Let a file of one's own say what is known of a language in this process; its name is the code, `sw.toml`.

    A file for a language that ships stands in place of what ships. Returns the code. Raises ValueError where the file
    cannot be used.
    """
    path = Path(path)
    if not _CODE.fullmatch(path.stem):
        raise ValueError(f"{path}: name it by the code of its language (ISO 639), such as sw.toml")
    _read_language.cache_clear()  # it may have been edited
    _read_language(str(path), path.stem)
    _OWN[path.stem] = str(path)
    return path.stem


def languages() -> tuple[str, ...]:
    """The codes of all languages there are."""
    names = (entry.name for entry in (files(__package__) / "languages").iterdir())
    return tuple(sorted({name.removesuffix(".toml") for name in names if name.endswith(".toml")} | {*_OWN}))


def language_file(code: str) -> Traversable:
    """Where a language's words, numbers and phrases are written down."""
    return Path(_OWN[code]) if code in _OWN else files(__package__) / "languages" / f"{code}.toml"


def load_language(code: str) -> Language:
    """A language by its ISO 639-1 code. Raises ValueError for one there is no file for."""
    if code not in _OWN and code not in languages():
        raise ValueError(f"nothing is known of the language {code!r}{all_names(code, languages())}, or a file of it")
    return _read_language(_OWN.get(code, ""), code)


@cache
def _read_language(own: str, code: str) -> Language:
    shipped = files(__package__) / "languages" / f"{code}.toml"
    tables = read_toml(own, "language") if own else parse_toml(shipped.read_text(encoding="utf-8"), f"{code}.toml")
    return parse({**tables, "code": code}, Language, own or f"{code}.toml")


def is_in(text: str, code: str) -> bool:
    """Whether a text reads like the language `code` and like no other better; texts too short to tell do."""
    if len(text.split()) < FEWEST_WORDS:
        return True
    share = load_language(code).share(text)
    return share >= LIKELY and all(share >= load_language(other).share(text) for other in languages())

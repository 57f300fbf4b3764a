"""What a language's readings are made of, from the TOML file of its name in this folder."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from pydantic import Field, field_validator

from corpus.strict import Strict, parse
from corpus.toml import parse_toml


class Signs(Strict):
    """How signs are said between numbers (`2 + 3`), before them (`√2`, `#1`) or in addresses (`a.b@c`)."""

    plus: str
    times: str
    divided: str
    equals: str
    root: str
    about: str
    plus_minus: str
    less: str
    greater: str
    number: str
    by: str  # 2x4
    ratio: str  # 3:1
    half: str = ""  # what joins a whole number and a half, "{whole} and {fraction}"
    at: str
    dot: str
    dash: str
    underscore: str
    slash: str
    squared: str
    cubed: str
    percent: str
    section: str
    version_dot: str


class Nouns(Strict):
    """Grammatical gender of nouns, by word and by ending (longest first); "" is unknown."""

    feminine: frozenset[str] = frozenset()
    masculine: frozenset[str] = frozenset()
    neuter: frozenset[str] = frozenset()
    feminine_endings: tuple[str, ...] = ()
    masculine_endings: tuple[str, ...] = ()

    @field_validator("feminine", "masculine", "neuter", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return frozenset(value.split()) if isinstance(value, str) else value

    @field_validator("feminine_endings", "masculine_endings", mode="before")
    @classmethod
    def _split_in_order(cls, value: object) -> object:
        return tuple(value.split()) if isinstance(value, str) else value

    def gender(self, word: str) -> str:
        """`m`, `f`, `n`, or empty where it is not known."""
        low = word.lower()
        for name, group in (("f", self.feminine), ("m", self.masculine), ("n", self.neuter)):
            if word in group or low in group:
                return name
        if low.endswith(self.feminine_endings):
            return "f"
        return "m" if low.endswith(self.masculine_endings) else ""


class Tables(Strict):
    """The readings of one language.

    `months` January first, `month_short` their abbreviations, `day_before` words after which a day and month follow.
    `short` are abbreviations; one that ends in `+` stands before a number only, one in `^` before a capital only.
    `units`: symbol -> one, many, gender. `fractions`: denominator -> one, many. `regnal`: names of rulers;
    `counted`: words after which a Roman numeral is a plain number. `versions`: words before a version or chapter.
    `pairs`: what may stand on both sides of a slash, as it is said. `magnitudes`: letters behind money.
    """

    months: tuple[str, ...]
    month_short: dict[str, int] = Field(default_factory=dict)
    day_before: frozenset[str]
    year_before: frozenset[str] = frozenset()
    short: dict[str, str]
    units: dict[str, tuple[str, str, str]]
    fractions: dict[int, tuple[str, str]]
    halves: dict[str, str]  # gender -> the word before a noun
    regnal: frozenset[str]
    counted: frozenset[str]
    versions: frozenset[str]
    pairs: dict[str, str]
    magnitudes: dict[str, tuple[str, str]] = Field(default_factory=dict)
    money: dict[str, tuple[str, str, str, str]] = Field(default_factory=dict)  # beyond the language's own
    hour: str = ""  # a full hour, where the language's own form is another
    letters: dict[str, str] = Field(default_factory=dict)  # tokens of letters and digits with a reading of their own
    signs: Signs
    nouns: Nouns = Nouns()

    @field_validator("day_before", "year_before", "regnal", "counted", "versions", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return frozenset(value.split()) if isinstance(value, str) else value

    @field_validator("months", mode="before")
    @classmethod
    def _split_in_order(cls, value: object) -> object:
        return tuple(value.split()) if isinstance(value, str) else value


def has_tables(code: str) -> bool:
    """Whether anything is known of how a language is read."""
    return (files(__package__) / f"{code}.toml").is_file()


@cache
def load_tables(code: str) -> Tables:
    """The tables of a language. Raises ValueError where there are none."""
    path = files(__package__) / f"{code}.toml"
    if not path.is_file():
        raise ValueError(f"nothing is known of how {code!r} is read; write synth/script/readings/{code}.toml")
    return parse(parse_toml(path.read_text(encoding="utf-8"), path.name), Tables, path.name)

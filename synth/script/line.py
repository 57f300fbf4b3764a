"""Line, Brief, Behaviours, Writer: what a writer is asked for and what it gives back."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from corpus.record import Event, Question


@dataclass(frozen=True)
class Line:
    """One line of a script.

    `reply_to`: index of the line this one reacts to: for a `resume` the line that was cut off, for a `repair` the line
    that asked for it or barged in. `answers`: index of the line whose checkable `question` this one answers.
    `cut_word`: the next line (event `interrupt`) cuts this one off after so many words. `think`: a long pause after so
    many words. `gap`: seconds between the line before and this one, below zero where they overlap; else it is drawn.
    """

    speaker: str  # agent, user, other
    text: str
    act: str = "inform"
    topic: str = ""  # the family that wrote it; empty for greetings and farewells
    event: Event = "turn"
    reply_to: int | None = None
    question: Question | None = None
    answers: int | None = None
    cut_word: int | None = None
    think: int | None = None
    gap: float | None = None


def put_down(lines: list[Line], line: Line) -> int:
    """Add a line and give its index; one without `reply_to` reacts to the last line of somebody else."""
    if line.reply_to is None:
        others = (index for index in range(len(lines) - 1, -1, -1) if lines[index].speaker != line.speaker)
        line = replace(line, reply_to=next(others, None))
    lines.append(line)
    return len(lines) - 1


@dataclass(frozen=True)
class Behaviours:
    """How often people do what people do, as shares between 0 and 1.

    `interruptions` is the share of lines of ten words or more that the other side barges into, `asides` the share of
    user replies before which the user talks to someone else, the others are shares of all lines.
    """

    interruptions: float = 0.08
    repairs: float = 0.05
    asides: float = 0.03
    thinking: float = 0.05
    fillers: float = 0.15

    def __post_init__(self) -> None:
        for name in ("interruptions", "repairs", "asides", "thinking", "fillers"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"behaviours.{name} is {getattr(self, name)}; give a share between 0 and 1")


@dataclass(frozen=True)
class Brief:
    """What to write: the language, the weight of every topic family and the length in words of all speakers."""

    language: str
    topics: Mapping[str, float]
    behaviours: Behaviours = field(default_factory=Behaviours)
    words: int = 250
    agent: str = ""  # he or she, by the voice; empty: not known
    user: str = ""


class Writer(Protocol):
    """Writes dialogues. The same brief and the same state of `rng` give the same lines."""

    name: str

    def write(self, brief: Brief, rng: random.Random) -> list[Line]:
        """The lines of one dialogue; ValueError when the brief asks for what this writer cannot do."""
        ...


def plain_words(text: str) -> str:
    """`text` as bare spoken words: lower case, without punctuation, joined by single blanks.

    `Question.answer` is written this way: it is given when `f" {answer} "` occurs in `f" {plain_words(line)} "`.
    """
    return " ".join(word for word in (token.strip(",.?!").lower() for token in text.split()) if word)

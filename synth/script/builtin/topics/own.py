"""Topics of one's own: the questions and small dialogues of a file that `agent teach` takes, too.

What stands in the file is said as it stands; around it people come to it, react and go on as in any other scene.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from corpus.record import Question

from ...language import load_language
from ...practice import TaughtExchange, filled, questions_of
from ...speakable import speakable
from ...syllabus import Syllabus, load_syllabus, plain
from ..talk import Talk

SUFFIXES = (".toml", ".json", ".csv")
MOST = 3  # questions in one scene
_ROOM = 30  # words left from which another question is asked
_REACT = "[{ok}. |I see. |{thanks}. |Good to know. |||]"
_NEXT = "[And |And also, |One more thing, |Okay, and |||]"


def is_own(topic: str) -> bool:
    """Whether a topic is a file."""
    return topic.lower().endswith(SUFFIXES)


def topic_name(topic: str) -> str:
    """What a record calls a topic: a file by its name without folder and ending."""
    return Path(topic).stem if is_own(topic) else topic


@cache
def own_scenes(path: str) -> tuple[Callable[[Talk], None], ...]:
    """The scenes of a file: its questions, and each of its dialogues. Raises ValueError for an unusable file."""
    syllabus = load_syllabus(path)
    if syllabus.language != "en":
        raise ValueError(f"{path}: the built-in writer writes English only, not {syllabus.language!r}")
    asked = tuple(questions_of(syllabus))
    scenes: list[Callable[[Talk], None]] = [partial(_questions, path, asked)] if asked else []
    return (*scenes, *(partial(_dialogue, syllabus, number) for number in range(len(syllabus.dialogue))))


def _questions(path: str, asked: tuple[tuple[TaughtExchange, ...], ...], talk: Talk) -> None:
    opening = "{lead}"
    for _ in range(MOST):
        _say(talk, talk.rng.choice(talk.deal(path, asked)), opening)
        opening = _REACT + _NEXT
        if talk.room() < _ROOM:
            break


def _dialogue(syllabus: Syllabus, number: int, talk: Talk) -> None:
    rng = random.Random(talk.rng.getrandbits(64))
    values = {slot: rng.choice(each) for slot, each in syllabus.values.items()}
    for place, exchange in enumerate(filled(syllabus.dialogue[number], values, rng, False)):
        _say(talk, exchange, "" if place else "{lead}")


def _say(talk: Talk, exchange: TaughtExchange, opening: str) -> None:
    language = load_language("en")
    question = Question(kind="own", answer=plain(exchange.key, language)) if exchange.key else None
    user = speakable(exchange.user, language)
    asked = talk.user(opening + (language.lower_start(user) if opening else user), "ask", question=question)
    talk.agent(speakable(exchange.agent, language), "answer", answers=asked if question else None)

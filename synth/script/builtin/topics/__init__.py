"""The topic families, one file each: every scene starts with a line of the user and ends with one of the agent."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from corpus.suggestion import all_names

from ..talk import Talk
from . import (
    basics,
    beyond,
    booking,
    checkable,
    dictionary,
    directions,
    errands,
    howto,
    opinion,
    shop,
    small_talk,
    story,
    support,
)
from .own import is_own, own_scenes

Scene = Callable[[Talk], None]

SCENES: dict[str, tuple[Scene, ...]] = {
    "small_talk": small_talk.SCENES,
    "booking": booking.SCENES,
    "directions": directions.SCENES,
    "howto": howto.SCENES,
    "support": (*support.SCENES, *shop.SCENES),
    "story": story.SCENES,
    "opinion": opinion.SCENES,
    "checkable": checkable.SCENES,
    "basics": basics.SCENES,
    "questions": basics.QUESTIONS,
    "sums": basics.SUMS,
    "beyond": beyond.SCENES,
}

WIDE: dict[str, tuple[Scene, ...]] = {  # scenes of a family that draw on the wide tables
    "small_talk": (dictionary.crossword, dictionary.meanings, errands.attic, dictionary.riddles),
    "booking": (errands.reminders, errands.messages, errands.contacts),
    "directions": (errands.contacts, errands.messages),
    "howto": (errands.shopping, dictionary.meanings, errands.reminders, dictionary.riddles),
    "support": (errands.contacts, errands.messages, errands.attic),
    "story": (errands.attic, dictionary.crossword, errands.messages, dictionary.meanings),
    "opinion": (dictionary.riddles, dictionary.meanings, dictionary.crossword),
}


@dataclass(frozen=True)
class OwnFrame:
    """How dialogues begin and end whose families all have this frame, and the words of their shortest scenes."""

    begin: Scene
    end: Scene
    shortest: int


OWN_FRAMES = dict.fromkeys(
    ("basics", "questions", "sums", "beyond"), OwnFrame(basics.open_narrow, basics.close_narrow, 16)
)
FAMILIES = tuple(family for family in SCENES if family not in OWN_FRAMES)  # what a recipe that names none is given


def scenes_of(topic: str) -> tuple[Scene, ...]:
    """The scenes of a family, or of a file. Raises ValueError for one that there is not; it names those there are."""
    if is_own(topic):
        return own_scenes(topic)
    if topic not in SCENES:
        raise ValueError(f"unknown topic {topic!r}{all_names(topic, SCENES)}, or a file such as questions.toml")
    return SCENES[topic]

"""The built-in writer: composes dialogues offline from the topic families and what ships in `facts/`."""

from __future__ import annotations

import math
import random

from ..line import Brief, Line
from ..speakable import is_plain
from .flow import flow
from .frame import close_dialogue, lead, open_dialogue, recall
from .tables import check_facts, facts_of
from .talk import Talk
from .topics import FAMILIES, OWN_FRAMES, SCENES, WIDE, scenes_of
from .topics.own import is_own, topic_name

__all__ = ["FAMILIES", "SCENES", "BuiltinWriter", "scenes_of"]

_TOLERANCE = 0.2  # of the length asked for
_ATTEMPTS = 60
_SAME_TOPICS = 15  # attempts with the same topics, so that families with long scenes are not weeded out
_CLOSING = 22  # words of a farewell
_SHARE = (0.35, 0.7)  # of the length that one scene should fill
_SCENE = 45  # words below which no new scene is begun
_WIDE = 0.78  # share of scenes made of the wide tables
SHORTEST = 20  # words


class BuiltinWriter:
    """Writes English dialogues of the families `SCENES`, and of files of one's own, with no model and no network.

    The text of a line is made of pronounceable words and the marks `, . ? !` only: numbers, times and letters are
    written as they are said. Dialogues are within 20 % of `brief.words` from 140 words on; a shorter one comes as
    close as its scene allows. ValueError: another language, an unknown family, no family with a positive weight, or
    fewer than 20 words.
    """

    name = "builtin"

    def __init__(self, facts: str = "") -> None:
        """`facts`: a folder whose tables stand in place of those that ship. Raises ValueError where they cannot."""
        if facts:
            check_facts(facts)
        self.facts = facts

    def write(self, brief: Brief, rng: random.Random) -> list[Line]:
        """The lines of one dialogue; takes one number from `rng`."""
        with facts_of(self.facts):
            try:
                lines = self._written(brief, rng)
            except (IndexError, KeyError) as error:
                if not self.facts:
                    raise
                raise ValueError(f"{self.facts}: too few rows, or a text that cannot be filled in: {error}") from None
        for line in lines if self.facts else ():
            if not is_plain(line.text):
                raise ValueError(f"{self.facts}: {line.text!r} cannot be said; write figures and signs as words")
        return lines

    def _written(self, brief: Brief, rng: random.Random) -> list[Line]:
        _check(brief)
        seed = rng.getrandbits(64)
        wide = _is_wide(brief)
        best: list[Line] = []
        miss = math.inf
        for attempt in range(_ATTEMPTS):
            topics = random.Random(seed - 1 - attempt // _SAME_TOPICS)
            talk = _attempt(brief, random.Random(seed + attempt), topics, wide=wide)
            lines = _flowing(talk, random.Random(seed - _ATTEMPTS - attempt)) if wide else talk.lines
            added = sum(len(line.text.split()) for line in lines) - sum(len(line.text.split()) for line in talk.lines)
            if abs(talk.room() - added) < miss:
                best, miss = lines, abs(talk.room() - added)
            if miss <= _TOLERANCE * brief.words:
                break
        return best


def _flowing(talk: Talk, rng: random.Random) -> list[Line]:
    own = {topic_name(topic) for topic in talk.brief.topics if is_own(topic)}
    flowing = flow(talk.lines, (talk.agent_name, talk.user_name), rng)
    return [line if line.topic in own else new for line, new in zip(talk.lines, flowing, strict=True)]


def _check(brief: Brief) -> None:
    if brief.language != "en":
        raise ValueError(f"the built-in writer writes English only, not {brief.language!r}; choose another writer")
    for topic in brief.topics:
        scenes_of(topic)
    if not any(weight > 0 for weight in brief.topics.values()) or any(weight < 0 for weight in brief.topics.values()):
        raise ValueError("topic weights must not be negative, and one at least must be above zero")
    if brief.words < SHORTEST:
        raise ValueError(f"a dialogue of {brief.words} words is too short; ask for {SHORTEST} or more")


def _choose(brief: Brief, rng: random.Random, last: str) -> str:
    """A topic by weight, in the fixed order of `SCENES`, files last; another one than the last where there is one."""
    weights = [
        (name, brief.topics.get(name, 0.0)) for name in (*SCENES, *sorted(filter(is_own, brief.topics), key=topic_name))
    ]
    others = [(name, weight) for name, weight in weights if weight > 0 and name != last]
    left = rng.random() * sum(weight for _, weight in others)
    for name, weight in others:
        left -= weight
        if left < 0:
            return name
    return others[-1][0] if others else last


def _is_wide(brief: Brief) -> bool:
    """Whether people, errands and meanings come from the wide tables: not for the families of the small agent."""
    return any(weight > 0 and name in FAMILIES for name, weight in brief.topics.items())


def _attempt(brief: Brief, rng: random.Random, topics: random.Random, *, wide: bool) -> Talk:
    """One dialogue, whatever length it comes to; `topics` chooses the families, `rng` everything else."""
    talk = Talk(brief, rng, wide=wide)
    family = _choose(brief, topics, "")
    frames = {OWN_FRAMES.get(name) for name, weight in brief.topics.items() if weight > 0}
    own = frames.pop() if len(frames) == 1 else None
    if own:
        own.begin(talk)
    else:
        open_dialogue(talk, family)
    scene = own.shortest if own else _SCENE
    limit = -_TOLERANCE * brief.words
    while True:
        talk.slots["lead"] = lead(talk, family)
        talk.topic = topic_name(family)
        before = len(talk.memos)
        talk.begin_scene(round(rng.uniform(*_SHARE) * brief.words))
        if wide and family in WIDE and rng.random() < _WIDE:
            talk.deal(f"wide {family}", WIDE[family])(talk)
        else:
            talk.deal(f"scenes {family}", scenes_of(family))(talk)
        talk.end_scene()
        settled, talk.memos[:] = talk.memos[before:], talk.memos[:before]
        if talk.room() > _CLOSING + 15 and rng.random() < 0.6:
            recall(talk)
        talk.memos.extend(settled)
        if talk.room() < _CLOSING + scene:
            break
        family = _choose(brief, topics, family)
    if talk.room() > _CLOSING + 12:
        recall(talk)
    if talk.room() > limit:
        (own.end if own else close_dialogue)(talk)
    return talk

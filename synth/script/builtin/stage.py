"""Stage: the state of one dialogue while it is written, from its people and its calendar to what was said so far."""

from __future__ import annotations

import datetime
import random
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from corpus.record import Event, Question

from ..line import Brief, Line, put_down
from .grammar import LOWER_NEXT, Composed, Grammar, sentence_case
from .macros import MACROS
from .spoken import DAYS
from .tables import table

T = TypeVar("T")

# Who else lives with the user, and the pronoun of a fitting name.
_KIN = {
    "my sister": "she",
    "my brother": "he",
    "my husband": "he",
    "my wife": "she",
    "my mum": "she",
    "my dad": "he",
    "my son": "he",
    "my daughter": "she",
    "my flatmate": "he",
    "my neighbour": "she",
    "my friend": "he",
    "my partner": "she",
    "my cousin": "she",
    "my aunt": "she",
}
_CALLED = {"my mum": "Mum", "my dad": "Dad"}


def names_of(pronoun: str) -> list[str]:
    """The first names that go with "he" or "she"."""
    return [name for name, whose in table("names") if whose == pronoun]


@dataclass(frozen=True)
class Memo:
    """Something settled earlier that later lines may refer back to.

    `ref` names it ("the table at Luca's"), `ask` and `tell` are templates with which the user asks it back and the
    agent tells it again. Amounts: `cents` per head or piece for `people`, `minutes` after midnight on `day`.
    """

    kind: str  # event, order, recipe, route, story, view
    ref: str
    ask: str
    tell: str
    place: str = ""
    day: datetime.date | None = None
    minutes: int | None = None
    cents: int | None = None
    people: int | None = None


@dataclass
class Draft:
    """A line before it is put down: its words and the spans of its key phrases."""

    words: list[str]
    keys: list[tuple[int, int]]
    plain: str  # as composed, without the bridge to its topic and without fillers

    @classmethod
    def of(cls, composed: Composed, bridge: str = "") -> Draft:
        """The draft of a composed line that starts with the words of `bridge`."""
        text = composed.text
        bridge = bridge.replace(LOWER_NEXT, "")
        if bridge and text.lower().startswith(bridge.lower()):
            text = sentence_case(text[len(bridge) :].lstrip())
        return cls(composed.text.split(), list(composed.keys), text)

    def insert(self, at: int, text: str) -> int:
        """Put the words of `text` before word `at`; gives the position after them."""
        added = text.split()
        self.words[at:at] = added
        self.keys = [(a + len(added), b + len(added)) if a >= at else (a, b) for a, b in self.keys]
        return at + len(added)

    @property
    def text(self) -> str:
        """The words as one string."""
        return " ".join(self.words)


class Stage:
    """People, place, day and time of one dialogue, the lines put down so far and what they settled."""

    def __init__(self, brief: Brief, rng: random.Random, *, wide: bool = False) -> None:
        self.brief = brief
        self.rng = rng
        self.grammar = Grammar(rng, MACROS)
        self.lines: list[Line] = []
        self.words = 0
        self._scene_end = brief.words
        self.topic = ""
        self.memos: list[Memo] = []
        self._dealt: dict[str, list[int]] = {}
        self.wide = wide
        people = [row[0] for row in table("people" if wide else "names")]
        names = self.deal_many("names", people, 8)
        self.user_name, self.agent_name = names[0], names[1]
        if wide:
            self.user_name, self.agent_name = (
                self._fitting(name, pronoun) for name, pronoun in zip(names[:2], (brief.user, brief.agent), strict=True)
            )
        self.friends = names[2:6]
        self.kin = self.rng.choice(tuple(_KIN))
        fitting = [name for name in names_of(_KIN[self.kin]) if name not in names]
        self.kin_called = _CALLED.get(self.kin) or rng.choice(fitting)
        self.home = self.deal("places", [row[0] for row in table("towns")])
        self.today = datetime.date(2024, 1, 1) + datetime.timedelta(days=rng.randrange(1461))
        self.now = rng.randrange(8 * 12, 21 * 12) * 5
        self.slots = {
            "name": self.user_name,
            "agent_name": self.agent_name,
            "kin": self.kin,
            "kin_you": self.kin.replace("my ", "your "),
            "friend": self.friends[0],
            "home": self.home,
            "weekday": DAYS[self.today.weekday()],
        }

    def _fitting(self, name: str, pronoun: str) -> str:
        """The name, or another one that goes with the voice."""
        fitting = [row[0] for row in table("people") if pronoun in ("", row[1])]
        return name if name in fitting else self.rng.choice(fitting)

    def deal_wide(self, deck: str, items: Sequence[T]) -> T:
        """As `deal`, of a table too long to be shuffled for one dialogue."""
        dealt = self._dealt.setdefault(deck, [])
        while (at := self.rng.randrange(len(items))) in dealt and len(dealt) < len(items):
            pass
        dealt.append(at)
        return items[at]

    def deal(self, deck: str, items: list[T] | tuple[T, ...]) -> T:
        """A random item of `items`, none twice from the same `deck` before all have been dealt in this dialogue."""
        left = self._dealt.get(deck)
        if not left:
            left = list(range(len(items)))
            self.rng.shuffle(left)
            self._dealt[deck] = left
        return items[left.pop() % len(items)]

    def deal_many(self, deck: str, items: list[T] | tuple[T, ...], number: int) -> list[T]:
        """`number` items, dealt as by `deal`."""
        return [self.deal(deck, items) for _ in range(number)]

    def begin_scene(self, words: int) -> None:
        """Let the next scene fill about so many words."""
        self._scene_end = self.words + words

    def end_scene(self) -> None:
        """Back to the room of the whole dialogue."""
        self._scene_end = self.brief.words

    def room(self) -> int:
        """Words left for the scene, or for the dialogue between scenes, the farewell included."""
        return min(self._scene_end, self.brief.words) - self.words

    def compose(self, template: str, slots: dict[str, str]) -> Composed:
        """The finished line of a template, with the slots of the dialogue and these."""
        return self.grammar.compose(template, {**self.slots, **slots})

    def put(
        self,
        speaker: str,
        text: str,
        act: str,
        event: Event = "turn",
        reply_to: int | None = None,
        question: Question | None = None,
        answers: int | None = None,
        think: int | None = None,
    ) -> int:
        """Put a finished line down; `reply_to` defaults to the last line of somebody else. Gives its index."""
        self.words += len(text.split())
        return put_down(
            self.lines, Line(speaker, text, act, self.topic, event, reply_to, question, answers, think=think)
        )

    def cut(self, index: int, word: int) -> None:
        """Let line `index` be cut off after `word` words."""
        line = self.lines[index]
        self.words -= len(line.text.split()) - word
        think = line.think if line.think is not None and line.think < word else None
        self.lines[index] = replace(line, cut_word=word, think=think)

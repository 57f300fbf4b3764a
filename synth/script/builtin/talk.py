"""Talk: what the topic families write with. `user` and `agent` put lines down and let behaviours happen around them."""

from __future__ import annotations

import random

from corpus.record import Question

from ..line import Brief
from . import behaviours
from .behaviours import Barge, Dice
from .stage import Draft, Stage

_FILLER_WEIGHT = {"user": 1.4, "agent": 0.55}
_BARGE_WEIGHT = {"user": 0.6, "agent": 1.25}
_THINK_WEIGHT = {"user": 1.7, "agent": 1.2}
_LIGHT = ("acknowledge", "react", "thank", "close", "greet", "repair", "clarify", "agree")
_STARTS = (
    "Well",
    "Oh",
    "Okay",
    "Um",
    "Hmm",
    "So",
    "Hi",
    "Hello",
    "Hey",
    "Let",
    "Sorry",
    "Right",
    "Wait",
    "Thanks",
    "Listen",
    "You",
    "I",
    "Hang",
    "Hold",
    "One",
    "By",
    "Something",
)


class Talk(Stage):
    """One dialogue being written."""

    def __init__(self, brief: Brief, rng: random.Random, *, wide: bool = False) -> None:
        super().__init__(brief, rng, wide=wide)
        self.dice = Dice(self)
        self.taken: Barge | None = None

    def user(self, template: str, act: str = "inform", **options: object) -> int:
        """A line of the user; see `say`."""
        return self.say("user", template, act, **options)  # type: ignore[arg-type]

    def agent(self, template: str, act: str = "inform", **options: object) -> int:
        """A line of the agent; see `say`."""
        return self.say("agent", template, act, **options)  # type: ignore[arg-type]

    def say(
        self,
        speaker: str,
        template: str,
        act: str = "inform",
        *,
        question: Question | None = None,
        answers: int | None = None,
        barge: Barge | None = None,
        loose: bool = False,
        quiet: bool = False,
        **slots: str,
    ) -> int:
        """Put a line down and let the brief's behaviours happen before, in and after it.

        `barge` is what the other side would barge in with here; afterwards `taken` tells whether it did. `loose`: the
        rest of the line may be dropped. `quiet`: nothing happens around this line. Gives the index of the line.
        """
        draft = Draft.of(self.compose(template, slots), self.slots.get("lead", "") if "{lead}" in template else "")
        self.taken = None
        if quiet:
            return self.put(speaker, draft.text, act, question=question, answers=answers)
        checked = question is not None or answers is not None
        think = self._before(speaker, draft, act, checked)
        index = self.put(speaker, draft.text, act, question=question, answers=answers, think=think)
        self._after(index, draft, checked, barge, loose, slots)
        return index

    def _before(self, speaker: str, draft: Draft, act: str, checked: bool) -> int | None:
        """Asides, holds, thinking pauses and fillers; gives the word after which a long pause is."""
        last = self.lines[-1] if self.lines else None
        fresh = draft.words[0].rstrip(",.?!") not in _STARTS
        answering = last is not None and last.speaker != speaker and last.event == "turn"
        if last is not None and last.speaker == "agent" and speaker == "user" and answering and self.dice.aside():
            behaviours.aside(self, draft)
            return None
        asked = fresh and act == "answer" and answering and last is not None and last.act in ("ask", "offer")
        if asked and self.dice.disturb("thinking", _THINK_WEIGHT[speaker]):
            if self.rng.random() < 0.5:
                behaviours.hold(self, speaker, draft)
                return None
            return behaviours.ponder(self, draft)
        if fresh and len(draft.words) > 3 and self.dice.roll("fillers", _FILLER_WEIGHT[speaker]):
            behaviours.stumble(self, speaker, draft, act, middle=not checked)
        return None

    def _after(
        self, index: int, draft: Draft, checked: bool, barge: Barge | None, loose: bool, slots: dict[str, str]
    ) -> None:
        """Interruptions of a long line, or its repetition for a listener who missed it."""
        speaker = self.lines[index].speaker
        light = self.lines[index].act in _LIGHT
        if len(draft.words) >= behaviours.LONG_LINE:
            self.dice.count_long()
            if not checked and not light and self.dice.disturb("interruptions", _BARGE_WEIGHT[speaker]):
                chosen = barge if self.rng.random() < 0.75 else None
                if behaviours.barge_in(self, index, draft, chosen, loose, slots):
                    self.taken = chosen
                return
        if len(draft.words) >= 4 and not light and self.dice.ask_back():
            behaviours.ask_back(self, speaker, draft)

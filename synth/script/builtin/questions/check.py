"""A checkable question with its answer and the sentences around it."""

from __future__ import annotations

from dataclasses import dataclass, field

from corpus.record import Question

from ...line import plain_words


@dataclass(frozen=True)
class Check:
    """A question with its answer in spoken words, and how it is asked, told, told briefly and mistaken."""

    kind: str
    answer: str  # plain words
    ask: str
    tell: str
    bare: str  # the answer alone
    wrong: str = ""
    tell_short: str = ""
    slots: dict[str, str] = field(default_factory=dict)
    value: int = 0  # of a sum that a next question may go on from

    @property
    def question(self) -> Question:
        """The mark for the asking line."""
        return Question(kind=self.kind, answer=self.answer)


def check(kind: str, answer: str, ask: str, tell: str, wrong: str = "", short: str = "", **slots: str) -> Check:
    """A check whose `tell` templates contain `{answer}`."""
    slots["answer"] = answer
    short = short or "it's <{answer}>."
    return Check(kind, plain_words(answer), ask, tell, answer, "" if wrong == answer else wrong, short, slots)

"""Whether the turns a model wrote make a dialogue: speakable, in the language, long enough, with the answers asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..language import is_in
from ..line import plain_words
from ..speakable import speakable
from .json_turns import WrittenTurn
from .prompting import Scenario

LONGEST_TURN = 60  # words; the prompts ask for forty
FEWEST_TURNS = 4
LENGTH = (0.5, 1.7)  # of the words asked for
_REPEATED = 4  # words from which a turn must not be said twice

Code = Literal[
    "json",  # no JSON in the answer, or JSON of another form
    "unspeakable",  # a turn holds what has no one reading
    "turns",  # too few, or one speaker only
    "long",  # a turn no one would say in one breath
    "repetition",  # a turn said twice
    "length",  # far from the words asked for
    "language",  # another language than asked for
    "answer",  # a checkable question is not asked, or not answered
    "duplicate",  # nearly the same as an earlier dialogue
]


class UnusableError(ValueError):
    """Something a model wrote that cannot be used.

    Attributes:
        code: the reason, for counting.
        problem: what to tell the model.
    """

    def __init__(self, code: Code, problem: str) -> None:
        super().__init__(f"{problem} [{code}]")
        self.code: Code = code
        self.problem = problem


def usable(turns: Sequence[WrittenTurn], scenario: Scenario) -> tuple[WrittenTurn, ...]:
    """The turns as they are spoken, turns of one speaker in a row joined.

    Raises:
        UnusableError: they cannot be mended.
    """
    spoken = _joined([turn.model_copy(update={"text": spoken_turn(turn.text, scenario)}) for turn in turns])
    if len(spoken) < FEWEST_TURNS:
        raise UnusableError("turns", f"it has {len(spoken)} turns of alternating speakers; write more")
    seen: set[str] = set()
    for turn in spoken:
        plain = plain_words(turn.text)
        if plain in seen and len(plain.split()) >= _REPEATED:
            raise UnusableError("repetition", f"{turn.text!r} is said twice")
        seen.add(plain)
        if len(plain.split()) > LONGEST_TURN:
            raise UnusableError("long", f"the turn {turn.text[:60]!r}... has {len(plain.split())} words; at most forty")
    text = " ".join(turn.text for turn in spoken)
    require_language(text, scenario)
    words, (least, most) = len(text.split()), LENGTH
    if not least * scenario.words <= words <= most * scenario.words:
        raise UnusableError("length", f"it has {words} words; write about {scenario.words}")
    return _with_answers(spoken, scenario)


def spoken_turn(text: str, scenario: Scenario) -> str:
    """One turn as it is spoken. Raises UnusableError."""
    try:
        return speakable(text, scenario.language)
    except ValueError as error:
        raise UnusableError("unspeakable", str(error)) from None


def require_language(text: str, scenario: Scenario) -> None:
    """Raise UnusableError for a text in another language than the scenario's."""
    if not is_in(text, scenario.language.code):
        raise UnusableError("language", f"it is not in {scenario.language.name}; write in {scenario.language.name}")


def holds(text: str, phrase: str) -> bool:
    """Whether the bare words of `phrase` occur in a row in `text`."""
    return f" {plain_words(phrase)} " in f" {plain_words(text)} "


def _joined(turns: Sequence[WrittenTurn]) -> list[WrittenTurn]:
    joined: list[WrittenTurn] = []
    for turn in turns:
        before = joined[-1] if joined else None
        if before is None or before.speaker != turn.speaker:
            joined.append(turn)
            continue
        merged = {"text": f"{before.text} {turn.text}"}
        marks = {
            name: getattr(turn, name) for name in ("asks", "answers") if getattr(before, name) is None
        }  # at most one question and one answer in what is now one turn
        joined[-1] = before.model_copy(update=merged | marks)
    return joined


def _with_answers(turns: Sequence[WrittenTurn], scenario: Scenario) -> tuple[WrittenTurn, ...]:
    """The turns with marks for the scenario's questions only, each asked by the user and answered in the next turn."""
    marked = [turn.model_copy(update={"asks": None, "answers": None}) for turn in turns]
    for number, check in enumerate(scenario.checks, 1):
        asked = next(
            (at for at, turn in enumerate(turns) if turn.speaker == "user" and holds(turn.text, check.question)), None
        )
        if asked is None:
            raise UnusableError("answer", f"the user never asks question {number} in these words: {check.question}")
        if asked + 1 >= len(turns) or not holds(turns[asked + 1].text, check.answer):
            raise UnusableError("answer", f"question {number} is not answered next with these words: {check.answer}")
        if marked[asked].asks is not None:
            raise UnusableError("answer", f"question {number} is asked in one turn with another; ask one at a time")
        marked[asked] = marked[asked].model_copy(update={"asks": number, "act": "ask"})
        marked[asked + 1] = marked[asked + 1].model_copy(update={"answers": number, "act": "answer"})
    return tuple(marked)

"""What people do besides talking in turns, put into turns that a model wrote; the built-in writer's behaviours.

How many of each there are follows from the shares asked for; where they happen is drawn among the turns that suit.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from corpus.record import Event, Question

from ..language import Language
from ..line import Behaviours, Line, put_down
from ..speakable import sentences
from .json_turns import WrittenTurn
from .prompting import Scenario

LONG_LINE = 10  # words from which a line can be barged into
_REPEATABLE = 14  # words up to which a line is said again whole
_SPACING = 3  # turns between two disturbances
_LIGHT = ("greet", "acknowledge", "thank", "close")
_HOLDS = 0.5  # share of long thoughts that are announced ("one moment")


def enact(turns: Sequence[WrittenTurn], scenario: Scenario, behaviours: Behaviours, rng: random.Random) -> list[Line]:
    """The lines of a dialogue: its turns with interruptions, repairs, asides, long thoughts and fillers put in."""
    chosen = _choose(turns, scenario.language, behaviours, rng)
    script = _Script(scenario, rng)
    for index, turn in enumerate(turns):
        script.speak(turn, chosen.get(index, ""))
    return script.lines


def cut_point(words: Sequence[str], language: Language) -> int | None:
    """Words after which a line is cut: between 40 and 80 %, after a comma or before a joint; None where neither is."""
    places = range(math.ceil(0.4 * len(words)), math.floor(0.8 * len(words)) + 1)
    commas = [cut for cut in places if words[cut - 1].endswith(",")]
    joints = [cut for cut in places if words[cut].lower() in language.joints and words[cut - 1][-1] not in ".?!"]
    candidates = commas or joints
    return candidates[len(candidates) // 2] if candidates else None


def _choose(
    turns: Sequence[WrittenTurn], language: Language, behaviours: Behaviours, rng: random.Random
) -> dict[int, str]:
    """Turn -> what happens around it, one thing at most, disturbances apart from one another."""
    counts = [len(turn.text.split()) for turn in turns]
    free = [turn.asks is None and turn.answers is None and turn.act not in _LIGHT for turn in turns]
    long = [index for index, count in enumerate(counts) if count >= LONG_LINE]
    middle = range(1, len(turns) - 1)
    cut = [index for index in long if free[index] and cut_point(turns[index].text.split(), language)]
    asked = [index for index in middle if turns[index - 1].text.endswith("?") and turns[index].answers is None]
    replies = [index for index in middle if turns[index].speaker == "user"]
    plan: list[tuple[str, float, list[int]]] = [
        ("interruptions", behaviours.interruptions * len(long), [index for index in cut if index in middle]),
        ("repairs", behaviours.repairs * len(turns), [i for i in middle if free[i] and 4 <= counts[i] <= _REPEATABLE]),
        ("asides", behaviours.asides * sum(turn.speaker == "user" for turn in turns), replies),
        ("thinking", behaviours.thinking * len(turns), asked),
    ]
    chosen: dict[int, str] = {}
    for name, wanted, suited in plan:
        apart = [index for index in suited if all(abs(index - other) >= _SPACING for other in chosen)]
        for _ in range(_rounded(wanted, rng)):
            if not apart:
                break
            index = rng.choice(apart)
            chosen[index] = name
            apart = [other for other in apart if abs(other - index) >= _SPACING]
    fillable = [index for index in range(1, len(turns)) if index not in chosen and counts[index] > 3]
    number = min(_rounded(behaviours.fillers * len(turns), rng), len(fillable))
    return chosen | dict.fromkeys(rng.sample(fillable, number), "fillers")


def _rounded(number: float, rng: random.Random) -> int:
    """A whole number whose mean is `number`."""
    return math.floor(number) + (rng.random() < number % 1)


class _Script:
    """The lines put down so far."""

    def __init__(self, scenario: Scenario, rng: random.Random) -> None:
        self.scenario = scenario
        self.language = scenario.language
        self.phrases = scenario.language.phrases
        self.rng = rng
        self.lines: list[Line] = []
        self._asked: dict[int, int] = {}  # number of a question -> its line

    def speak(self, turn: WrittenTurn, behaviour: str) -> None:
        """Put a turn down with what happens around it."""
        ways: dict[str, Callable[[WrittenTurn], None]] = {
            "interruptions": self._interrupted,
            "repairs": self._repeated,
            "asides": self._after_aside,
            "thinking": self._after_thought,
            "fillers": self._stumbling,
        }
        ways.get(behaviour, self._plain)(turn)

    def _plain(self, turn: WrittenTurn, text: str = "", think: int | None = None, cut_word: int | None = None) -> int:
        question = None
        if turn.asks is not None:
            check = self.scenario.checks[turn.asks - 1]
            question = Question(kind=check.kind, answer=check.answer)
            self._asked[turn.asks] = len(self.lines)
        answers = None if turn.answers is None else self._asked[turn.answers]
        return self._put(
            turn.speaker,
            text or turn.text,
            turn.act,
            question=question,
            answers=answers,
            think=think,
            cut_word=cut_word,
        )

    def _put(
        self,
        speaker: str,
        text: str,
        act: str,
        event: Event = "turn",
        reply_to: int | None = None,
        question: Question | None = None,
        answers: int | None = None,
        think: int | None = None,
        cut_word: int | None = None,
    ) -> int:
        topic = "" if act in ("greet", "close") else self.scenario.family
        return put_down(
            self.lines, Line(speaker, text, act, topic, event, reply_to, question, answers, cut_word, think)
        )

    def _interrupted(self, turn: WrittenTurn) -> None:
        words = turn.text.split()
        cut = cut_point(words, self.language)
        assert cut is not None, "only lines with such a place are chosen"
        index = self._plain(turn, cut_word=cut)
        self._put(_other(turn), self.rng.choice(self.phrases.barge_in), "interrupt", "interrupt", reply_to=index)
        rest = sentences(f"{self.rng.choice(self.phrases.barge_reply)} {' '.join(words[cut:])}")
        self._put(turn.speaker, rest, "resume", "resume", reply_to=index)

    def _repeated(self, turn: WrittenTurn) -> None:
        index = self._plain(turn)
        asked = self._put(_other(turn), self.rng.choice(self.phrases.ask_again), "clarify", reply_to=index)
        again = f"{self.rng.choice(self.phrases.say_again)} {turn.text}"
        self._put(turn.speaker, again, "repair", "repair", reply_to=asked)

    def _after_aside(self, turn: WrittenTurn) -> None:
        ask, answer = self.rng.choice(self.phrases.asides)
        index = self._put("user", ask, "aside", "aside")
        if self.rng.random() < 0.6:
            self._put("other", answer, "aside", "aside", reply_to=index)
        self._plain(turn, f"{self.rng.choice(self.phrases.back)} {turn.text}")

    def _after_thought(self, turn: WrittenTurn) -> None:
        if self.rng.random() >= _HOLDS:
            thought = self.rng.choice(self.phrases.thoughts)
            text = f"{thought} {self.language.lower_start(turn.text)}"
            self._plain(turn, text, think=len(thought.split()))
            return
        holds = self.phrases.hold_agent if turn.speaker == "agent" else self.phrases.hold_user
        self._put(turn.speaker, self.rng.choice(holds), "hold", "hold")
        if self.rng.random() < 0.35:
            self._put(_other(turn), self.rng.choice(self.phrases.hold_wait), "acknowledge")
        self._plain(turn, f"{self.rng.choice(self.phrases.hold_done)} {turn.text}")

    def _stumbling(self, turn: WrittenTurn) -> None:
        self._plain(turn, f"{self.rng.choice(self.phrases.fillers)} {self.language.lower_start(turn.text)}")


def _other(turn: WrittenTurn) -> str:
    return "user" if turn.speaker == "agent" else "agent"

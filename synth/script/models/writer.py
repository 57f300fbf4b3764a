"""The writer that asks a language model: prompts it, checks what comes back, asks again, and puts behaviours in."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Literal

from ..line import Brief, Line, plain_words
from .chat import ChatMessage, ChatModel, ModelReply
from .enact import enact
from .json_turns import WrittenTurn, read_turns
from .ledger import Ledger
from .prompting import Scenario, ask_again, draw_scenario, load_prompts, next_turn, whole_dialogue
from .usable import FEWEST_TURNS, UnusableError, holds, require_language, spoken_turn, usable

Mode = Literal["json", "turns"]

SCENARIOS = 2  # tried for one dialogue
_TOKENS_PER_WORD = 4  # of JSON, in any of the languages
_TURN_TOKENS = 80
_THOUGHT_TOKENS = 4096  # of a model that thinks before it answers
_LONGEST_REPLY = 6000  # characters of an unusable answer that the model is shown again
_LONGEST_SAID = 30  # words of one turn
_FIRST_QUESTION = 2  # turns before the first checkable question
_LABEL = re.compile(r"^\W*(?:user|agent|assistant|caller)\s*:\s*", re.IGNORECASE)


class ModelWriter:
    """Writes dialogues with a chat model.

    Mode `json` asks for a whole dialogue at once, `turns` for one turn after another in plain text, which small models
    manage too. What cannot be used is asked for again, up to `tries` times with what was wrong, then with another
    scenario; a dialogue that still fails raises `UnusableError`.

    Attributes:
        ledger: what was asked, what was refused, what it cost.
    """

    def __init__(
        self, model: ChatModel, name: str, mode: Mode, tries: int, passages: Sequence[str], prompts: str = ""
    ) -> None:
        self.model = model
        self.name = name
        self.mode = mode
        self.tries = tries
        self.passages = tuple(passages)
        self.prompts = prompts  # a file of one's own; empty: those that ship
        self.ledger = Ledger()

    def check(self, language: str) -> None:
        """Raise ValueError if the model cannot be had or there are no prompts in the language."""
        load_prompts(language, self.prompts)
        self.model.check()

    def write(self, brief: Brief, rng: random.Random) -> list[Line]:
        """The lines of one dialogue of one family of `brief.topics`.

        Raises:
            UnusableError: nothing usable came back.
            ValueError: the model cannot be had.
        """
        compose = self._whole if self.mode == "json" else self._turn_by_turn
        for left in reversed(range(SCENARIOS)):
            scenario = draw_scenario(brief, self.passages, rng, self.prompts)
            try:
                return enact(compose(scenario, rng), scenario, brief.behaviours, rng)
            except UnusableError:
                if not left:
                    raise
        raise AssertionError("the last scenario returns or raises")

    def _chat(self, messages: Sequence[ChatMessage], rng: random.Random, tokens: int, *, as_json: bool) -> ModelReply:
        reply = self.model.chat(messages, seed=rng.getrandbits(31), most_tokens=tokens, as_json=as_json)
        self.ledger.count(reply)
        return reply

    def _whole(self, scenario: Scenario, rng: random.Random) -> tuple[WrittenTurn, ...]:
        first = whole_dialogue(scenario)
        messages = first
        tokens = 400 + _TOKENS_PER_WORD * scenario.words
        for left in reversed(range(self.tries)):
            reply = self._chat(messages, rng, tokens, as_json=True)
            tokens += _room_to_think(reply)
            try:
                return _read(reply, scenario)
            except UnusableError as error:
                self.ledger.refuse(error, reply.text)
                if not left:
                    raise
                shown = ChatMessage("assistant", reply.text[:_LONGEST_REPLY] or "(nothing)")
                messages = [*first, shown, ask_again(scenario, error.problem)]
        raise AssertionError("the last try returns or raises")

    def _turn_by_turn(self, scenario: Scenario, rng: random.Random) -> tuple[WrittenTurn, ...]:
        turns: list[WrittenTurn] = []
        words, asked = 0, 0
        speaker: Literal["agent", "user"] = rng.choice(("agent", "user"))
        closing = 0
        while closing < 2:
            due = asked < len(scenario.checks) and len(turns) >= _FIRST_QUESTION
            answered = turns[-1].asks if turns else None
            farewell = 2 * words / max(len(turns), 1)  # words of two more turns
            enough = len(turns) >= FEWEST_TURNS - 2 and words + farewell >= scenario.words
            if not due and not answered and (enough or closing):
                closing += 1
            if due and speaker == "user":
                asked += 1
                turn = WrittenTurn(speaker="user", act="ask", text=scenario.checks[asked - 1].question, asks=asked)
            else:
                turn = self._one_turn(scenario, speaker, turns, answered, rng, last=closing > 0)
            turns.append(turn)
            words += len(turn.text.split())
            speaker = "agent" if speaker == "user" else "user"
        return usable(turns, scenario)

    def _one_turn(
        self,
        scenario: Scenario,
        speaker: Literal["agent", "user"],
        turns: Sequence[WrittenTurn],
        question: int | None,
        rng: random.Random,
        *,
        last: bool,
    ) -> WrittenTurn:
        messages = next_turn(scenario, speaker, [(turn.speaker, turn.text) for turn in turns], last=last)
        problem = UnusableError("turns", "nothing was tried")
        tokens = _TURN_TOKENS
        for _ in range(self.tries):
            reply = self._chat(messages, rng, tokens, as_json=False)
            tokens += _room_to_think(reply)
            try:
                text = _said(reply, scenario, turns)
                if question is not None and not holds(text, scenario.checks[question - 1].answer):
                    raise UnusableError("answer", f"{text!r} does not answer question {question}")
            except UnusableError as error:
                self.ledger.refuse(error, reply.text)
                problem = error
                continue
            return WrittenTurn(speaker=speaker, text=text, act=_act(text, turns, last), answers=question)
        raise problem


def _room_to_think(reply: ModelReply) -> int:
    """Further tokens for a model that was cut off before it said anything: it thinks first."""
    return _THOUGHT_TOKENS if reply.cut_off and not reply.text else 0


def _read(reply: ModelReply, scenario: Scenario) -> tuple[WrittenTurn, ...]:
    try:
        answer = read_turns(reply.text)
    except ValueError as error:
        raise UnusableError("json", f"{error}{' (it was cut off)' if reply.cut_off else ''}") from None
    return usable(answer.turns, scenario)


def _said(reply: ModelReply, scenario: Scenario, turns: Sequence[WrittenTurn]) -> str:
    """The first line of a reply as one turn, cut at a sentence where it is too long."""
    line = next((line for line in reply.text.splitlines() if line.strip()), "")
    text = spoken_turn(_LABEL.sub("", line), scenario)
    words = text.split()
    ends = [at + 1 for at, word in enumerate(words[:_LONGEST_SAID]) if word[-1] in ".?!"]
    if len(words) > _LONGEST_SAID or reply.cut_off:
        if not ends:
            raise UnusableError("long", f"the turn {text[:60]!r}... has {len(words)} words; at most {_LONGEST_SAID}")
        words = words[: ends[-1]]
    text = " ".join(words)
    if plain_words(text) in {plain_words(turn.text) for turn in turns}:
        raise UnusableError("repetition", f"{text!r} is said twice")
    require_language(text, scenario)
    return text


def _act(text: str, turns: Sequence[WrittenTurn], last: bool) -> str:
    if last or not turns:
        return "close" if last else "greet"
    return "ask" if text.endswith("?") else "answer" if turns[-1].text.endswith("?") else "inform"

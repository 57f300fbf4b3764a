"""What asking a model has cost so far and which of its answers could not be used, and why."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from .chat import ModelReply
from .usable import Code, UnusableError

SHOWN = 3  # refused answers kept of each kind
_EXCERPT = 160  # characters of one


@dataclass(frozen=True)
class RefusedAnswer:
    """An answer that could not be used: the reason, what was wrong, and how the answer began."""

    code: Code
    problem: str
    answer: str


@dataclass
class Ledger:
    """Answers, tokens and refusals of one writer; several threads write into it.

    Attributes:
        answers: of the model, good and bad.
        prompt_tokens, answer_tokens: as its server counts them; 0 where it does not.
        refused: answers that could not be used, by reason.
        refusals: the first few of each reason.
    """

    answers: int = 0
    prompt_tokens: int = 0
    answer_tokens: int = 0
    refused: Counter[Code] = field(default_factory=Counter)
    refusals: list[RefusedAnswer] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def count(self, reply: ModelReply) -> None:
        """One more answer."""
        with self._lock:
            self.answers += 1
            self.prompt_tokens += reply.prompt_tokens
            self.answer_tokens += reply.answer_tokens

    def refuse(self, error: UnusableError, answer: str) -> None:
        """One of them cannot be used."""
        with self._lock:
            self.refused[error.code] += 1
            if self.refused[error.code] <= SHOWN:
                self.refusals.append(RefusedAnswer(error.code, error.problem, " ".join(answer.split())[:_EXCERPT]))

    def cost(self, price: tuple[float, float]) -> float:
        """What the tokens cost at so much for a million of each, of prompts and of answers."""
        return (self.prompt_tokens * price[0] + self.answer_tokens * price[1]) / 1e6

    def told(self, say: Callable[[str], object], *, hours: float, price: tuple[float, float] = (0.0, 0.0)) -> None:
        """Say in lines what was asked, what came of it and what it cost, for so many hours of dialogue."""
        bad = sum(self.refused.values())
        say(f"{self.answers} answers, {bad} of them refused{':' if bad else ''}")
        for code, count in self.refused.most_common():
            say(f"  {count} x {code}")
            for refusal in (refusal for refusal in self.refusals if refusal.code == code):
                say(f"      {refusal.problem}")
                say(f"      answer: {refusal.answer or '(nothing)'}")
        if self.prompt_tokens + self.answer_tokens == 0:
            return
        per_hour = f", {self.answer_tokens / hours:,.0f} written for an hour of dialogue" if hours else ""
        say(f"{self.prompt_tokens:,} tokens read, {self.answer_tokens:,} written{per_hour}")
        if any(price) and hours:
            say(f"cost {self.cost(price):.2f}, {1000 * self.cost(price) / hours:,.2f} for 1,000 hours")

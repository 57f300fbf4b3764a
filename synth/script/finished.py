"""Dialogues that are finished already: a JSON Lines file with one a line, said word for word.

    {"id": "p0", "turns": [{"speaker": "user", "text": "Hello."}, {"speaker": "agent", "text": "Hi, what can I do?"}]}

A turn may have an `act`, a `topic`, an `event`, a `gap` in seconds before it (below zero: it overlaps the turn
before), a checkable `question` (`{"kind": ..., "answer": ...}`) or the number of the turn it `answers`. Numbers and
signs in a text are read aloud as in any other; a text of plain words is said as it stands.
"""

from __future__ import annotations

import hashlib
import random
from pathlib import Path
from typing import Literal

from pydantic import Field

from corpus.record import Question
from corpus.strict import Strict, load_lines

from .language import load_language
from .line import Brief, Line
from .speakable import is_plain, speakable

_WIDEST_GAP = 20.0  # s


class FinishedTurn(Strict):
    """One turn of a finished dialogue."""

    speaker: Literal["agent", "user", "other"]
    text: str = Field(min_length=1, max_length=5000)
    act: str = "inform"
    topic: str = ""
    event: Literal["turn", "hold", "aside", "repair"] = "turn"
    gap: float | None = Field(default=None, ge=-_WIDEST_GAP, le=_WIDEST_GAP)
    question: Question | None = None
    answers: int | None = Field(default=None, ge=0)


class FinishedDialogue(Strict):
    """One finished dialogue."""

    id: str = ""
    turns: tuple[FinishedTurn, ...] = Field(min_length=1)


def read_finished(path: str | Path, language: str) -> tuple[tuple[Line, ...], ...]:
    """The dialogues of a file, as lines. Raises ValueError that names the line or dialogue and what is wrong there."""
    dialogues: list[tuple[Line, ...]] = []
    ids: set[str] = set()
    for dialogue in load_lines(path, FinishedDialogue, "scripts"):
        where = f"{path}: dialogue {len(dialogues) + 1}" + (f" ({dialogue.id})" if dialogue.id else "")
        if dialogue.id in ids:
            raise ValueError(f"{where}: its id is that of an earlier one")
        ids |= {dialogue.id} - {""}
        dialogues.append(_lines(dialogue, language, where))
    if not dialogues:
        raise ValueError(f"{path} holds no dialogue; write one to a line")
    return tuple(dialogues)


def _lines(dialogue: FinishedDialogue, language: str, where: str) -> tuple[Line, ...]:
    lines: list[Line] = []
    for number, turn in enumerate(dialogue.turns):
        if turn.answers is not None and (turn.answers >= number or dialogue.turns[turn.answers].question is None):
            raise ValueError(
                f"{where}: turns.{number}.answers: turn {turn.answers} asks no checkable question before it"
            )
        text = " ".join(turn.text.split())
        try:
            spoken = text if is_plain(text) else speakable(text, load_language(language))
        except ValueError as error:
            raise ValueError(f"{where}: turns.{number}.text: {error}") from None
        before = [at for at in range(number) if dialogue.turns[at].speaker != turn.speaker]
        lines.append(
            Line(
                *(turn.speaker, spoken, turn.act, turn.topic, turn.event, before[-1] if before else None),
                question=turn.question,
                answers=turn.answers,
                gap=turn.gap,
            )
        )
    return tuple(lines)


def finished_digest(path: str | Path) -> str:
    """sha256 of a file of finished dialogues. Raises ValueError where there is none."""
    try:
        return hashlib.sha256(Path(path).read_bytes()).hexdigest()
    except OSError as error:
        raise ValueError(f"cannot read the scripts {path}: {error}") from None


class FinishedWriter:
    """Gives the dialogues of a file in order, from the start again when all were given."""

    def __init__(self, path: str) -> None:
        self.name = f"scripts:{path}"
        self._path = path
        self._read: dict[str, tuple[tuple[Line, ...], ...]] = {}

    def dialogue(self, number: int, language: str) -> tuple[Line, ...]:
        """The lines of dialogue `number`. Raises ValueError for an unusable file."""
        if language not in self._read:
            self._read[language] = read_finished(self._path, language)
        return self._read[language][number % len(self._read[language])]

    def write(self, brief: Brief, rng: random.Random) -> list[Line]:
        """Any of the dialogues."""
        return list(self.dialogue(rng.getrandbits(31), brief.language))

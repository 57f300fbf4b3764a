"""The turns in a language model's answer: found in whatever surrounds them, mended where that is safe, validated.

Models think first, put JSON in code fences, talk before and after it, wrap it once more, leave commas behind the last
item and are cut off before the end. What they thought is taken out; of several answers the last valid one counts; of a
broken one every complete turn is kept, and what was lost shows in `WrittenAnswer.cut_off`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from .reasoning import strip

ACTS = (
    "greet", "ask", "answer", "inform", "offer", "confirm", "acknowledge", "refuse", "correct", "thank", "close",
)  # fmt: skip
_SPEAKERS = {"assistant": "agent", "bot": "agent", "ai": "agent", "caller": "user", "customer": "user", "human": "user"}
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
_MOST_CHARACTERS = 400_000  # of an answer; ten times the longest dialogue
_MOST_TRIES = 400  # at a bracket that opens nothing
_DEEPEST = 4  # objects around the turns
_BEGUN = re.compile(r'\{(?=\s*["}])|\[(?=\s*[{\]])')  # where JSON of ours may begin
_LIST_BEGUN = re.compile(r"\[(?=\s*\{)")
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


class WrittenTurn(BaseModel):
    """One turn as a model writes it; `asks` and `answers` number the checkable question it asks or answers."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    speaker: Literal["agent", "user"]
    text: str = Field(min_length=1, max_length=2000)
    act: str = "inform"
    asks: int | None = None
    answers: int | None = None

    @field_validator("speaker", mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        name = value.strip().lower() if isinstance(value, str) else value
        return _SPEAKERS.get(name, name) if isinstance(name, str) else name

    @field_validator("act", mode="before")
    @classmethod
    def _listed(cls, value: object) -> object:
        return value if value in ACTS else "inform"


@dataclass(frozen=True)
class WrittenAnswer:
    """The turns of one answer. `cut_off`: the text ended before its JSON did."""

    turns: tuple[WrittenTurn, ...]
    cut_off: bool


def read_turns(text: str) -> WrittenAnswer:
    """Find and validate the turns in a model's answer.

    Raises:
        ValueError: there is no turn in it, or one does not fit the schema; the message tells the model what.
    """
    text = strip(text)
    if len(text) > _MOST_CHARACTERS:
        raise ValueError(f"the answer has {len(text)} characters and is no dialogue")
    if _BEGUN.search(text) is None:
        raise ValueError("the answer holds no JSON")
    mended = _without_trailing_commas(text)
    lists = [items for version in dict.fromkeys((text, mended)) for items in _whole(version)]
    problem = ""
    for items in reversed(lists):
        try:
            return WrittenAnswer(_validated(items), cut_off=False)
        except ValueError as error:
            problem = problem or str(error)
    if problem:
        raise ValueError(problem)
    items = _complete_turns(text)
    if not items:
        raise ValueError("the answer's JSON is broken and holds no complete turn")
    return WrittenAnswer(_validated(items), cut_off=True)


def _validated(items: list[Any]) -> tuple[WrittenTurn, ...]:
    try:
        return tuple(WrittenTurn.model_validate(_renamed(item)) for item in items)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"a turn's {'.'.join(map(str, first['loc'])) or 'form'} is wrong: {first['msg']}") from None


def _whole(text: str) -> Iterator[list[Any]]:
    """Every list of turns in JSON that is complete, in order."""
    for value in _values(text, 0):
        items = _turns_in(value, _DEEPEST)
        if items:
            yield items


def _values(text: str, at: int) -> Iterator[Any]:
    """Every outermost JSON object or list from `at` on, in order."""
    decoder = json.JSONDecoder(strict=False)
    failures = 0
    while failures < _MOST_TRIES and (begun := _BEGUN.search(text, at)):
        at = begun.start()
        try:
            value, at = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            failures, at = failures + 1, at + 1
        else:
            yield value


def _turns_in(value: Any, deepest: int) -> list[Any] | None:
    """The list of turns in a value: itself, under `turns`, as its only list, or so in the one object it holds."""
    if isinstance(value, list):
        return value if all(isinstance(item, dict) for item in value) else None
    if not isinstance(value, dict) or not deepest:
        return None
    if isinstance(value.get("turns"), list):
        return list(value["turns"])
    lists = [item for item in value.values() if isinstance(item, list)]
    if len(lists) == 1:
        return _turns_in(lists[0], deepest)
    inner = [items for item in value.values() if (items := _turns_in(item, deepest - 1))]
    return inner[0] if len(inner) == 1 else None


def _complete_turns(text: str) -> list[Any]:
    """Every object with a text in the last list that begins, in order."""
    starts = [begun.start() for begun in _LIST_BEGUN.finditer(text)]
    values = _values(text, starts[-1] + 1 if starts else 0)
    return [value for value in values if isinstance(value, dict) and ("text" in value or "content" in value)]


def _renamed(item: Any) -> Any:
    """A turn in the chat servers' own words (role, content) as one of ours."""
    if not isinstance(item, dict):
        return item
    names = {"role": "speaker", "content": "text"}
    return {names.get(key, key) if names.get(key) not in item else key: value for key, value in item.items()}


def _without_trailing_commas(text: str) -> str:
    """Commas before a closing bracket removed, outside strings."""
    out, position = [], 0
    for string in _STRING.finditer(text):
        out += [_TRAILING_COMMA.sub(r"\1", text[position : string.start()]), string[0]]
        position = string.end()
    return "".join([*out, _TRAILING_COMMA.sub(r"\1", text[position:])])

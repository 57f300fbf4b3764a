"""The turns in a language model's answer: found in whatever surrounds them, mended where that is safe, validated.

Models put JSON in code fences, talk before it, leave commas behind the last item and are cut off before the end. Every
complete turn is kept; what was lost shows in `Answer.cut_off`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

ACTS = (
    "greet", "ask", "answer", "inform", "offer", "confirm", "acknowledge", "refuse", "correct", "thank", "close",
)  # fmt: skip
_SPEAKERS = {"assistant": "agent", "bot": "agent", "ai": "agent", "caller": "user", "customer": "user", "human": "user"}
_TRAILING_COMMA = re.compile(r",(\s*[}\]])")
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
class Answer:
    """The turns of one answer. `cut_off`: the text ended before its JSON did."""

    turns: tuple[WrittenTurn, ...]
    cut_off: bool


def read_turns(text: str) -> Answer:
    """Find and validate the turns in a model's answer.

    Raises:
        ValueError: there is no turn in it, or one does not fit the schema; the message tells the model what.
    """
    start = min((at for at in (text.find("{"), text.find("[")) if at >= 0), default=-1)
    if start < 0:
        raise ValueError("the answer holds no JSON")
    text = _without_trailing_commas(text[start:])
    found = _whole(text)
    items = found if found is not None else _complete_turns(text)
    if not items:
        raise ValueError("the answer's JSON is broken and holds no complete turn")
    try:
        turns = tuple(WrittenTurn.model_validate(_renamed(item)) for item in items)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise ValueError(f"a turn's {'.'.join(map(str, first['loc'])) or 'form'} is wrong: {first['msg']}") from None
    return Answer(turns, cut_off=found is None)


def _whole(text: str) -> list[Any] | None:
    """The list of turns of JSON that is complete; None where it is not, or holds none."""
    try:
        value, _ = json.JSONDecoder(strict=False).raw_decode(text)
    except json.JSONDecodeError:
        return None
    if isinstance(value, dict):
        lists = [item for item in value.values() if isinstance(item, list)]
        value = value["turns"] if isinstance(value.get("turns"), list) else lists[0] if len(lists) == 1 else None
    return (value or None) if isinstance(value, list) else None


def _complete_turns(text: str) -> list[Any]:
    """Every object with a text in JSON that is not complete, in order."""
    decoder = json.JSONDecoder(strict=False)
    items = []
    at = text.find("{")
    while at >= 0:
        try:
            value, end = decoder.raw_decode(text, at)
        except json.JSONDecodeError:
            end = at + 1
        else:
            if isinstance(value, dict) and ("text" in value or "content" in value):
                items.append(value)
        at = text.find("{", end)
    return items


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

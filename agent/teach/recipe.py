"""How an agent is taught: how much it practises, with whose voices, how it learns; `recipe.toml` has the defaults."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import Field, model_validator

from corpus.strict import Strict, parse
from corpus.toml import read_toml
from synth.engines.catalogue import default_engine

from ..training.recipe import AgentRecipe

DEFAULTS = Path(__file__).with_name("recipe.toml")


class TeachingVoices(Strict):
    """Who speaks. Those `held_out` only examine."""

    engine: str = ""
    agent: str
    taught: tuple[str, ...] = Field(min_length=1)
    held_out: tuple[str, ...] = Field(min_length=1)
    blend: bool = False

    @model_validator(mode="after")
    def _apart(self) -> TeachingVoices:
        both = {*self.taught, self.agent} & {*self.held_out}
        if both:
            raise ValueError(f"voices.held_out: {', '.join(sorted(both))} would be taught, too")
        return self

    @property
    def speaker(self) -> str:
        """The engine's name."""
        return self.engine or default_engine()


class TeachingReading(Strict):
    """Hours of dialogue that nobody speaks."""

    known: float = Field(ge=0, le=10_000)  # of the talk that the shipped model was made from
    taught: float = Field(ge=0, le=10_000)  # of the file's own


class TeachingRecipe(Strict):
    """All numbers of `agent teach`."""

    minutes: float = Field(gt=0, le=600)
    rehearsal: float = Field(ge=0, le=600)
    known: int = Field(ge=1, le=1000)
    seed: int = Field(ge=0)
    augment: int = Field(ge=0, le=8)
    voices: TeachingVoices
    reading: TeachingReading
    training: AgentRecipe

    @model_validator(mode="after")
    def _something_to_read(self) -> TeachingRecipe:
        if self.training.unspoken and not (self.reading.known or self.reading.taught):
            raise ValueError("training.unspoken: [reading] gives nothing to read: say 0 here, or hours there")
        return self

    @property
    def knows_english(self) -> bool:
        """Whether some of the shipped model's own talk is heard or read."""
        return bool(self.rehearsal or (self.training.unspoken and self.reading.known))


def read_teaching(path: Path | None, minutes: float | None = None, steps: int | None = None) -> TeachingRecipe:
    """The recipe that ships, with the keys of a file and what is not None on top.

    Raises ValueError with one line that names file and key.
    """
    values = read_toml(DEFAULTS, "recipe")
    given = {} if path is None else read_toml(path, "recipe")
    asked: dict[str, Any] = {} if minutes is None else {"minutes": minutes}
    asked |= {} if steps is None else {"training": {"steps": steps}}
    for over in (given, asked):
        values |= {
            key: {**values[key], **value} if isinstance(value, dict) and isinstance(values.get(key), dict) else value
            for key, value in over.items()
        }
    return parse(values, TeachingRecipe, str(path or "the recipe"))

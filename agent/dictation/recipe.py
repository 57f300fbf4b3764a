"""The recipe of a recognizer: a strict TOML file; an empty one is a recipe."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from corpus.strict import Strict, load_toml

Span = tuple[float, float]


class DictationRecipe(Strict):
    """Every number that a run depends on beside its material."""

    seed: int = 11
    batch: int = Field(default=8, ge=1)  # crops
    seconds: float = Field(default=10.0, ge=2.0)  # of a crop
    steps: int = Field(default=2000, ge=1)
    learning_rate: float = 3e-4  # of what Whisper gave
    head_learning_rate: float = 2e-3
    warmup: int = 60
    decay: float = 0.4  # share of the steps in which the rate falls to nothing
    weight_decay: float = 0.01
    average: float = 0.995  # decay of the averaged weights, which are kept
    where_weight: float = 1.0  # of telling which letter is said where, by the words' times
    layers: int = Field(default=4, ge=1)  # of Whisper's encoder
    shares: dict[str, float] = Field(default={})  # of crops by source, 0: left out; one that is not named: its hours
    both_sides: tuple[str, ...] = ()  # corpora whose agents are many voices, too, and are heard beside their users
    speed: Span = (0.85, 1.18)  # of some, pitch and all
    faster: float = 0.5  # chance
    nobody: float = 0.06  # crops without a word
    search: dict[str, float] = Field(default={"weight": 0.7, "bonus": 1.5})  # of the words: see `WordSearch`
    clean: float = 0.3  # crops to which nothing is done
    masked_bands: int = 12  # most of them, twice a crop
    masked_hops: int = 12  # most of them, three times a crop

    def takes(self, source: str) -> bool:
        """Whether this source teaches at all."""
        return self.shares.get(source, 1.0) > 0


def read_recipe(path: str | Path) -> DictationRecipe:
    """Read a recipe. A missing file, an unknown key or a bad value: ValueError with one line that names it."""
    return load_toml(path, DictationRecipe, "recipe")

"""The training recipe: every number a run depends on, and the size of the model it trains."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

from codec.training.recipe import recipe_values

from ..model.size import ModelSize

Settings = TypeVar("Settings", "AgentRecipe", ModelSize)


@dataclass(frozen=True)
class AgentRecipe:
    """One run over crops of dialogues. Loss weights are Moshi's (arXiv 2410.00037, section 4.4) by default."""

    steps: int = 20_000
    batch: int = 8  # crops per process
    frames: int = 250  # of 80 ms per crop
    seed: int = 0
    learning_rate: float = 3e-4  # of everything but the depth transformer
    depth_learning_rate: float = 3e-4
    text_rate: float = 0.75  # of the learning rate, for the text embedding and the text output
    schedule: Literal["cosine", "wsd"] = "wsd"  # wsd: warm-up, plateau, linear fall over the last share `decay`
    warmup: int = 200  # steps
    decay: float = 0.3
    final_rate: float = 0.02  # of the learning rate, at the end
    weight_decay: float = 0.1  # of matrices; embeddings and norms have none
    betas: tuple[float, float] = (0.9, 0.95)
    clip: float = 1.0  # largest gradient norm
    text_weight: float = 1.0
    pad_weight: float = 0.3  # of a text token that says nothing starts here
    semantic_weight: float = 100.0
    acoustic_weight: float = 1.0
    user_weight: float = 1.0  # of the user's codebooks beside the agent's
    user_text_weight: float = 0.5
    text_only: float = 0.0  # chance that a step trains on text without audio
    unspoken: int = 0  # crops without sound beside the others in a step, of the files of --unspoken
    hints: float = 0.0  # chance that a crop has hints
    depth_frames: float = 1.0  # share of frames whose codebooks behind the first are trained, drawn anew every step
    silent_frames: float = 1.0  # share of that share where the agent says nothing
    dropout: float = 0.0  # share of every layer's branches that is dropped; for small corpora
    masking: float = 0.0  # chance that a token is hidden from the input
    coarse_hearing: float = 0.0  # chance that a crop hears only some of the user's first codebooks
    own_voice_hidden: float = 0.0  # chance that a crop does not hear the agent's own codebooks
    gradient_checkpointing: bool = False
    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # of products; weights stay float32
    compile: bool = False
    checkpoint_every: int = 200
    validate_every: int = 1_000
    validation_batches: int = 8
    log_every: int = 20
    held_out: float = 0.02  # share of the dialogues that is never trained on
    model: ModelSize = dataclasses.field(default_factory=ModelSize)

    def __post_init__(self) -> None:
        counts = ("steps", "batch", "frames", "checkpoint_every", "validate_every", "validation_batches", "log_every")
        for name in counts:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.unspoken < 0:
            raise ValueError(f"unspoken must not be negative, got {self.unspoken}")
        shares = (
            "text_only",
            "hints",
            "depth_frames",
            "silent_frames",
            "dropout",
            "masking",
            "coarse_hearing",
            "own_voice_hidden",
            "held_out",
            "decay",
            "final_rate",
        )
        for name in (*shares, "pad_weight"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ValueError(f"{name} is a share and must lie in 0..1, got {getattr(self, name)}")
        for name, valid in (("schedule", ("cosine", "wsd")), ("precision", ("auto", "float32", "bfloat16"))):
            if getattr(self, name) not in valid:
                raise ValueError(f"{name} must be one of {', '.join(valid)}, got {getattr(self, name)!r}")

    def rate(self, step: int) -> float:
        """The learning rate of a step, counted from 0, relative to the highest."""
        rise = min(1.0, (step + 1) / max(self.warmup, 1))
        if self.schedule == "cosine":
            done = min(max(step - self.warmup, 0) / max(self.steps - self.warmup, 1), 1.0)
            fall = 0.5 * (1.0 + math.cos(math.pi * done))
        else:
            fall = min(1.0, (self.steps - step) / max(self.decay * self.steps, 1.0))
        return rise * (self.final_rate + (1.0 - self.final_rate) * max(fall, 0.0))


def read_recipe(path: str | Path | None, base: AgentRecipe | None = None, **changes: Any) -> AgentRecipe:
    """A recipe from a TOML file, with `changes` that are not None on top; what neither says is `base`'s.

    The table `[model]` holds the settings of `ModelSize`; "preset" among `changes` is one of them.

    Raises:
        ValueError: the file is missing or malformed, or names a setting that does not exist.
    """
    values = recipe_values(path)
    size = values.pop("model", {})
    if not isinstance(size, dict):
        raise ValueError(f"the recipe's model must be a table, as in [model], got {size!r}")
    preset = changes.pop("preset", None)
    if preset is not None:
        size = {**size, "preset": preset}
    values |= {key: value for key, value in changes.items() if value is not None}
    if "betas" in values:
        values["betas"] = tuple(values["betas"])
    base = base or AgentRecipe()
    return _changed(base, {**values, "model": _changed(base.model, size, "[model]")}, "the recipe")


def _changed(base: Settings, values: dict[str, Any], where: str) -> Settings:
    """`base` with other values, whose names and types must be its own."""
    defaults = {field.name: field for field in dataclasses.fields(base)}
    unknown = sorted(values.keys() - defaults.keys())
    if unknown:
        raise ValueError(f"{where} has no setting {unknown[0]!r}; known are {', '.join(sorted(defaults))}")
    for name, value in values.items():
        expected = str(defaults[name].type).split(" ")[0]
        if expected in ("int", "float", "bool") and not _fits(value, expected):
            raise ValueError(f"{where}: {name} must be of type {expected}, got {value!r}")
    return dataclasses.replace(base, **values)


def _fits(value: object, expected: str) -> bool:
    if expected == "bool" or isinstance(value, bool):
        return isinstance(value, bool) and expected == "bool"
    return isinstance(value, int) or (expected == "float" and isinstance(value, float))

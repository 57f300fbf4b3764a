"""The training recipe: every number a run depends on, and the size of the model it trains."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from corpus.strict import Strict, parse
from corpus.toml import read_toml

from ..model.size import ModelSize

Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(ge=0)]
Count = Annotated[int, Field(ge=1)]

# What a run may go on with otherwise than it began: how long, how fast, how it is computed and reported.
MAY_CHANGE = {
    f"recipe.{name}"
    for name in (
        "steps", "learning_rate", "depth_learning_rate", "text_rate", "schedule", "warmup", "decay", "final_rate",
        "clip", "checkpoint_every", "validate_every", "validation_crops", "validation_batches", "log_every",
        "precision", "compile", "gradient_checkpointing",
        "batch", "accumulate", "unspoken",  # how a step is cut; its rows in all must stay
    )
}  # fmt: skip


class AgentRecipe(Strict):
    """One run over crops of dialogues. Loss weights are Moshi's (arXiv 2410.00037, section 4.4) by default."""

    steps: Count = 20_000
    batch: Count = 8  # crops per process and pass
    accumulate: Count = 1  # passes in a process whose gradients make one step
    frames: Count = 250  # of 80 ms per crop
    seed: int = Field(default=0, ge=0)
    learning_rate: Positive = 3e-4  # of everything but the depth transformer
    depth_learning_rate: Positive = 3e-4
    text_rate: Positive = 0.75  # of the learning rate, for the text embedding and the text output
    schedule: Literal["cosine", "wsd"] = "wsd"  # wsd: warm-up, plateau, linear fall over the last share `decay`
    warmup: int = Field(default=200, ge=0)  # steps
    decay: Share = 0.3
    final_rate: Share = 0.02  # of the learning rate, at the end
    weight_decay: Positive = 0.1  # of matrices; embeddings and norms have none
    betas: tuple[Annotated[float, Field(ge=0, lt=1)], Annotated[float, Field(ge=0, lt=1)]] = (0.9, 0.95)
    clip: float = Field(default=1.0, gt=0)  # largest gradient norm
    text_weight: Positive = 1.0
    pad_weight: Share = 0.3  # of a text token that says nothing starts here
    semantic_weight: Positive = 100.0
    acoustic_weight: Positive = 1.0
    user_weight: Positive = 1.0  # of the user's codebooks beside the agent's
    user_text_weight: Positive = 0.5
    text_only: Share = 0.0  # chance that a step trains on text without audio
    unspoken: int = Field(default=0, ge=0)  # crops without sound beside the others in a pass, of --unspoken's files
    hints: Share = 0.0  # chance that a crop has hints
    depth_frames: Share = 1.0  # of frames whose codebooks behind the first are trained, drawn anew every step
    silent_frames: Share = 1.0  # of that share where the agent says nothing
    dropout: float = Field(default=0.0, ge=0, lt=1)  # share of every layer's branches dropped; for small corpora
    masking: Share = 0.0  # chance that a token is hidden from the input
    coarse_hearing: Share = 0.0  # chance that a crop hears only some of the user's first codebooks
    own_voice_hidden: Share = 0.0  # chance that a crop does not hear the agent's own codebooks
    gradient_checkpointing: bool = False
    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # of products; weights stay float32
    compile: bool = False
    checkpoint_every: Count = 200
    validate_every: Count = 1_000
    validation_crops: int = Field(default=0, ge=0)  # of the held-out dialogues, spread evenly; 0 for all of them
    validation_batches: Count | None = None  # of earlier versions, which judged so many random ones; has no effect
    log_every: Count = 20
    held_out: Share = 0.02  # of the dialogues that is never trained on
    model: ModelSize = ModelSize()

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
        ValueError: the file is missing or malformed, or a setting is unknown or out of range.
    """
    preset = changes.pop("preset", None)
    values = {} if path is None else read_toml(path, "recipe")
    defaults = (base or AgentRecipe()).model_dump(exclude_unset=True, exclude={"model"})
    recipe = parse({**defaults, **values}, AgentRecipe, str(path or "the recipe"))
    recipe = recipe.changed(**{key: value for key, value in changes.items() if value is not None})
    return recipe if preset is None else recipe.changed(model=recipe.model.changed(preset=preset))

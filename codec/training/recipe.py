"""The training recipe: every number a run depends on, and the stages it passes through."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, model_validator

from corpus.strict import Strict, parse
from corpus.toml import read_toml

Stage = Literal["continuous", "quantized", "adversarial"]


# What a run may go on with otherwise than it began: how long, how fast, how it is computed and reported.
MAY_CHANGE = {
    f"recipe.{name}"
    for name in (
        "steps", "continuous_steps", "adversarial_steps", "learning_rate", "adversarial_learning_rate", "warmup",
        "decay", "clip", "precision", "checkpoint_every", "validate_every", "validation_crops", "log_every",
        "collapse_perplexity", "collapse_patience",
    )
}  # fmt: skip


class CodecRecipe(Strict):
    """A run in three stages: latents with noise and no quantizer, then quantized, then the decoder against adversaries.

    The first stage lets the latent settle before k-means starts the codebooks; in the last one encoder and codebooks
    are frozen, so its codes are those of the stage before.
    """

    steps: int = Field(default=40_000, ge=1)  # all stages together
    continuous_steps: int = Field(default=4_000, ge=0)  # without quantizer
    adversarial_steps: int = Field(default=10_000, ge=0)  # at the end; 0 for none
    batch: int = Field(default=8, ge=1)  # crops per process and pass
    accumulate: int = Field(default=1, ge=1)  # passes in a process whose gradients make one step
    frames: int = Field(default=40, ge=1)  # of 80 ms per crop
    adversarial_frames: int = Field(default=12, ge=1)
    seed: int = Field(default=0, ge=0)
    learning_rate: float = Field(default=1e-3, ge=0)
    adversarial_learning_rate: float = Field(default=2e-4, ge=0)
    warmup: int = Field(default=200, ge=0)  # steps of rising learning rate, at the start of each stage
    decay: float = Field(default=0.3, ge=0, le=1)  # last share of each part of the run in which the rate falls
    weight_decay: float = Field(default=0.01, ge=0)
    clip: float = Field(default=1.0, gt=0)  # largest gradient norm
    average: float = Field(default=0.999, ge=0, lt=1)  # decay of the averaged weights, which are judged and exported
    latent_noise: float = Field(default=0.4, ge=0)  # in the continuous stage, relative to the size of what is quantized
    kmeans_batches: int = Field(default=150, ge=1)  # crops' worth of latents for k-means, in batches
    codebook_decay: float = Field(default=0.99, gt=0, lt=1)
    dead_every: int = Field(default=10, ge=1)  # steps between replacements of dead entries
    unquantized: float = Field(default=0.25, ge=0, le=1)  # chance that a row skips quantization
    dropout: float = Field(default=0.3, ge=0, le=1)  # chance that a row keeps fewer acoustic codebooks
    hiss: float = Field(default=0.0, ge=0, le=1)  # chance that a row's encoder hears faint noise not to be decoded
    spectral_floor: float = Field(default=2e-4, ge=0)  # of the target's RMS; spectra below cost nothing
    mel_weight: float = Field(default=3.0, ge=0)
    fine_weight: float = Field(default=12.0, ge=0)
    loudness_weight: float = Field(default=0.0, ge=0)
    recognizer_weight: float = Field(default=1.0, ge=0)  # where a recognizer is given
    complex_weight: float = Field(default=1.0, ge=0)
    commit_weight: float = Field(default=0.25, ge=0)
    pitch_weight: float = Field(default=1.0, ge=0)
    teacher_weight: float = Field(default=0.3, ge=0)
    adversarial_weight: float = Field(default=0.1, ge=0)
    feature_weight: float = Field(default=0.3, ge=0)
    discriminators: Literal["light", "full"] = "light"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # of products; auto: bfloat16 on GPUs, float32 on CPUs
    checkpoint_every: int = Field(default=200, ge=1)
    validate_every: int = Field(default=1_000, ge=1)
    validation_crops: int = Field(default=60, ge=0)  # of 6 s, spread evenly over what is held out; 0 for all
    log_every: int = Field(default=20, ge=1)
    collapse_perplexity: float = Field(default=0.02, ge=0, le=1)  # of the codebook's size; lower stops the run
    collapse_patience: int = Field(default=2_000, ge=0)  # quantized steps before that is judged
    held_out: tuple[str, ...] = ()  # speakers never trained on
    source_weights: dict[str, float] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _consistent(self) -> CodecRecipe:
        if self.steps < self.continuous_steps + self.adversarial_steps:
            raise ValueError(
                f"{self.steps} steps cannot hold {self.continuous_steps} continuous "
                f"and {self.adversarial_steps} adversarial ones"
            )
        for source, weight in self.source_weights.items():
            if weight < 0:
                raise ValueError(f"source_weights.{source} must not be negative, got {weight:g}")
        return self

    @property
    def judged(self) -> bool:
        """Whether discriminators are trained; without weights the last stage trains the decoder on the other losses."""
        return self.adversarial_steps > 0 and (self.adversarial_weight > 0 or self.feature_weight > 0)

    def shortened(self, device: str) -> bool:
        """Whether products on this type of device are done in bfloat16."""
        return self.precision == "bfloat16" or (self.precision == "auto" and device == "cuda")

    def stage(self, step: int) -> Stage:
        """The stage of a step, counted from 0."""
        if step < self.continuous_steps:
            return "continuous"
        return "quantized" if step < self.steps - self.adversarial_steps else "adversarial"

    def going_on(self, before: CodecRecipe, step: int) -> CodecRecipe:
        """This recipe for a run that has taken `step` steps by another: the stages that began stay begun.

        With more steps the stage it is in becomes longer.
        """
        if not step or (self.steps, self.continuous_steps, self.adversarial_steps) == (
            before.steps, before.continuous_steps, before.adversarial_steps,
        ):  # fmt: skip
            return self
        stage = before.stage(step - 1)
        if stage == "continuous":
            return self if self.stage(step - 1) == stage else self.changed(continuous_steps=step)
        changes = {"continuous_steps": before.continuous_steps}
        if stage == "adversarial":
            changes["adversarial_steps"] = self.steps - (before.steps - before.adversarial_steps)
        else:
            changes["adversarial_steps"] = min(self.adversarial_steps, self.steps - step)
        return self.changed(**changes)

    def rate(self, step: int) -> float:
        """The learning rate of a step relative to its stage's: warm-up, a plateau, a linear fall to 2 %."""
        last = self.steps - self.adversarial_steps
        start, end = (0, last) if step < last else (last, self.steps)
        rise = min(1.0, (step - start + 1) / max(self.warmup, 1))
        fall = min(1.0, (end - step) / max(self.decay * (end - start), 1.0))
        return rise * max(fall, 0.02)


def read_recipe(path: str | Path | None, **changes: Any) -> CodecRecipe:
    """A recipe from a TOML file (the default one if None), with `changes` that are not None on top.

    Another number of `steps` stretches the stages with it.

    Raises:
        ValueError: the file is missing or malformed, or a setting is unknown or out of range.
    """
    steps = changes.pop("steps", None)
    recipe = CodecRecipe() if path is None else parse(read_toml(path, "recipe"), CodecRecipe, str(path))
    recipe = recipe.changed(**{key: value for key, value in changes.items() if value is not None})
    if steps is None or steps == recipe.steps:
        return recipe
    share = steps / recipe.steps
    return recipe.changed(
        steps=steps,
        continuous_steps=int(recipe.continuous_steps * share),
        adversarial_steps=int(recipe.adversarial_steps * share),
    )

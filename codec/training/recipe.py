"""The training recipe: every number a run depends on, and the stages it passes through."""

from __future__ import annotations

import dataclasses
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib  # type: ignore[import-not-found]

Stage = Literal["continuous", "quantized", "adversarial"]


@dataclass(frozen=True)
class CodecRecipe:
    """A run in three stages: latents with noise and no quantizer, then quantized, then the decoder against adversaries.

    The first stage lets the latent settle before k-means starts the codebooks; in the last one encoder and codebooks
    are frozen, so its codes are those of the stage before.
    """

    steps: int = 40_000  # all stages together
    continuous_steps: int = 4_000  # without quantizer
    adversarial_steps: int = 10_000  # at the end; 0 for none
    batch: int = 8  # crops per process
    frames: int = 40  # of 80 ms per crop
    adversarial_frames: int = 12
    seed: int = 0
    learning_rate: float = 1e-3
    adversarial_learning_rate: float = 2e-4
    warmup: int = 200  # steps of rising learning rate, at the start of each stage
    decay: float = 0.3  # last share of the steps before the adversarial stage, and of that stage, in which it falls
    weight_decay: float = 0.01
    clip: float = 1.0  # largest gradient norm
    average: float = 0.999  # decay of the averaged weights that are evaluated and exported
    latent_noise: float = 0.4  # in the continuous stage, relative to the size of what is quantized
    kmeans_batches: int = 150  # crops' worth of latents for k-means, in batches
    codebook_decay: float = 0.99
    dead_every: int = 10  # steps between replacements of dead entries
    unquantized: float = 0.25  # chance that a row skips quantization
    dropout: float = 0.3  # chance that a row keeps fewer acoustic codebooks
    hiss: float = 0.0  # chance that a row's encoder hears faint noise that the decoder is not asked for
    spectral_floor: float = 2e-4  # of the target's RMS; spectra below cost nothing
    mel_weight: float = 3.0
    fine_weight: float = 12.0
    loudness_weight: float = 0.0
    recognizer_weight: float = 1.0  # where a recognizer is given
    complex_weight: float = 1.0
    commit_weight: float = 0.25
    pitch_weight: float = 1.0
    teacher_weight: float = 0.3
    adversarial_weight: float = 0.1
    feature_weight: float = 0.3
    discriminators: Literal["light", "full"] = "light"
    precision: Literal["auto", "float32", "bfloat16"] = "auto"  # of products; auto: bfloat16 on GPUs, float32 on CPUs
    checkpoint_every: int = 200
    validate_every: int = 1_000
    log_every: int = 20
    collapse_perplexity: float = 0.02  # of the codebook's size; lower stops the run
    collapse_patience: int = 2_000  # quantized steps before that is judged
    held_out: tuple[str, ...] = ()  # speakers never trained on
    source_weights: dict[str, float] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.steps < self.continuous_steps + self.adversarial_steps:
            raise ValueError(
                f"{self.steps} steps cannot hold {self.continuous_steps} continuous "
                f"and {self.adversarial_steps} adversarial ones"
            )
        if min(self.batch, self.frames, self.adversarial_frames) < 1:
            raise ValueError("batch, frames and adversarial_frames must be at least 1")

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

    def rate(self, step: int) -> float:
        """The learning rate of a step relative to its stage's: warm-up, a plateau, a linear fall to 2 %."""
        last = self.steps - self.adversarial_steps
        start, end = (0, last) if step < last else (last, self.steps)
        rise = min(1.0, (step - start + 1) / self.warmup)
        fall = min(1.0, (end - step) / max(self.decay * (end - start), 1.0))
        return rise * max(fall, 0.02)


def recipe_values(path: str | Path | None) -> dict[str, Any]:
    """What a recipe's TOML file says, nothing if None. Raises ValueError if it is missing or malformed."""
    if path is None:
        return {}
    try:
        return tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"cannot read the recipe {path}: {error}") from None


def read_recipe(path: str | Path | None, **changes: Any) -> CodecRecipe:
    """A recipe from a TOML file (the default one if None), with `changes` that are not None on top.

    Another number of `steps` stretches the stages with it.

    Raises:
        ValueError: the file is missing or malformed, or names a setting that does not exist.
    """
    values = recipe_values(path)
    steps = changes.pop("steps", None)
    values |= {key: value for key, value in changes.items() if value is not None}
    known = {field.name for field in dataclasses.fields(CodecRecipe)}
    unknown = sorted(values.keys() - known)
    if unknown:
        raise ValueError(f"the recipe has no setting {unknown[0]!r}; known are {', '.join(sorted(known))}")
    if "held_out" in values:
        values["held_out"] = tuple(values["held_out"])
    recipe = CodecRecipe(**values)
    if steps is None or steps == recipe.steps:
        return recipe
    share = steps / recipe.steps
    return dataclasses.replace(
        recipe,
        steps=steps,
        continuous_steps=int(recipe.continuous_steps * share),
        adversarial_steps=int(recipe.adversarial_steps * share),
    )

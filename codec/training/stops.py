"""What stops a codec's run: a loss that is no number, a codebook that has collapsed."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path

from ..model import Codec
from .recipe import CodecRecipe
from .run_state import TrainingError


def stop_if_not_finite(parts: Mapping[str, float], step: int, folder: Path) -> None:
    """Raise TrainingError when a part of the loss is infinite or no number."""
    broken = [name for name, value in parts.items() if not math.isfinite(value)]
    if broken:
        raise TrainingError(
            f"step {step}: the loss is not finite ({', '.join(broken)}); nothing was saved since the last "
            f"checkpoint in {folder}; resume with a lower learning rate, and check the audio for broken files"
        )


def stop_if_collapsed(codec: Codec, recipe: CodecRecipe, step: int) -> None:
    """Raise TrainingError when a codebook uses next to none of its entries, after `step` steps."""
    quantized = step - recipe.continuous_steps
    if recipe.stage(step - 1) != "quantized" or quantized < recipe.collapse_patience:
        return
    size = codec.config.quantizer.codebook_size
    for level, perplexity in enumerate(codec.quantizer.perplexity()):
        if perplexity < recipe.collapse_perplexity * size:
            raise TrainingError(
                f"step {step}: codebook {level} has collapsed (perplexity {perplexity:.0f} of {size}); "
                "train longer without quantizer (continuous_steps) or on more varied audio, then start again"
            )

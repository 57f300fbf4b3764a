"""What a codec's training starts from."""

from __future__ import annotations

import torch

from ..config import PRESETS
from ..model import Codec
from .recipe import CodecRecipe


def starting_codec(preset: str, recipe: CodecRecipe, init: str | None) -> Codec:
    """What training starts from: `init` if given, else the preset with weights drawn from the recipe's seed."""
    if init is not None:
        return Codec.load(init).train()
    if preset not in PRESETS:
        raise ValueError(f"there is no preset {preset!r}; choose one of {', '.join(PRESETS)}")
    torch.manual_seed(recipe.seed)
    return Codec(PRESETS[preset]())

"""The optimizers of a codec's stages: AdamW for all of it, for the decoder alone, for its judges."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import nn

from ..model import Codec
from .recipe import CodecRecipe

# This layer's output is the waveform itself: a step of Adam at the full rate would move it by more than a whisper.
WAVEFORM_LAYER = "head.free"
WAVEFORM_RATE = 0.01  # of the learning rate
EPSILON = 1e-12  # of Adam: clipped gradients of the early layers are tiny


def make_optimizers(
    codec: Codec, losses: nn.Module, judges: nn.Module | None, recipe: CodecRecipe
) -> dict[str, torch.optim.Optimizer]:
    """By what they move: "codec" with what is trained along in the losses, "decoder" and "judges" of the last stage."""
    everything = [*codec.named_parameters(), *losses.named_parameters()]
    made: dict[str, torch.optim.Optimizer] = {"codec": _adamw(everything, recipe.learning_rate, recipe)}
    rate = recipe.adversarial_learning_rate
    if recipe.adversarial_steps:
        made["decoder"] = _adamw(codec.decoder.named_parameters(), rate, recipe)
    if judges is not None:
        made["judges"] = _adamw(judges.named_parameters(), rate, recipe)
    return made


def _adamw(named: Iterable[tuple[str, nn.Parameter]], rate: float, recipe: CodecRecipe) -> torch.optim.AdamW:
    coarse: list[nn.Parameter] = []
    waveform: list[nn.Parameter] = []
    for name, parameter in named:
        (waveform if WAVEFORM_LAYER in name else coarse).append(parameter)
    groups = [{"params": coarse, "lr": rate}, {"params": waveform, "lr": rate * WAVEFORM_RATE}]
    used = [group for group in groups if group["params"]]
    fused = (coarse or waveform)[0].device.type == "cuda" or None  # on a CPU as torch chooses
    optimizer = torch.optim.AdamW(used, betas=(0.8, 0.99), eps=EPSILON, weight_decay=recipe.weight_decay, fused=fused)
    for group in optimizer.param_groups:
        group["full_rate"] = group["lr"]
    return optimizer

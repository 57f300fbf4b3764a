"""A model that is sampled colder at the same temperatures: clients ask for Moshi's whatever model they talk to."""

from __future__ import annotations

import torch
from torch import nn

from .language_model import LanguageModel


@torch.no_grad()
def sharpen(model: LanguageModel, text: float, audio: float) -> None:
    """Multiply the logits of a float model's text and codebooks, in place: temperature t then is what t / factor was.

    Raises ValueError for a factor that is not above 0.
    """
    if not (text > 0 and audio > 0):
        raise ValueError(f"factors must be above 0, got {text} and {audio}")
    heads: list[tuple[nn.Module, float]] = [(model.text_linear, text)]
    if model.depth is not None:
        heads += [(linear, audio) for linear in model.depth.linears]
    for head, factor in heads:
        for parameter in head.parameters():
            parameter.mul_(factor)

"""Fine-tuning a trained model: low-rank adapters (LoRA) under moshi-finetune's names, or all weights."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch

from ..files.hub import hub_folder
from ..model.language_model import LanguageModel
from ..model.lora import LoraLinear, add_adapters
from ..tokens.shards import TokenManifest
from .precision import shortened
from .recipe import AgentRecipe
from .start import trained_model

# moshi-finetune's settings for a 7B model: small steps, since the model knows how to talk.
DEFAULTS = AgentRecipe(
    steps=2000,
    batch=16,
    frames=1250,
    learning_rate=2e-6,
    depth_learning_rate=2e-6,
    text_rate=1.0,
    schedule="cosine",
    warmup=100,
    pad_weight=0.5,
    gradient_checkpointing=True,
    checkpoint_every=100,
    validate_every=100,
)


def base_model(
    base: str,
    recipe: AgentRecipe,
    tokens: TokenManifest,
    folder: Path,
    device: torch.device,
    adapters: tuple[int, float] | None,
    both_sides: bool,
    download: bool,
) -> LanguageModel:
    """The model that a run of `agent finetune` begins with.

    Args:
        base: shipped name, folder or id of the hub.
        recipe: for precision and seed.
        tokens: manifest of the folder of tokens `folder`.
        folder: of tokens.
        device: to train on.
        adapters: rank and scaling; None trains all weights.
        both_sides: learn to predict the user's codebooks, too.
        download: fetch the base if it is not in the cache.

    Raises:
        ValueError: the base is not there, or the tokens are not made for it.
    """
    frozen = torch.bfloat16 if device.type == "cuda" and shortened(recipe, device) else torch.float32
    dtype = torch.float32 if adapters is None else frozen
    model = trained_model(hub_folder(base, download), tokens, folder, dtype, both_sides)
    return model if adapters is None else adapt(model, *adapters, recipe.seed)


def adapters_origin(model: LanguageModel, adapters: tuple[int, float] | None) -> dict[str, Any]:
    """What must stay the same when the run goes on: what is frozen, and how the adapters are applied."""
    if adapters is None:
        return {"adapters": None}
    digest = hashlib.sha256()
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            some = parameter.detach().flatten()[:64].float().cpu()  # enough to tell bases apart, even of 7 B
            digest.update(f"{name} {list(parameter.shape)}".encode() + some.numpy().tobytes())
    return {"adapters": {"rank": adapters[0], "scaling": adapters[1]}, "base": digest.hexdigest()}


def adapt(model: LanguageModel, rank: int, scaling: float, seed: int) -> LanguageModel:
    """Put fresh adapters on every matrix of a model, in place, in float32; all else is frozen. Returns it."""
    torch.manual_seed(seed)
    add_adapters(model, rank, scaling)
    for layer in model.modules():
        if isinstance(layer, LoraLinear):
            layer.lora_A.float()
            layer.lora_B.float()
    return model

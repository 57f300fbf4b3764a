"""What `agent finetune` does unless it is told otherwise, by the size of the model."""

from __future__ import annotations

import torch

from ..model.config import ModelConfig
from ..model.language_model import LanguageModel
from .recipe import AgentRecipe

SMALL = 300_000_000  # parameters up to which all weights are trained, in steps that a CPU takes
RANK = 128  # of the adapters of a larger one
LONGEST = 200  # frames of a small model's crops: 16 s

# moshi-finetune's settings for a 7B model: small steps, since the model knows how to talk.
LARGE_MODEL = AgentRecipe(
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
# Those of the shipped model (datasets/agent-laptop.toml) with a smaller rate: 40 steps of 6 crops on a laptop's two
# cores are some five minutes, and what a few minutes of talk teach is learnt in 60 to 400.
SMALL_MODEL = AgentRecipe(
    steps=400,
    batch=6,
    frames=LONGEST,
    learning_rate=4e-4,
    depth_learning_rate=4e-4,
    schedule="wsd",
    warmup=5,
    decay=0.5,
    pad_weight=0.4,
    depth_frames=0.5,
    silent_frames=0.1,
    dropout=0.05,
    masking=0.1,
    coarse_hearing=0.2,
    semantic_weight=3.0,
    user_text_weight=1.2,
    checkpoint_every=20,
    validate_every=100,
    log_every=10,
)


def parameters_of(config: ModelConfig) -> int:
    """How many numbers a model of this configuration learns; nothing is allocated."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in LanguageModel(config).parameters())


def is_small(config: ModelConfig) -> bool:
    """Whether a model is trained as a whole unless adapters are asked for."""
    return parameters_of(config) <= SMALL


def defaults_of(config: ModelConfig) -> AgentRecipe:
    """The settings of a run for a model of this configuration, with crops no longer than it looks back."""
    if not is_small(config):
        return LARGE_MODEL
    context = config.temporal.context or LONGEST
    return SMALL_MODEL.changed(frames=min(LONGEST, context))

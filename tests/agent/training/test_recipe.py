"""The recipe of a training run: learning rates, model sizes, TOML."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from agent import LanguageModel, tiny
from agent.model.lora import add_adapters
from agent.model.presets import moshi_7b
from agent.model.size import ModelSize
from agent.training.memory import training_memory
from agent.training.recipe import AgentRecipe, read_recipe
from agent.training.trainer import make_optimizer
from codec.training.recipe import read_recipe as read_codec_recipe
from tests.support.places import DATASETS


def test_learning_rates_by_hand() -> None:
    recipe = AgentRecipe(steps=10, warmup=2, schedule="wsd", decay=0.4, final_rate=0.2)
    rates = [recipe.rate(step) for step in range(10)]
    assert rates == pytest.approx([0.5, 1, 1, 1, 1, 1, 1, 0.8, 0.6, 0.4])
    cosine = [recipe.changed(schedule="cosine").rate(step) for step in (1, 2, 6, 10)]
    assert cosine == pytest.approx([1, 1, 0.6, 0.2])
    model = LanguageModel(tiny())
    groups = make_optimizer(model, AgentRecipe(learning_rate=1.0, depth_learning_rate=0.5, text_rate=0.25)).param_groups
    rate = {p: (group["lr"], group["weight_decay"]) for group in groups for p in group["params"]}
    assert len(rate) == len(list(model.parameters()))
    found = {name: rate[p] for name, p in model.named_parameters()}
    assert found["text_emb.weight"] == (0.25, 0.0)
    assert found["text_linear.weight"] == (0.25, 0.1)
    assert found["depth.linears.0.weight"] == (0.5, 0.1)
    assert found["depth.layers.0.norm1.alpha"] == (0.5, 0.0)
    assert found["temporal.layers.0.gating.linear_in.weight"] == (1.0, 0.1)
    assert found["emb.0.weight"] == (1.0, 0.0)


def test_recipes_are_read_and_mistakes_named(tmp_path: Path) -> None:
    recipe = read_recipe(DATASETS / "agent-laptop.toml", batch=3)
    assert recipe.batch == 3
    config = recipe.model.config(text_card=2000, codebooks=8, card=1024)
    assert (config.card, config.text_card, config.n_q, config.agent_codebooks) == (1024, 2000, 16, 8)
    assert not config.ours.hears_itself
    path = tmp_path / "bad.toml"
    for text, message in (
        ("stepps = 3", "unknown key 'stepps'; did you mean 'steps'"),
        ("[model]\nlayer = 3", "unknown key 'model.layer'; did you mean 'layers'"),
        ("[model]\ndim = 0", "model.dim: Input should be greater than or equal to 1, got 0"),
        ("frames = 2.5", "frames: Input should be a valid integer, got 2.5"),
        ('steps = "100"', "steps: Input should be a valid integer, got '100'"),
        ("betas = [0.9]", "betas.1 is missing"),
        ("log_every = 0", "log_every: Input should be greater than or equal to 1, got 0"),
        ("learning_rate = -1", "learning_rate: Input should be greater than or equal to 0, got -1"),
        ('held_out = "LS19"', "held_out: Input should be a valid number, got 'LS19'"),
        ("depth_learning_rate = -1e-4", "depth_learning_rate: Input should be greater than or equal to 0, got -0.0001"),
        ("betas = [0.9, 1.0]", "betas.1: Input should be less than 1, got 1.0"),
        ("checkpoint_every = 0", "checkpoint_every: Input should be greater than or equal to 1, got 0"),
        ('precision = "fp16"', "precision: Input should be 'auto', 'float32' or 'bfloat16', got 'fp16'"),
        ("model = 3", "model: Input should be an object, got 3"),
        ("text_only = 1.5", "text_only: Input should be less than or equal to 1, got 1.5"),
        ("unspoken = -1", "unspoken: Input should be greater than or equal to 0, got -1"),
        ('schedule = "linear"', "schedule: Input should be 'cosine' or 'wsd', got 'linear'"),
        ('[model]\npreset = "huge"', "no preset 'huge'"),
    ):
        path.write_text(text)
        with pytest.raises(ValueError, match=message):
            read_recipe(path)


def test_model_sizes() -> None:
    one_side = ModelSize(dim=64, heads=4, depth_dim=32, depth_heads=2, both_sides=False, user_text_delay=-1, hint=False)
    config = one_side.config(500, codebooks=4, card=64)
    assert config.depth is not None
    assert (config.temporal.dim, config.temporal.feedforward, config.depth.transformer.feedforward) == (
        64, (256,), (128,)
    )  # fmt: skip
    assert (config.dep_q, config.n_q, config.streams, config.depth.schedule) == (4, 8, 9, (0, 1, 2, 3))
    both = ModelSize(depth_sets=2, embedding_rank=0, user_text_delay=3).config(500, codebooks=4)
    assert both.depth is not None
    assert (both.depth.schedule, both.ours.user_text_delay, both.ours.embedding_rank) == (
        (0, 1, 1, 1, 2, 3, 3, 3),
        3,
        None,
    )
    listener = ModelSize(both_sides=False).config(500).depth
    assert listener is not None
    assert listener.schedule == (0, 1, 2, 3, 3, 3, 3, 3)
    assert ModelSize().config(8000) == ModelSize(preset="laptop").config(8000)
    LanguageModel(config)


@pytest.mark.parametrize("length", ["day", "half-hour"])
def test_recipes_for_a_card_fit_it(length: str) -> None:
    """They are read, the model is of the size they say, and its step fits the card they name."""
    gpu = DATASETS / "gpu"
    agent, lora = read_recipe(gpu / f"agent-{length}.toml"), read_recipe(gpu / f"moshi-lora-{length}.toml")
    codec = read_codec_recipe(gpu / f"codec-{length}.toml")
    with torch.device("meta"):
        model = LanguageModel(agent.model.config(8000))
        moshi = LanguageModel(moshi_7b(both_sides=True)).bfloat16()
        add_adapters(moshi, 128)
    count = sum(parameter.numel() for parameter in model.parameters())
    assert 80e6 < count < 120e6 if length == "day" else 15e6 < count < 40e6
    assert agent.frames == agent.model.context, "what is further back than a crop is long is never learnt"
    held = training_memory(model, agent.batch + agent.unspoken, agent.frames, agent.gradient_checkpointing)
    assert held.total < 24e9, held
    assert lora.gradient_checkpointing
    assert training_memory(moshi, lora.batch, lora.frames).total < 64e9
    assert (codec.stage(0), codec.judged, codec.discriminators) == ("adversarial", True, "full")

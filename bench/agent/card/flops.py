"""Products that training needs, counted from the model, and what cards are said to do."""

from __future__ import annotations

from collections.abc import Iterable

from torch import nn

from agent import LanguageModel
from agent.model.depth import DepthLayer
from agent.model.lora import LoraLinear

# Dense bfloat16 products a second with float32 sums, as NVIDIA's data sheets give them.
PUBLISHED = {"H200": 989e12, "H100": 989e12, "A100": 312e12, "L40S": 362e12, "L4": 121e12, "4090": 165e12}


def per_frame(model: LanguageModel, frames: int) -> float:
    """Products and sums of a frame in training, forward and backward, recomputation not counted.

    A trained matrix costs 6 a weight (2 forward, 2 for each gradient), a frozen one 4, an adapter 6; a query sees half
    of `frames` keys on average, at most the context.
    """
    config = model.config
    total = _cost(model.temporal.layers) + _cost([model.text_linear])
    if model.user_text_out is not None and model.user_text_in is not None:
        total += _cost([model.user_text_in, model.user_text_out, model.text_linear])
    if model.depth is not None:
        total += sum(_of_step(model, step) for step in range(config.dep_q))
    seen = min(frames, config.temporal.context or frames) / 2
    attended = 3 * 4 * config.temporal.layers * config.temporal.heads * config.temporal.head_dim * seen
    return total + attended


def mfu(flops_per_s: float, card: str) -> float | None:
    """The share of the published rate; None for a card that is not in the list."""
    peak = next((rate for name, rate in PUBLISHED.items() if name in card), None)
    return None if peak is None else round(flops_per_s / peak, 4)


def _of_step(model: LanguageModel, step: int) -> float:
    """The matrices that one codebook goes through."""
    depth = model.depth
    assert depth is not None
    own = depth.config.schedule[step]
    modules: list[nn.Module] = [depth.inputs[own if depth.config.multi_linear else 0], depth.linears[step]]
    for layer in depth.layers:
        assert isinstance(layer, DepthLayer)
        modules += [layer.self_attn.in_projs[own], layer.self_attn.out_projs[own]]
        if isinstance(layer.gating, nn.ModuleList):
            modules.append(layer.gating[own])
        else:
            modules += [layer.linear1, layer.linear2] if layer.gating is None else [layer.gating]
    return _cost(modules)


def _cost(modules: Iterable[nn.Module]) -> float:
    """Operations a frame of the matrices inside."""
    return sum(_within(module) for module in modules)


def _within(module: nn.Module) -> float:
    if isinstance(module, LoraLinear):
        adapters = module.lora_A.weight.numel() + module.lora_B.weight.numel()
        return 4.0 * module.frozen_W.weight.numel() + 6.0 * adapters
    if isinstance(module, nn.Linear):
        return 6.0 * module.weight.numel()
    return sum(_within(child) for child in module.children())

"""How much arithmetic a frame of training is, and how much of what a card can do that makes (MFU, arXiv 2204.02311).

Counted are products of matrices: 2 operations a weight on the way there, 2 back to the input, 2 more where the weight
trains. Attention counts its whole window, as is usual; what gradient checkpointing computes again does not count.
"""

from __future__ import annotations

import time

import torch
from torch import nn

from ..model.depth import DepthLayer
from ..model.language_model import LanguageModel
from .recipe import AgentRecipe

SIZE = 8192  # of the product a card is measured by
TIMES = 20


def frame_work(model: LanguageModel, recipe: AgentRecipe) -> float:
    """Operations per frame of a crop; of frames whose codebooks may be left out, as few as the recipe allows."""
    config, texts = model.config, 1 + int(model.user_text_out is not None)
    total = _products(model.temporal) + _products(model.emb) + texts * _products(model.text_linear)
    if model.user_text_out is not None:
        total += _products(model.user_text_out)
    for index in range(config.temporal.layers):
        layer = config.temporal.layer(index)
        total += _attention(min(recipe.frames, config.temporal.context or recipe.frames), layer.heads * layer.head_dim)
    if model.depth is None:
        return total
    steps = [_depth_step(model, step) for step in range(config.dep_q)]
    return total + steps[0] + recipe.depth_frames * recipe.silent_frames * sum(steps[1:])


def measured_peak(device: torch.device) -> float:
    """Operations per second of a card in bfloat16 products, as measured there; 0 for a CPU."""
    if device.type != "cuda":
        return 0.0
    square = torch.randn(SIZE, SIZE, dtype=torch.bfloat16, device=device)
    for _ in range(2):
        square @ square
    torch.cuda.synchronize(device)
    began = time.perf_counter()
    for _ in range(TIMES):
        square @ square
    torch.cuda.synchronize(device)
    return TIMES * 2 * SIZE**3 / (time.perf_counter() - began)


def _products(module: nn.Module | None) -> float:
    linears = [each for each in (module.modules() if module is not None else ()) if isinstance(each, nn.Linear)]
    return float(sum((6 if each.weight.requires_grad else 4) * each.weight.numel() for each in linears))


def _attention(window: int, width: int) -> float:
    """There and back, of one layer: scores and sums over `window` steps, for heads as wide as `width` together."""
    return 3.0 * 2 * 2 * window * width


def _depth_step(model: LanguageModel, step: int) -> float:
    depth = model.depth
    assert depth is not None
    own = depth.config.schedule[step]
    total = _products(depth.inputs[own if depth.config.multi_linear else 0]) + _products(depth.linears[step])
    total += _products(depth.text_emb if step == 0 else depth.emb[step - 1])
    for layer in depth.layers:
        assert isinstance(layer, DepthLayer)
        total += _products(layer.self_attn.in_projs[own]) + _products(layer.self_attn.out_projs[own])
        gating = layer.gating
        if gating is None:
            total += _products(layer.linear1) + _products(layer.linear2)
        else:
            total += _products(gating[own] if isinstance(gating, nn.ModuleList) else gating)
        total += _attention(len(depth.config.schedule), layer.heads * layer.width)
    return total

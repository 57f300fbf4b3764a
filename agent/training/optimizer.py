"""The optimizer: AdamW with the recipe's rates for the model's parts."""

from __future__ import annotations

import torch
from torch import nn

from .recipe import AgentRecipe


def make_optimizer(model: nn.Module, recipe: AgentRecipe) -> torch.optim.AdamW:
    """AdamW over what is trained: the rates of the parts, weight decay for matrices only."""
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    matrices = {module.weight for module in model.modules() if isinstance(module, nn.Linear)}
    for name, parameter in model.named_parameters():
        if parameter.requires_grad:
            decay = recipe.weight_decay if parameter in matrices else 0.0
            groups.setdefault((_rate(name, recipe), decay), []).append(parameter)
    made = [{"params": group, "lr": rate, "weight_decay": decay} for (rate, decay), group in groups.items()]
    fused = next(iter(model.parameters())).device.type in ("cpu", "cuda")
    optimizer = torch.optim.AdamW(made, betas=recipe.betas, fused=fused)
    for group in optimizer.param_groups:
        group["full_rate"] = group["lr"]
    return optimizer


def _rate(name: str, recipe: AgentRecipe) -> float:
    if name.startswith("depth."):
        return recipe.depth_learning_rate
    text = name.startswith(("text_emb.", "text_linear."))
    return recipe.learning_rate * (recipe.text_rate if text else 1.0)

"""Averaged weights, and optimizer state as flat tensors for exact resumption."""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class Average:
    """Exponential average of a module's parameters, the weights that are evaluated and exported."""

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.values = {name: p.detach().clone() for name, p in module.named_parameters()}

    @torch.no_grad()
    def update(self, module: nn.Module, step: int) -> None:
        """Move towards the module's parameters; faster in the first steps."""
        weight = 1.0 - min(self.decay, (1.0 + step) / (10.0 + step))
        for name, parameter in module.named_parameters():
            self.values[name].lerp_(parameter, weight)

    @torch.no_grad()
    def swap(self, module: nn.Module) -> None:
        """Exchange the module's parameters with the averaged ones; a second call undoes the first."""
        for name, parameter in module.named_parameters():
            held = parameter.detach().clone()
            parameter.copy_(self.values[name])
            self.values[name] = held


def optimizer_tensors(optimizer: torch.optim.Optimizer, names: Mapping[Tensor, str], prefix: str) -> dict[str, Tensor]:
    """An optimizer's state as `prefix.parameter|slot` tensors; `names` gives every parameter's name."""
    return {
        f"{prefix}.{names[parameter]}|{slot}": value
        for parameter, slots in optimizer.state.items()
        for slot, value in slots.items()
    }


def restore_optimizer(
    optimizer: torch.optim.Optimizer, names: Mapping[Tensor, str], tensors: Mapping[str, Tensor], prefix: str
) -> None:
    """Put back what `optimizer_tensors` gave; a parameter it does not hold starts anew."""
    held: dict[str, dict[str, Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(f"{prefix}."):
            name, slot = key[len(prefix) + 1 :].split("|")
            held.setdefault(name, {})[slot] = value
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            slots = held.get(names[parameter])
            if slots:
                # The step count stays on the CPU, unless a fused optimizer keeps it where it works.
                counts = parameter.device if group.get("fused") else torch.device("cpu")
                optimizer.state[parameter] = {
                    slot: value.to(counts if slot == "step" else parameter.device, copy=True)
                    for slot, value in slots.items()
                }

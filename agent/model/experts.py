"""A mixture of experts as gpt-oss has it, for temporal transformers that start from one."""

from __future__ import annotations

import dataclasses

import torch
from torch import Tensor, nn


@dataclasses.dataclass(frozen=True)
class ExpertsConfig:
    """Sizes of the mixture."""

    count: int
    used: int  # experts that see each step
    hidden: int
    slope: float = 1.702  # of the gate's sigmoid
    limit: float = 7.0  # of gates and values

    def __post_init__(self) -> None:
        if not 1 <= self.used <= self.count:
            raise ValueError(f"experts used per step must lie in 1..{self.count}, got {self.used}")


class Experts(nn.Module):
    """The best few of many feed-forwards for every step, weighted by a router."""

    def __init__(self, dim: int, config: ExpertsConfig) -> None:
        super().__init__()
        self.config = config
        self.router = nn.Linear(dim, config.count)
        self.weight_in = nn.Parameter(torch.randn(config.count, 2 * config.hidden, dim) * dim**-0.5)
        self.bias_in = nn.Parameter(torch.zeros(config.count, 2 * config.hidden))
        self.weight_out = nn.Parameter(torch.randn(config.count, dim, config.hidden) * config.hidden**-0.5)
        self.bias_out = nn.Parameter(torch.zeros(config.count, dim))

    def forward(self, x: Tensor) -> Tensor:
        """`[..., dim]` -> the same shape."""
        flat = x.flatten(0, -2)
        best, chosen = self.router(flat).topk(self.config.used, dim=-1)
        weights = best.softmax(dim=-1)
        y = torch.zeros_like(flat)
        for expert in chosen.unique().tolist():
            rows, place = torch.where(chosen == expert)
            y = y.index_add(0, rows, self._expert(expert, flat[rows]) * weights[rows, place, None])
        return y.view_as(x)

    def _expert(self, index: int, x: Tensor) -> Tensor:
        limit = self.config.limit
        gate, value = nn.functional.linear(x, self.weight_in[index], self.bias_in[index]).chunk(2, dim=-1)
        gate, value = gate.clamp(max=limit), value.clamp(-limit, limit)
        opened = gate * torch.sigmoid(self.config.slope * gate) * (value + 1)
        return nn.functional.linear(opened, self.weight_out[index], self.bias_out[index])

"""The gated feed-forward (SwiGLU and relatives) and its activations."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn
from torch.nn import functional

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "gelu": functional.gelu,
    "gelu_tanh": partial(functional.gelu, approximate="tanh"),
    "silu": functional.silu,
    "mish": functional.mish,
    "softsign": functional.softsign,
    "identity": nn.Identity(),
}


class Gating(nn.Module):
    """out(activation(a) * b) with [a; b] = in(x)."""

    def __init__(self, dim: int, hidden: int, activation: str, bias: bool = False) -> None:
        super().__init__()
        self.linear_in = nn.Linear(dim, 2 * hidden, bias=bias)
        self.linear_out = nn.Linear(hidden, dim, bias=bias)
        self.activation = ACTIVATIONS[activation]

    def forward(self, x: Tensor) -> Tensor:
        """`[..., dim]` -> the same shape."""
        gate, value = self.linear_in(x).chunk(2, dim=-1)
        y: Tensor = self.linear_out(self.activation(gate) * value)
        return y


class LayerScale(nn.Module):
    """A learned gain per channel on a residual branch."""

    def __init__(self, dim: int, initial: float) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.full((dim,), initial))

    def forward(self, x: Tensor) -> Tensor:
        """`[..., dim]` -> the same shape."""
        return self.scale * x


def make_scale(dim: int, initial: float | None) -> nn.Module:
    """A layer scale, or nothing."""
    return nn.Identity() if initial is None else LayerScale(dim, initial)

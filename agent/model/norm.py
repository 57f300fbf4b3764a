"""Normalisation layers by Kyutai's names: what is computed in which precision, with which epsilon."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import Norm

EPSILONS: dict[Norm, float] = {"layer_norm": 1e-5, "layer_norm_f32": 1e-8, "rms_norm": 1e-5, "rms_norm_f32": 1e-8}


class RMSNorm(nn.Module):
    """x / rms(x) * alpha over the last axis; `exact` computes in float32 whatever the input's type."""

    def __init__(self, dim: int, eps: float, exact: bool) -> None:
        super().__init__()
        self.eps = eps
        self.exact = exact
        self.alpha = nn.Parameter(torch.ones(1, 1, dim))

    def forward(self, x: Tensor) -> Tensor:
        """`[..., dim]` -> the same shape and type."""
        alpha = self.alpha.view(-1)
        if not self.exact or x.dtype == alpha.dtype == torch.float32:
            return functional.rms_norm(x, alpha.shape, alpha, self.eps)
        return functional.rms_norm(x.float(), alpha.shape, alpha.float(), self.eps).to(x.dtype)


class ExactLayerNorm(nn.LayerNorm):
    """A layer norm computed in float32."""

    def forward(self, x: Tensor) -> Tensor:
        """`[..., dim]` -> the same shape and type."""
        y = functional.layer_norm(x.float(), self.normalized_shape, self.weight.float(), self.bias.float(), self.eps)
        return y.to(x.dtype)


def make_norm(kind: Norm, dim: int, eps: float | None = None) -> nn.Module:
    """A normalisation layer by name; `eps` overrides the name's own."""
    eps = EPSILONS[kind] if eps is None else eps
    if kind == "layer_norm":
        return nn.LayerNorm(dim, eps)
    if kind == "layer_norm_f32":
        return ExactLayerNorm(dim, eps)
    return RMSNorm(dim, eps, exact=kind == "rms_norm_f32")

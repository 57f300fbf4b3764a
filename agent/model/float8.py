"""Matrices of 8-bit floats (e4m3, arXiv 2209.05433), each row with its scale; inputs keep their precision."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

try:
    from torch import float8_e4m3fn
except ImportError:  # a torch without it
    float8_e4m3fn = None  # type: ignore[assignment]

LARGEST = 448.0  # of e4m3


class Float8Linear(nn.Module):
    """A linear layer whose weights take a byte each; they are widened as they are used."""

    weight: Tensor  # float8 [outputs, inputs]
    scale: Tensor  # float32 [outputs]
    bias: Tensor | None

    def __init__(self, weight: Tensor, scale: Tensor, bias: Tensor | None) -> None:
        super().__init__()
        self.register_buffer("weight", weight)
        self.register_buffer("scale", scale)
        self.register_buffer("bias", bias)

    @classmethod
    def of(cls, linear: nn.Linear) -> Float8Linear:
        """The nearest such layer to a linear one. Raises ValueError for a torch without these floats."""
        if float8_e4m3fn is None:
            raise ValueError("this torch has no 8-bit floats: choose int8, or pip install -U torch")
        weight = linear.weight.detach().float()
        scale = weight.abs().amax(dim=1).clamp(min=1e-12) / LARGEST
        bias = None if linear.bias is None else linear.bias.detach().clone()
        return cls((weight / scale[:, None]).to(float8_e4m3fn), scale, bias)

    def forward(self, x: Tensor) -> Tensor:
        """`[..., inputs]` -> `[..., outputs]`, in the input's type."""
        y = functional.linear(x, self.weight.to(x.dtype)) * self.scale
        return (y if self.bias is None else y + self.bias).to(x.dtype)

"""Eight-bit matrices in the layout of Kyutai's q8 files: int8 `weight`, float32 `weight_scb` = largest of each row."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from .float8 import Float8Linear

Short = Literal["int8", "fp8"]
Layer = TypeVar("Layer", bound=nn.Module)
FEW = 64  # rows of the input up to which the weights are read as int8
BLOCK = 16  # bytes of weights that torch's kernel loads at once: rows must start at a multiple of it


class Int8Linear(nn.Module):
    """A linear layer with weights of 8 bits and inputs of full precision.

    Kyutai's GPU code rounds the inputs to 8 bits as well; results differ by that rounding.
    """

    weight: Tensor
    weight_scb: Tensor
    bias: Tensor | None

    def __init__(self, inputs: int, outputs: int, bias: bool = False) -> None:
        super().__init__()
        self.register_buffer("weight", torch.zeros(outputs, inputs, dtype=torch.int8))
        self.register_buffer("weight_scb", torch.ones(outputs))
        self.register_buffer("bias", torch.zeros(outputs) if bias else None)
        self.kept: tuple[Tensor, Tensor, Tensor] | None = None  # scales, scales / 127, ones in bfloat16

    @classmethod
    def of(cls, linear: nn.Linear) -> Int8Linear:
        """The nearest 8-bit layer to a linear one."""
        layer = cls(linear.in_features, linear.out_features, linear.bias is not None)
        layer.to(linear.weight.device)
        weight = linear.weight.detach().float().contiguous()
        layer.weight_scb = weight.abs().amax(dim=1).clamp(min=1e-12)
        layer.weight = (weight * (127 / layer.weight_scb[:, None])).round().to(torch.int8)
        if linear.bias is not None:
            layer.bias = linear.bias.detach().clone()
        return layer

    def linear(self) -> nn.Linear:
        """The layer in float32, whose weights train."""
        out, inputs = self.weight.shape
        layer = nn.Linear(inputs, out, self.bias is not None, device="meta")
        layer.weight = nn.Parameter(self.weight.float() * (self.weight_scb / 127)[:, None])
        if self.bias is not None:
            layer.bias = nn.Parameter(self.bias.detach().float())
        return layer

    def _apply(self, fn, recurse=True):  # type: ignore[no-untyped-def]
        """Moves of the module keep the scales in float32."""
        scale = self.weight_scb
        super()._apply(fn, recurse)  # type: ignore[no-untyped-call]
        self.weight_scb = scale.to(self.weight_scb.device)
        return self

    def forward(self, x: Tensor) -> Tensor:
        """`[..., inputs]` -> `[..., outputs]`, in the input's type."""
        flat = x.reshape(-1, x.shape[-1])
        if len(flat) <= FEW and x.device.type == "cpu" and self._aligned():
            y = torch._weight_int8pack_mm(flat.bfloat16().contiguous(), self.weight, self._ones()) * self._scale()
        else:
            y = functional.linear(flat, self.weight.to(x.dtype)) * self._scale()
        y = y if self.bias is None else y + self.bias
        return y.to(x.dtype).view(*x.shape[:-1], -1)

    def _aligned(self) -> bool:
        return self.weight.shape[1] % BLOCK == 0 and self.weight.data_ptr() % BLOCK == 0

    def _scale(self) -> Tensor:
        """`weight_scb / 127`, kept for the tensor it was made from."""
        if self.kept is None or self.kept[0] is not self.weight_scb:
            with torch.inference_mode(False):  # they may serve in training later
                ones = torch.ones_like(self.weight_scb, dtype=torch.bfloat16)
                self.kept = (self.weight_scb, self.weight_scb / 127, ones)
        return self.kept[1]

    def _ones(self) -> Tensor:
        self._scale()
        assert self.kept is not None
        return self.kept[2]


def quantize(module: nn.Module) -> None:
    """Replace every linear layer inside `module` by its 8-bit counterpart, in place."""
    _replace(module, nn.Linear, Int8Linear.of)


def shorten(module: nn.Module, kind: Short) -> None:
    """Replace every linear layer inside `module` by one of 8-bit weights, in place; layers that are so already stay.

    Raises ValueError for fp8 where torch has none.
    """
    _replace(module, nn.Linear, Int8Linear.of if kind == "int8" else Float8Linear.of)


def dequantize(module: nn.Module, dtype: torch.dtype) -> None:
    """Replace every 8-bit layer inside `module` by a float one of the same weights, in place: only those train."""
    _replace(module, Int8Linear, lambda layer: layer.linear().to(dtype))


def _replace(module: nn.Module, kind: type[Layer], made: Callable[[Layer], nn.Module]) -> None:
    for name, child in module.named_children():
        if isinstance(child, kind):
            setattr(module, name, made(child))
        else:
            _replace(child, kind, made)

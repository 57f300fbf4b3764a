"""Causal convolutions that stream, channels-last, each as one matrix product.

A streaming step sees few time steps and many channels: there a convolution is a matrix product over the unfolded
input, and a transposed one is a product followed by an overlap-add. Frameworks' convolution kernels repack their
weights on every such call; a matrix product does not. Arrays are `[B, T, C]`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional


@dataclass(frozen=True)
class ConvState:
    """The last inputs a causal convolution still needs: `[B, kernel - stride, C]`."""

    previous: Tensor


@dataclass(frozen=True)
class ReplicateState:
    """As `ConvState`, for a convolution that repeats its first input to the left."""

    previous: Tensor
    started: Tensor  # bool [B]


@dataclass(frozen=True)
class OverlapState:
    """What earlier inputs of a transposed convolution add to its next outputs, without bias: `[B, stride * C]`."""

    partial: Tensor


def unfold(x: Tensor, kernel: int, stride: int) -> Tensor:
    """Windows of `kernel` steps, time-major within a window: `[B, T, C]` -> `[B, T', kernel * C]`."""
    return x.unfold(1, kernel, stride).transpose(2, 3).flatten(2)


class Conv(nn.Module):
    """A convolution that pads `kernel - stride` zeros to the left."""

    def __init__(self, in_dim: int, out_dim: int, kernel: int, stride: int = 1) -> None:
        super().__init__()
        self.in_dim, self.kernel, self.stride = in_dim, kernel, stride
        self.linear = nn.Linear(kernel * in_dim, out_dim)

    def init_state(self, batch: int) -> ConvState:
        """Zeros before the first step."""
        return ConvState(self.linear.weight.new_zeros(batch, self.kernel - self.stride, self.in_dim))

    def forward(self, x: Tensor, state: ConvState) -> tuple[Tensor, ConvState]:
        """`[B, T, C]`, T a multiple of the stride -> `[B, T / stride, C']`."""
        x = torch.cat([state.previous, x], dim=1)
        y = self.linear(unfold(x, self.kernel, self.stride))
        return y, ConvState(x[:, self.stride - self.kernel :])


class ReplicateConv(nn.Module):
    """A convolution without bias that repeats the first input `kernel - stride` times to the left."""

    def __init__(self, dim: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.dim, self.kernel, self.stride = dim, kernel, stride
        self.linear = nn.Linear(kernel * dim, dim, bias=False)

    def init_state(self, batch: int) -> ReplicateState:
        """Nothing seen."""
        weight = self.linear.weight
        previous = weight.new_zeros(batch, self.kernel - self.stride, self.dim)
        return ReplicateState(previous, torch.zeros(batch, dtype=torch.bool, device=weight.device))

    def forward(self, x: Tensor, state: ReplicateState) -> tuple[Tensor, ReplicateState]:
        """`[B, T, C]`, T a multiple of the stride -> `[B, T / stride, C]`."""
        x = torch.cat([torch.where(state.started[:, None, None], state.previous, x[:, :1]), x], dim=1)
        y = self.linear(unfold(x, self.kernel, self.stride))
        return y, ReplicateState(x[:, self.stride - self.kernel :], torch.ones_like(state.started))


class ConvTranspose(nn.Module):
    """A transposed convolution with a kernel of twice its stride; the last `stride` outputs wait for the next input."""

    def __init__(self, in_dim: int, out_dim: int, stride: int) -> None:
        super().__init__()
        self.out_dim, self.stride = out_dim, stride
        self.linear = nn.Linear(in_dim, 2 * stride * out_dim, bias=False)
        self.bias = nn.Parameter(torch.zeros(out_dim))

    def init_state(self, batch: int) -> OverlapState:
        """Nothing pending."""
        return OverlapState(self.bias.new_zeros(batch, self.stride * self.out_dim))

    def forward(self, x: Tensor, state: OverlapState) -> tuple[Tensor, OverlapState]:
        """`[B, T, C]` -> `[B, stride * T, C']`."""
        y, state = overlap_add(self.linear(x), state)
        return torch.unflatten(y, 2, (self.stride, self.out_dim)).flatten(1, 2) + self.bias, state


class DepthwiseConvTranspose(nn.Module):
    """A transposed convolution of one filter per channel, kernel twice the stride, no bias."""

    def __init__(self, dim: int, stride: int) -> None:
        super().__init__()
        self.dim, self.stride = dim, stride
        self.weight = nn.Parameter(torch.empty(dim, 1, 2 * stride))
        nn.init.uniform_(self.weight, -(stride**-0.5), stride**-0.5)

    def init_state(self, batch: int) -> OverlapState:
        """Nothing pending."""
        return OverlapState(self.weight.new_zeros(batch, self.stride * self.dim))

    def forward(self, x: Tensor, state: OverlapState) -> tuple[Tensor, OverlapState]:
        """`[B, T, C]` -> `[B, stride * T, C]`."""
        y, state = overlap_add((x[:, :, None] * self.weight[:, 0].T).flatten(2), state)
        return torch.unflatten(y, 2, (self.stride, self.dim)).flatten(1, 2), state


def overlap_add(y: Tensor, state: OverlapState) -> tuple[Tensor, OverlapState]:
    """Add each step's second half to the next step's first: `[B, T, 2 N]` -> `[B, T, N]`."""
    first, second = y.chunk(2, dim=-1)
    return first + torch.cat([state.partial[:, None], second[:, :-1]], dim=1), OverlapState(second[:, -1])


class DepthwiseConv(nn.Module):
    """One filter per channel, stride 1."""

    def __init__(self, dim: int, kernel: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.empty(dim, 1, kernel))
        self.bias = nn.Parameter(torch.zeros(dim))
        nn.init.uniform_(self.weight, -(kernel**-0.5), kernel**-0.5)

    def init_state(self, batch: int) -> ConvState:
        """Zeros before the first step."""
        return ConvState(self.weight.new_zeros(batch, self.weight.shape[2] - 1, self.weight.shape[0]))

    def forward(self, x: Tensor, state: ConvState) -> tuple[Tensor, ConvState]:
        """`[B, T, C]` -> the same shape."""
        x = torch.cat([state.previous, x], dim=1)
        # Two-dimensional with height one: that kernel reads channels-last memory without a copy.
        mixed = functional.conv2d(
            x.transpose(1, 2).unsqueeze(2), self.weight.unsqueeze(2), self.bias, groups=x.shape[2]
        )
        return mixed.squeeze(2).transpose(1, 2), ConvState(x[:, 1 - self.weight.shape[2] :])

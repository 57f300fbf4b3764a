"""A causal transformer with rotary positions and a sliding window, streaming with a rolling key-value cache.

Follows Kyutai's `moshi/modules/transformer.py` in every number: pre-norm, no biases, layer scale, interleaved rotary
pairs, a query sees keys at distance 0..window-1. Shapes: B batch, T steps, D width, H heads, E head width.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config import CodecTransformerConfig

BLOCK = 256  # steps attended at once: keeps the mask of a long input small


@dataclass(frozen=True)
class TransformerState:
    """What a transformer remembers."""

    position: Tensor  # int64 [B], steps seen
    cache: tuple[Tensor, ...]  # per layer, [B, window - 1, 2 D]: rotated keys and values


def rotary(position: Tensor, steps: int, width: int, max_period: float) -> tuple[Tensor, Tensor]:
    """Cosines and sines `[B, T, E/2]` for steps starting at `position` [B], exact for streams of any length."""
    device = position.device
    exponent = torch.arange(width // 2, device=device, dtype=torch.float64) * (-2 * math.log(max_period) / width)
    steps_at = position[:, None] + torch.arange(steps, device=device)
    turns = steps_at.to(torch.float64)[..., None] * (exponent.exp() / (2 * math.pi))
    angle = (turns - turns.floor()).to(torch.float32) * (2 * math.pi)
    return angle.cos(), angle.sin()


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn interleaved pairs of `x` [B, T, N, E] by angles [B, T, E/2]."""
    pairs = torch.unflatten(x, -1, (-1, 2))
    real, imaginary = pairs[..., 0], pairs[..., 1]
    cosine, sine = cosine[:, :, None], sine[:, :, None]
    turned = torch.stack([real * cosine - imaginary * sine, real * sine + imaginary * cosine], dim=-1)
    return turned.flatten(-2).to(x.dtype)


def window_mask(position: Tensor, steps: int, window: int) -> Tensor:
    """True `[B, 1, T, window - 1 + T]` where a query may see a cached or new key."""
    key = torch.arange(1 - window, steps, device=position.device)
    distance = torch.arange(steps, device=position.device)[:, None] - key
    near = (distance >= 0) & (distance < window)
    written = position[:, None] + key >= 0
    return (near & written[:, None])[:, None]


class TransformerLayer(nn.Module):
    """Self-attention and a GELU feed-forward, both pre-normalised with a learned residual gain."""

    def __init__(self, config: CodecTransformerConfig) -> None:
        super().__init__()
        dim = config.dim
        self.heads = config.heads
        self.norm1 = nn.LayerNorm(dim, eps=1e-5)
        self.in_proj = nn.Linear(dim, 3 * dim, bias=False)
        self.out_proj = nn.Linear(dim, dim, bias=False)
        self.scale1 = nn.Parameter(torch.full((dim,), config.layer_scale))
        self.norm2 = nn.LayerNorm(dim, eps=1e-5)
        self.linear1 = nn.Linear(dim, config.feedforward, bias=False)
        self.linear2 = nn.Linear(config.feedforward, dim, bias=False)
        self.scale2 = nn.Parameter(torch.full((dim,), config.layer_scale))

    def forward(self, x: Tensor, cache: Tensor, turn: tuple[Tensor, Tensor], mask: Tensor) -> tuple[Tensor, Tensor]:
        """`[B, T, D]`, cache `[B, window - 1, 2 D]` -> the same shapes, the cache moved on by T steps."""
        batch, steps, dim = x.shape
        query, pair = self.in_proj(self.norm1(x)).split([dim, 2 * dim], dim=-1)
        query = rotate(query.unflatten(-1, (self.heads, -1)), *turn)
        key = rotate(pair[..., :dim].unflatten(-1, (self.heads, -1)), *turn)
        seen = torch.cat([cache, torch.cat([key.flatten(2), pair[..., dim:]], dim=-1)], dim=1)
        heads = seen.view(batch, -1, 2, self.heads, dim // self.heads).permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query.transpose(1, 2), heads[0], heads[1], attn_mask=mask)
        x = x + self.scale1 * self.out_proj(attended.transpose(1, 2).flatten(2))
        x = x + self.scale2 * self.linear2(functional.gelu(self.linear1(self.norm2(x))))
        return x, seen[:, steps:]


class Transformer(nn.Module):
    """A stack of layers over `[B, T, D]`."""

    def __init__(self, config: CodecTransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(TransformerLayer(config) for _ in range(config.layers))

    def init_state(self, batch: int) -> TransformerState:
        """The state before the first step, on the module's device."""
        scale = self.layers[0].scale1
        assert isinstance(scale, Tensor)
        shape = (batch, self.config.window - 1, 2 * self.config.dim)
        position = torch.zeros(batch, dtype=torch.int64, device=scale.device)
        return TransformerState(position, tuple(scale.new_zeros(shape) for _ in self.layers))

    def forward(self, x: Tensor, state: TransformerState) -> tuple[Tensor, TransformerState]:
        """`[B, T, D]` -> the same shape, any T >= 1."""
        if x.shape[1] <= BLOCK:
            return self._block(x, state)
        outputs = []
        for part in torch.split(x, BLOCK, dim=1):
            y, state = self._block(part, state)
            outputs.append(y)
        return torch.cat(outputs, dim=1), state

    def _block(self, x: Tensor, state: TransformerState) -> tuple[Tensor, TransformerState]:
        config, steps = self.config, x.shape[1]
        turn = rotary(state.position, steps, config.dim // config.heads, config.max_period)
        mask = window_mask(state.position, steps, config.window)
        caches = []
        for layer, cache in zip(self.layers, state.cache, strict=True):
            x, cache = layer(x, cache, turn, mask)
            caches.append(cache)
        return x, TransformerState(state.position + steps, tuple(caches))

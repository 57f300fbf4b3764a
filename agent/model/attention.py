"""Self-attention over a whole sequence or over a ring of keys and values, and attention to conditions.

Shapes: B batch, T steps, D width, H query heads, G key heads, E head width, S keys, C slots of a ring.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from codec.layers.attention import rotate

from .causal import causal_attention
from .config import TransformerConfig
from .norm import RMSNorm

Rotation = tuple[Tensor, Tensor] | None


@dataclass(frozen=True)
class KeyAccess:
    """Where a layer writes its new keys and what its queries may see."""

    rows: Tensor  # int64 [B, 1]
    slots: Tensor  # int64 [B, T]
    used: int  # slots written so far
    mask: Tensor | None  # bool [B, 1, T, used], None = all


def access(position: Tensor, steps: int, capacity: int, window: int, fixed: bool = False) -> KeyAccess:
    """The access of `steps` new steps after `position` (int64 [B]) to rings of `capacity` slots.

    `fixed` masks whole rings, whatever they hold: the host reads nothing, as on a GPU.
    """
    device = position.device
    new = position[:, None] + torch.arange(steps, device=device)
    fixed = fixed or device.type == "cuda"  # no wait for the GPU
    used = capacity if fixed else min(int(position.max()) + steps, capacity)
    newest = new[:, -1:]
    held = newest - (newest - torch.arange(used, device=device)) % capacity  # the step that each slot holds
    distance = new[:, :, None] - held[:, None]
    mask = (held >= 0)[:, None] & (distance >= 0) & (distance < window)
    whole = not fixed and bool(mask.all())
    rows = torch.arange(len(position), device=device)[:, None]
    return KeyAccess(rows, new % capacity, used, None if whole else mask[:, None])


class Attention(nn.Module):
    """Grouped-query self-attention with rotary positions."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        variation = config.variation
        self.heads, self.groups, self.width = config.heads, config.key_heads, config.head_dim
        out = (self.heads + 2 * self.groups) * self.width
        self.in_projs = nn.ModuleList([nn.Linear(config.dim, out, bias=variation.qkv_bias)])
        self.out_projs = nn.ModuleList([nn.Linear(self.heads * self.width, config.dim, bias=variation.out_bias)])
        eps = variation.norm_eps or 1e-6
        self.q_norm = RMSNorm(self.width, eps, exact=True) if variation.qk_norm else None
        self.k_norm = RMSNorm(self.width, eps, exact=True) if variation.qk_norm else None
        self.sinks = nn.Parameter(torch.zeros(self.heads)) if variation.sinks else None

    def project(self, x: Tensor, turn: Rotation) -> tuple[Tensor, Tensor, Tensor]:
        """`[B, T, D]` -> queries `[B, T, H, E]`, keys and values `[B, T, G, E]`."""
        heads = self.in_projs[0](x).unflatten(-1, (-1, self.width))
        turned, value = heads.split([self.heads + self.groups, self.groups], dim=2)
        if self.q_norm is not None and self.k_norm is not None:
            query, key = turned.split([self.heads, self.groups], dim=2)
            turned = torch.cat([self.q_norm(query), self.k_norm(key)], dim=2)
        if turn is not None:
            turned = rotate(turned, *turn)
        query, key = turned.split([self.heads, self.groups], dim=2)
        return query, key, value

    def attend(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool = False) -> Tensor:
        """Queries `[B, T, H, E]`, keys and values `[B, S, G, E]` -> `[B, T, D]`."""
        if self.groups != self.heads:
            key = key.repeat_interleave(self.heads // self.groups, dim=2)
            value = value.repeat_interleave(self.heads // self.groups, dim=2)
        if causal and mask is None and self.sinks is None:
            attended = causal_attention(query, key, value)
        else:
            attended = self._masked(query, key, value, mask, causal)
        y: Tensor = self.out_projs[0](attended.flatten(2))
        return y

    def _masked(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
        query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        if self.sinks is not None:
            key, value = (functional.pad(each, (0, 0, 1, 0)) for each in (key, value))
            mask, causal = self._sink_mask(query, key, mask, causal), False
        attended = functional.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=causal)
        return attended.transpose(1, 2)

    def _sink_mask(self, query: Tensor, key: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
        """Additive mask `[B, H, T, 1 + S]` for keys behind an empty one that stands for the sink."""
        assert self.sinks is not None
        steps, seen = query.shape[2], key.shape[2] - 1
        if mask is None:
            mask = query.new_ones(steps, seen, dtype=torch.bool)
            mask = mask.tril() if causal else mask
        mask = mask.expand(query.shape[0], 1, steps, seen)
        added = query.new_zeros(mask.shape).masked_fill(~mask, -torch.inf).expand(-1, self.heads, -1, -1)
        sinks = self.sinks.to(query.dtype).view(1, -1, 1, 1).expand(len(query), -1, steps, 1)
        return torch.cat([sinks, added], dim=-1)


class CrossAttention(nn.Module):
    """Attention to the conditions of a stream."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.heads = config.heads
        self.in_projs = nn.ModuleList([nn.Linear(config.dim, 3 * config.dim, bias=False)])
        self.out_projs = nn.ModuleList([nn.Linear(config.dim, config.dim, bias=False)])

    def remember(self, condition: Tensor) -> Tensor:
        """`[B, S, D]` -> keys and values `[B, S, 2, H, E]`."""
        pair: Tensor = self.in_projs[0](condition)[..., condition.shape[-1] :]
        return torch.unflatten(pair, -1, (2, self.heads, -1))

    def forward(self, x: Tensor, remembered: Tensor) -> Tensor:
        """`[B, T, D]` -> the same shape."""
        query = self.in_projs[0](x)[..., : x.shape[-1]].unflatten(-1, (self.heads, -1)).transpose(1, 2)
        key, value = remembered.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(query, key, value)
        y: Tensor = self.out_projs[0](attended.transpose(1, 2).flatten(2))
        return y

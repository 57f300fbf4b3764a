"""Causal attention over a whole sequence, by whichever product is quicker in training."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SHORT = 384  # steps up to which plain products beat torch's blocked attention, in bfloat16 on CPUs with such products


def causal_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Queries, keys and values `[B, T, H, E]` -> `[B, T, H, E]`; step t sees steps 0..t."""
    batch, steps, heads, width = query.shape
    if steps == 1:
        return value
    if not (query.dtype == torch.bfloat16 and query.device.type == "cpu" and steps <= SHORT and query.requires_grad):
        query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        return functional.scaled_dot_product_attention(query, key, value, is_causal=True).transpose(1, 2)
    query, key, value = (x.transpose(1, 2).reshape(batch * heads, steps, width) for x in (query, key, value))
    hidden = torch.full((steps, steps), -1e9, dtype=query.dtype).triu(1)
    with torch.autocast("cpu", enabled=False):
        scores = torch.baddbmm(hidden, query, key.transpose(1, 2), alpha=width**-0.5)
        attended = torch.bmm(torch.softmax(scores, -1), value)
    return attended.view(batch, heads, steps, width).transpose(1, 2)

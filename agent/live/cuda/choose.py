"""Choosing tokens of many rows, each with its own temperature and candidates: `model.sampling` in one go."""

from __future__ import annotations

import torch
from torch import Tensor

from ...model.sampling import uniform


def noise(seed: Tensor, frame: Tensor, draws: range, most: int) -> Tensor:
    """Gumbel noise float32 `[B, draws, most]` of seeds and frames int64 `[B]`, as `sampling.gumbel` draws it."""
    return -(-uniform(seed, frame, draws, most).log()).log()


def choose(logits: Tensor, temperature: Tensor, ranks: Tensor, drawn: Tensor) -> Tensor:
    """Tokens int64 `[B]`, as `sampling.choose` does it row by row.

    Args:
        logits: `[B, card]`.
        temperature: float32 `[B]`, 0 takes the likeliest.
        ranks: int64 `[B]`, candidates of each row; no more than there is noise for count.
        drawn: noise `[B, most]`.
    """
    likeliest = logits.argmax(dim=-1)
    most = drawn.shape[-1]
    best, ids = logits.float().topk(most, dim=-1)
    scaled = best / temperature.clamp(min=1e-6)[:, None] + drawn
    out = torch.arange(most, device=logits.device) >= ranks[:, None]
    sampled = ids.gather(-1, scaled.masked_fill(out, -torch.inf).argmax(dim=-1, keepdim=True))[:, 0]
    return torch.where(temperature > 0, sampled, likeliest)

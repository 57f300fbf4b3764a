"""Choosing tokens from logits, with noise that is a function of (seed, frame, draw) and so part of the state.

Two runs from the same state choose the same tokens, whatever else is in the batch.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

GOLDEN = -7046029254386353131  # 0x9E3779B97F4A7C15 as int64: splitmix64 (Steele et al. 2014)
MIX_1 = -4658895280553007687  # 0xBF58476D1CE4E5B9
MIX_2 = -7723592293110705685  # 0x94D049BB133111EB
TEXT_DRAW, USER_TEXT_DRAW, AUDIO_DRAW = 0, 1, 2  # draws of a frame; codebook k is AUDIO_DRAW + k


@dataclass(frozen=True)
class Sampling:
    """How to choose; Moshi's defaults. A temperature of 0 takes the likeliest, a top_k of 0 all.

    Temperatures may be tensors `[B]`, one per conversation.
    """

    text_temperature: float | Tensor = 0.7
    text_top_k: int = 25
    audio_temperature: float | Tensor = 0.8
    audio_top_k: int = 250
    user_text_temperature: float | Tensor = 0.0

    def __post_init__(self) -> None:
        if min(self.text_top_k, self.audio_top_k) < 0:
            raise ValueError("top_k must not be negative; 0 takes all")
        for value in (self.text_temperature, self.audio_temperature, self.user_text_temperature):
            if not isinstance(value, Tensor) and value < 0:
                raise ValueError(f"a temperature must not be negative, got {value}")


GREEDY = Sampling(0.0, 0, 0.0, 0, 0.0)


def _mix(x: Tensor) -> Tensor:
    """The finalizer of splitmix64 on int64 tensors."""
    x = (x ^ ((x >> 30) & 0x3FFFFFFFF)) * MIX_1
    x = (x ^ ((x >> 27) & 0x1FFFFFFFFF)) * MIX_2
    return x ^ ((x >> 31) & 0x1FFFFFFFF)


def uniform(seed: Tensor, frame: Tensor, draws: range, count: int) -> Tensor:
    """Numbers in (0, 1), float32 `[B, draws, count]`, from int64 `[B]` seeds and frames."""
    device = seed.device
    key = _mix(_mix(seed + GOLDEN) + frame)[:, None] + torch.arange(draws.start, draws.stop, device=device)
    bits = _mix(_mix(key)[..., None] + GOLDEN * torch.arange(1, count + 1, device=device))
    return (((bits >> 40) & 0xFFFFFF).float() + 0.5) / 2**24


def gumbel(
    seed: Tensor, frame: Tensor, draws: range, temperature: float | Tensor, top_k: int, card: int
) -> list[Tensor]:
    """Noise `[B, top_k or card]` for each draw, to be given to `choose`; none where it will not be used."""
    if not isinstance(temperature, Tensor) and temperature == 0:
        return [torch.empty(0)] * len(draws)
    count = min(top_k or card, card)
    return list((-(-uniform(seed, frame, draws, count).log()).log()).unbind(1))


def choose(logits: Tensor, temperature: float | Tensor, top_k: int, noise: Tensor) -> Tensor:
    """Tokens int64 `[B]` from logits `[B, card]`: softmax at a temperature, among the best `top_k` (0 is all)."""
    likeliest = logits.argmax(dim=-1)
    if not isinstance(temperature, Tensor):
        if temperature == 0:
            return likeliest
        temperature = torch.tensor(temperature, device=logits.device)
    card = logits.shape[-1]
    best, ids = logits.float().topk(min(top_k or card, card), dim=-1)
    scaled = best / temperature.clamp(min=1e-6).view(-1, 1)
    sampled = ids.gather(-1, (scaled + noise[:, : best.shape[-1]]).argmax(dim=-1, keepdim=True))[:, 0]
    return torch.where(temperature > 0, sampled, likeliest)

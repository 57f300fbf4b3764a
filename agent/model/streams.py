"""The streams of a frame: their special ids, their delays, and the ring of tokens that undoes the delays live.

A model's sequence is its codes, each row delayed, behind one column of initial tokens (text, one codebook, delay 1):

    codes          t0 t1 t2 t3          sequence       T  t0 t1 t2 t3
                   a0 a1 a2 a3                         A  A  a0 a1 a2
    position                                           0  1  2  3  4

Position s is read to predict position s + 1. Live, call number s predicts position s + 1: agent tokens land there,
what the user says lands on s + its delay, so the user's very first frame is never read (Kyutai's `LMGen`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .config import ModelConfig

ZERO = -1  # no token: a zero embedding on the input, no loss on the output
UNGENERATED = -2  # a token that is yet to be sampled


def initial_tokens(config: ModelConfig, device: torch.device | str = "cpu") -> Tensor:
    """The column before the first frame, int64 `[1, K, 1]`: card for codebooks, text_card for text, no hint."""
    ids = [config.text_card, *[config.card] * config.n_q]
    ids += [config.text_card] * config.user_text + [ZERO] * config.ours.hint
    return torch.tensor(ids, device=device).view(1, -1, 1)


def stream_delays(config: ModelConfig) -> tuple[int, ...]:
    """Delay in frames of every row of the codes; a hint travels with the agent's text."""
    delays = config.delays
    if config.ours.user_text_delay is not None:
        delays = (*delays, config.ours.user_text_delay)
    return (*delays, config.delays[0]) if config.ours.hint else delays


def complete(codes: Tensor, config: ModelConfig) -> Tensor:
    """Codes `[B, K, T]` with every row; the rows beyond Moshi's may be left out. Raises ValueError on other shapes."""
    rows = 1 + config.n_q
    if codes.dim() != 3 or codes.shape[1] not in (rows, config.streams):
        raise ValueError(f"codes must be [B, {config.streams}, T] for this model, got {list(codes.shape)}")
    missing = config.streams - codes.shape[1]
    return torch.nn.functional.pad(codes, (0, 0, 0, missing), value=ZERO)


def delay(codes: Tensor, config: ModelConfig) -> Tensor:
    """Codes `[B, K, T]` -> the sequence `[B, K, T + 1]` of the picture above.

    A hint has no initial token and is read one position early: with the column that predicts the text it is about.
    """
    steps = codes.shape[2]
    initial = initial_tokens(config, codes.device).expand(codes.shape[0], -1, -1)
    rows = []
    for row, late in enumerate(stream_delays(config)):
        ahead = late if config.ours.hint and row == config.streams - 1 else late + 1
        start = initial[:, row].expand(-1, min(ahead, steps + 1))
        rows.append(torch.cat([start, codes[:, row]], dim=1)[:, : steps + 1])
        if rows[-1].shape[1] <= steps:
            rows[-1] = torch.nn.functional.pad(rows[-1], (0, 1), value=ZERO)
    return torch.stack(rows, dim=1)


def undelayed(hidden: Tensor, late: int) -> Tensor:
    """Outputs `[B, T, ...]` of a delayed stream moved to the frames they are about; the last `late` ones are void."""
    return hidden.roll(-late, dims=1) if late else hidden


def loss_mask(codes: Tensor, delays: tuple[int, ...]) -> Tensor:
    """Bool `[B, K, T]`: True where the row was predicted, i.e. it has a token and its delay did not push it out."""
    steps = codes.shape[2]
    last = torch.tensor([steps - late for late in delays], device=codes.device)
    return (torch.arange(steps, device=codes.device) < last[:, None]) & (codes != ZERO)


@torch.no_grad()
def spoil(logits: Tensor, delays: tuple[int, ...]) -> Tensor:
    """Fill the void ends of logits `[B, K, T, card]` with NaN, in place, so that a loss without the mask shows.

    Unknown to autograd: a loss that heeds the mask sends nothing back through them.
    """
    for row, late in enumerate(delays):
        if late:
            logits[:, row, max(logits.shape[2] - late, 0) :] = math.nan
    return logits


@dataclass(frozen=True)
class TokenState:
    """The tokens of the last few positions."""

    frame: Tensor  # int64 [B], calls so far
    ring: Tensor  # int64 [B, K, max delay + 2]


def init_tokens(config: ModelConfig, batch: int, device: torch.device | str = "cpu") -> TokenState:
    """The state before the first call."""
    ring = torch.full((batch, config.streams, max(config.delays) + 2), UNGENERATED, device=device)
    return TokenState(torch.zeros(batch, dtype=torch.int64, device=device), ring)


@dataclass(frozen=True)
class Layout:
    """The rows of a model's codes as tensors on its device."""

    delays: Tensor  # int64 [K]
    initial: Tensor  # int64 [1, K]
    last_initial: Tensor  # int64 [K], last position that reads the initial token

    @classmethod
    def of(cls, config: ModelConfig, device: torch.device | str = "cpu") -> Layout:
        """The layout of a configuration."""
        delays = torch.tensor(stream_delays(config), device=device)
        last = delays.clone()
        if config.ours.hint:
            last[-1] -= 1
        return cls(delays, initial_tokens(config, device)[:, :, 0], last)


def write(state: TokenState, rows: slice, ahead: Tensor, tokens: Tensor, executing: Tensor) -> TokenState:
    """Put tokens `[B, R]` of some rows at frame + `ahead` (int64 [R]), where `executing` (bool [B])."""
    ring = state.ring.clone()
    part = ring[:, rows]
    place = ((state.frame[:, None] + ahead) % ring.shape[2])[:, :, None]
    old = part.gather(2, place)
    part.scatter_(2, place, torch.where(executing[:, None, None], tokens[:, :, None], old))
    return replace(state, ring=ring)


def read(state: TokenState, layout: Layout, executing: Tensor) -> Tensor:
    """The input column `[B, K]` of this call; rows that are not executing read initial tokens."""
    place = (state.frame % state.ring.shape[2])[:, None, None].expand(-1, state.ring.shape[1], 1)
    early = (state.frame[:, None] <= layout.last_initial) | ~executing[:, None]
    return torch.where(early, layout.initial, state.ring.gather(2, place)[:, :, 0])


def collect(state: TokenState, layout: Layout, rows: int, longest: int, executing: Tensor) -> tuple[Tensor, Tensor]:
    """The newest frame whose first `rows` streams are all there, after a call: tokens `[B, rows]` and bool `[B]`.

    Rows of the batch without such a frame yet hold UNGENERATED. The frame is call number `frame - 1 - longest`.
    """
    place = (state.frame[:, None] - longest + layout.delays[:rows]) % state.ring.shape[2]
    tokens = state.ring[:, :rows].gather(2, place[:, :, None])[:, :, 0]
    ready = (state.frame > longest) & executing
    return torch.where(ready[:, None], tokens, UNGENERATED), ready

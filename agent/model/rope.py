"""Positions: rotary tables and angles, and the older sinusoidal embedding."""

from __future__ import annotations

import torch
from torch import Tensor

TABLES: dict[tuple[torch.device, tuple[float, ...]], Tensor] = {}  # of frequencies, by where they are


def default_frequencies(width: int, max_period: float) -> tuple[float, ...]:
    """Radians per step of the `width / 2` pairs of a head."""
    return tuple(max_period ** (-2 * pair / width) for pair in range(width // 2))


def angles(position: Tensor, steps: int, frequencies: tuple[float, ...]) -> tuple[Tensor, Tensor]:
    """Cosines and sines `[B, T, E/2]` of the steps from `position` (int64 [B]) on, for `codec.layers.attention.rotate`.

    Computed in float64: a float32 product of step and frequency is off by 1e-3 radians after an hour.
    """
    device = position.device
    at = position[:, None] + torch.arange(steps, device=device)
    turned = at.double()[..., None] * _on(device, frequencies)
    return turned.cos().float(), turned.sin().float()


def _on(device: torch.device, frequencies: tuple[float, ...]) -> Tensor:
    """The frequencies as float64 there, sent once: a graph of CUDA's cannot take them along."""
    table = TABLES.get((device, frequencies))
    if table is None:
        with torch.inference_mode(False):  # they may serve in training later
            table = torch.tensor(frequencies, dtype=torch.float64, device=device)
        if type(table) is Tensor:  # and not a stand-in of something that traces
            TABLES[device, frequencies] = table
    return table


def sinusoids(position: Tensor, steps: int, dim: int, max_period: float) -> Tensor:
    """The sum-in embedding `[B, T, dim]`: cosines, then sines."""
    half = dim // 2
    at = position[:, None] + torch.arange(steps, device=position.device)
    places = torch.arange(half, device=position.device) / max(half - 1, 1)
    phase = at.float()[..., None] / torch.full((), max_period, device=position.device) ** places
    return torch.cat([phase.cos(), phase.sin()], dim=-1)[..., :dim]


def needs_rotation(positions: str) -> bool:
    """Whether a kind of positions turns queries and keys."""
    return positions in ("rope", "sin_rope")


def needs_sinusoids(positions: str) -> bool:
    """Whether a kind of positions is added to the input."""
    return positions in ("sin", "sin_rope")


def half_to_pairs(width: int, rotated: int | None = None) -> list[int]:
    """Order of a head's rows that turns half-split rotation (i with i + R/2) into pairs (2i with 2i + 1).

    Args:
        width: of the head.
        rotated: R, rows that are rotated, the first of the head; the rest follow unchanged.
    """
    rotated = width if rotated is None else rotated
    pairs = [row for pair in range(rotated // 2) for row in (pair, pair + rotated // 2)]
    return pairs + list(range(rotated, width))

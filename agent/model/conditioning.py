"""Conditions of a whole stream (speaker, quality, ...): looked up or given as tensors, summed to or crossed with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from .config import ConditionerConfig, ModelConfig
from .rope import sinusoids

Value = str | None | Tensor


@dataclass(frozen=True)
class Conditions:
    """What a batch of streams is conditioned on."""

    total: Tensor | None = None  # [B, 1, D], added to every input
    crossed: Tensor | None = None  # [B, S, D], for cross-attention


class Conditioner(nn.Module):
    """One condition -> `[B, S, D]`, with a learned vector where there is none."""

    def __init__(self, config: ConditionerConfig, dim: int) -> None:
        super().__init__()
        self.config = config
        self.output_proj = nn.Linear(config.dim, dim, bias=False)
        self.learnt_padding = nn.Parameter(0.2 * torch.randn(1, 1, dim)) if config.learn_padding else None
        self.embed = nn.Embedding(config.bins + 1, config.dim) if config.kind == "lut" else None

    def forward(self, values: Sequence[Value]) -> Tensor:
        """One value per stream: a word (table) or a tensor `[S, dim]`, None for none."""
        vectors, mask = self._words(values) if self.embed is not None else self._tensors(values)
        y: Tensor = self.output_proj(vectors) * mask[..., None]
        return y if self.learnt_padding is None else y + self.learnt_padding * ~mask[..., None]

    def _words(self, values: Sequence[Value]) -> tuple[Tensor, Tensor]:
        assert self.embed is not None
        device = self.embed.weight.device
        index = torch.tensor([self._index(value) for value in values], device=device)[:, None]
        return self.embed(index), index < self.config.bins

    def _index(self, value: Value) -> int:
        config = self.config
        if value is None:
            return config.bins
        if not isinstance(value, str):
            raise ValueError(f'condition "{config.name}" takes a word, got a {type(value).__name__}')
        if not config.values:
            return int(hashlib.sha256(value.encode()).hexdigest(), 16) % config.bins
        if value not in config.values:
            raise ValueError(f'condition "{config.name}" must be one of {", ".join(config.values)}; got "{value}"')
        return config.values.index(value)

    def _tensors(self, values: Sequence[Value]) -> tuple[Tensor, Tensor]:
        weight = self.output_proj.weight
        given = [value for value in values if isinstance(value, Tensor)]
        if any(value.dim() != 2 or value.shape[1] != self.config.dim for value in given) or any(
            isinstance(value, str) for value in values
        ):
            raise ValueError(f'condition "{self.config.name}" takes a tensor [S, {self.config.dim}]')
        longest = max((len(value) for value in given), default=1)
        vectors = weight.new_zeros(len(values), longest, self.config.dim)
        mask = torch.zeros(len(values), longest, dtype=torch.bool, device=weight.device)
        for row, value in enumerate(values):
            if isinstance(value, Tensor):
                vectors[row, : len(value)] = value.to(vectors)
                mask[row, : len(value)] = True
        return vectors, mask


class Conditioning(nn.Module):
    """All conditions of a model."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.positions = config.cross_positions
        self.conditioners = nn.ModuleDict(
            {each.name: Conditioner(each, config.temporal.dim) for each in config.conditioners}
        )

    def forward(self, batch: int, given: Mapping[str, Sequence[Value]]) -> Conditions:
        """Conditions by name, one value per stream each; a name left out is none for all. Bad ones raise ValueError."""
        unknown = sorted(given.keys() - set(self.conditioners))
        if unknown:
            raise ValueError(
                f"this model has no conditions {', '.join(unknown)}; it has: {', '.join(self.conditioners)}"
            )
        by_fuser: dict[str, list[Tensor]] = {"sum": [], "cross": [], "unused": []}
        for name, conditioner in self.conditioners.items():
            values = given.get(name, [None] * batch)
            if len(values) != batch:
                raise ValueError(f'condition "{name}" needs {batch} values, one per stream, got {len(values)}')
            assert isinstance(conditioner, Conditioner)
            by_fuser[conditioner.config.fuse].append(conditioner(values))
        total = torch.stack(by_fuser["sum"]).sum(0) if by_fuser["sum"] else None
        crossed = torch.cat(by_fuser["cross"], dim=1) if by_fuser["cross"] else None
        if crossed is not None and self.positions is not None:
            start = torch.zeros(1, dtype=torch.int64, device=crossed.device)
            steps, dim = crossed.shape[1:]
            crossed = crossed + self.positions * sinusoids(start, steps, dim, 10_000.0)
        return Conditions(total, crossed)

"""Token embeddings: the zero token, low-rank tables, normalised tables, two tokens in one number."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional


class TokenEmbedding(nn.Module):
    """A table of `entries` vectors (Kyutai's `ScaledEmbedding`); token -1 gives zeros.

    With `demux` a token is `(second + 1) * entries + first`, second -1 for none, each through its own matrix.
    """

    def __init__(
        self, entries: int, dim: int, rank: int | None = None, norm: bool = False, demux: bool = False
    ) -> None:
        super().__init__()
        width = rank or dim
        self.weight = nn.Parameter(torch.empty(entries, width))
        self.norm = nn.LayerNorm(width, eps=1e-5) if norm else None
        self.low_rank = nn.Linear(width, dim, bias=False) if rank else None  # in the files, if unused, of a demuxed one
        self.out1 = nn.Linear(width, dim, bias=False) if demux else None
        self.out2 = nn.Linear(width, dim, bias=False) if demux else None
        nn.init.trunc_normal_(self.weight, std=width**-0.5, a=-3 * width**-0.5, b=3 * width**-0.5)

    def forward(self, tokens: Tensor) -> Tensor:
        """int64 `[...]` -> `[..., dim]`."""
        void = (tokens < 0)[..., None]
        tokens = tokens.clamp(min=0)
        if self.out1 is not None and self.out2 is not None:
            first, second = tokens % len(self.weight), tokens // len(self.weight) - 1
            other = self.out2(functional.embedding(second.clamp(min=0), self.weight))
            y = self.out1(functional.embedding(first, self.weight)) + other.masked_fill((second < 0)[..., None], 0)
            demuxed: Tensor = y.masked_fill(void, 0)
            return demuxed
        y = functional.embedding(tokens, self.weight)
        if self.norm is not None:
            y = self.norm(y)
        y = y.masked_fill(void, 0)
        result: Tensor = y if self.low_rank is None else self.low_rank(y)
        return result

"""Split residual vector quantization with exponentially averaged codebooks (arXiv 2107.03312, 2410.00037).

The latent is projected twice: the first codebook quantizes one projection (semantic), the others quantize the second
one residually (acoustic). A decoder gets the entries of both, `[B, F, 2 E]`; `combine` projects them back and sums.
Nothing changes silently: `forward` is pure, and a trainer moves the codebooks by `statistics` (summable across
processes) -> `update` -> `replace_dead`.
Shapes: B batch, F frames, D latent width, E codebook width, K entries, Q codebooks, N = rows * F vectors.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..config import QuantizerConfig

EPSILON = 1e-5  # least usage a codebook entry is divided by, as in Kyutai's checkpoints


@dataclass(frozen=True)
class LevelTrace:
    """What one codebook saw in one pass: `inputs` [N, E] (detached), `codes` int64 [N]."""

    inputs: Tensor
    codes: Tensor


@dataclass(frozen=True)
class LevelStatistics:
    """Sufficient statistics of one codebook's pass, to be summed over processes: `counts` [K], `sums` [K, E]."""

    counts: Tensor
    sums: Tensor


@dataclass(frozen=True)
class QuantizerAux:
    """What a trainer needs besides the latent.

    commit: scalar, mean over codebooks of the squared distance from input to entry; its gradient reaches the encoder.
    semantic: `[B, F, E]`, the first codebook's entries with a straight-through gradient: input of a distillation head.
    semantic_input: `[B, F, E]`, the same before quantization.
    traces: one per codebook used, for `statistics` and `replace_dead`; empty if nothing was quantized.
    """

    commit: Tensor
    semantic: Tensor
    semantic_input: Tensor
    traces: tuple[LevelTrace, ...]


def straight_through(x: Tensor, quantized: Tensor) -> Tensor:
    """`quantized` in value, `x` in gradient."""
    return x + (quantized - x).detach()


def _refresh_loaded(module: nn.Module, _: object) -> None:
    assert isinstance(module, Codebook)
    module.refresh()


class Codebook(nn.Module):
    """K entries of width E, stored as running sums and usage; `embedding` is their quotient, kept ready."""

    embedding_sum: Tensor
    cluster_usage: Tensor
    initialized: Tensor
    embedding: Tensor
    half_norm: Tensor

    def __init__(self, size: int, dim: int) -> None:
        super().__init__()
        self.register_buffer("embedding_sum", torch.randn(size, dim) * 0.1)
        self.register_buffer("cluster_usage", torch.ones(size))
        self.register_buffer("initialized", torch.zeros(1))
        self.register_buffer("embedding", torch.empty(size, dim), persistent=False)
        self.register_buffer("half_norm", torch.empty(size), persistent=False)
        self.refresh()
        self.register_load_state_dict_post_hook(_refresh_loaded)  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def refresh(self) -> None:
        """Recompute `embedding` after `embedding_sum` or `cluster_usage` changed."""
        self.embedding = self.embedding_sum / self.cluster_usage.clamp(min=EPSILON)[:, None]
        self.half_norm = self.embedding.square().sum(dim=-1) / 2

    def encode(self, x: Tensor) -> Tensor:
        """Index of the nearest entry: `[..., E]` -> int64 `[...]`."""
        return torch.addmm(self.half_norm, x.flatten(0, -2), self.embedding.T, alpha=-1).argmin(-1).view(x.shape[:-1])

    def decode(self, codes: Tensor) -> Tensor:
        """Entries by index: `[...]` -> `[..., E]`."""
        return functional.embedding(codes, self.embedding)

    @torch.no_grad()
    def set_entries(self, entries: Tensor, usage: Tensor | None = None) -> None:
        """Replace all entries `[K, E]`, e.g. by k-means centroids; `usage` [K] are their counts (1 each if None)."""
        weight = torch.ones_like(self.cluster_usage) if usage is None else usage.to(self.cluster_usage).clamp(min=1.0)
        self.cluster_usage.copy_(weight / weight.mean())
        self.embedding_sum.copy_(entries.to(self.embedding_sum) * self.cluster_usage[:, None])
        self.initialized.fill_(1.0)
        self.refresh()


class SplitQuantizer(nn.Module):
    """One semantic and Q - 1 acoustic codebooks over a latent `[B, F, D]`."""

    def __init__(self, config: QuantizerConfig, dim: int) -> None:
        super().__init__()
        self.config = config
        width = config.codebook_dim
        self.semantic_in = nn.Linear(dim, width, bias=False)
        self.semantic_out = nn.Linear(width, dim, bias=False)
        self.acoustic_in = nn.Linear(dim, width, bias=False)
        self.acoustic_out = nn.Linear(width, dim, bias=False)
        self.codebooks = nn.ModuleList(Codebook(config.codebook_size, width) for _ in range(config.n_q))

    def books(self) -> list[Codebook]:
        """The codebooks, semantic first."""
        return [book for book in self.codebooks if isinstance(book, Codebook)]

    def encode(self, z: Tensor, n_q: int | None = None) -> Tensor:
        """Latent `[B, F, D]` -> codes int64 `[B, n_q, F]`."""
        first, *rest = self.books()[:n_q]
        codes = [first.encode(self.semantic_in(z))]
        residual = self.acoustic_in(z) if rest else z
        for book in rest:
            codes.append(book.encode(residual))
            residual = residual - book.decode(codes[-1])
        return torch.stack(codes, dim=1)

    def decode(self, codes: Tensor) -> Tensor:
        """Codes `[B, Q', F]`, Q' from 1 to Q -> entries `[B, F, 2 E]`: semantic, then the sum of the acoustic ones.

        Element by element in a fixed order, so the result has the same bits however a stream is cut.
        """
        first, *rest = self.books()[: codes.shape[1]]
        semantic = first.decode(codes[:, 0])
        acoustic = torch.zeros_like(semantic)
        for level, book in enumerate(rest, start=1):
            acoustic = acoustic + book.decode(codes[:, level])
        return torch.cat([semantic, acoustic], dim=-1)

    def combine(self, entries: Tensor) -> Tensor:
        """Entries `[B, F, 2 E]` -> latent `[B, F, D]`."""
        semantic, acoustic = entries.chunk(2, dim=-1)
        latent: Tensor = self.semantic_out(semantic) + self.acoustic_out(acoustic)
        return latent

    def forward(
        self, z: Tensor, n_q: int | Tensor | None = None, unquantized: bool | Tensor = False
    ) -> tuple[Tensor, Tensor, QuantizerAux]:
        """Quantize for training, with straight-through gradients on the sum of the entries.

        Args:
            z: latent `[B, F, D]`.
            n_q: codebooks to keep, one number or int64 `[B]` (quantizer dropout); all if None.
            unquantized: True, or bool `[B]`: rows whose projections pass as they are. True for all skips the search.

        Returns:
            entries `[B, F, 2 E]`, codes int64 `[B, Q, F]` (empty if nothing was searched) and the auxiliary values.
        """
        semantic, acoustic = self.project(z)
        if unquantized is True:
            aux = QuantizerAux(z.new_zeros(()), semantic, semantic, ())
            return (
                torch.cat([semantic, acoustic], dim=-1),
                torch.empty(z.shape[0], 0, z.shape[1], dtype=torch.int64, device=z.device),
                aux,
            )
        keep = torch.as_tensor(self.config.n_q if n_q is None else n_q, device=z.device).expand(z.shape[0])
        entries, codes, commit, traces = self._search(semantic, acoustic, keep)
        first, rest = straight_through(semantic, entries[0]), straight_through(acoustic, entries[1])
        aux = QuantizerAux(commit, first, semantic, traces)
        if isinstance(unquantized, Tensor):
            rows = unquantized.to(z.device)[:, None, None]
            first, rest = torch.where(rows, semantic, first), torch.where(rows, acoustic, rest)
        return torch.cat([first, rest], dim=-1), codes, aux

    def project(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """What the first codebook and the acoustic chain see: two `[B, F, E]`. Input of an offline k-means."""
        return self.semantic_in(z), self.acoustic_in(z)

    def _search(
        self, semantic: Tensor, acoustic: Tensor, keep: Tensor
    ) -> tuple[tuple[Tensor, Tensor], Tensor, Tensor, tuple[LevelTrace, ...]]:
        """Entries (semantic, summed acoustic), codes `[B, Q, F]`, commitment loss and traces."""
        traces, codes, commit = [], [], semantic.new_zeros(())
        residual, total = semantic, torch.zeros_like(acoustic)
        first = torch.zeros_like(semantic)
        for level, book in enumerate(self.books()):
            inputs = residual.detach()
            code = book.encode(inputs)
            entry = book.decode(code)
            commit = commit + functional.mse_loss(residual, entry)
            traces.append(LevelTrace(inputs.flatten(0, 1), code.flatten()))
            codes.append(code)
            if level == 0:
                first, residual = entry, acoustic
            else:
                total = total + entry * (keep > level)[:, None, None]
                residual = residual - entry
        return (first, total), torch.stack(codes, dim=1), commit / self.config.n_q, tuple(traces)

    @torch.no_grad()
    def statistics(self, traces: Sequence[LevelTrace]) -> list[LevelStatistics]:
        """Counts and sums per entry of one pass. Sum them over processes before `update`."""
        size = self.config.codebook_size
        levels = []
        for trace in traces:
            sums = trace.inputs.new_zeros(size, trace.inputs.shape[-1]).index_add_(0, trace.codes, trace.inputs)
            levels.append(LevelStatistics(torch.bincount(trace.codes, minlength=size).to(sums.dtype), sums))
        return levels

    @torch.no_grad()
    def update(self, statistics: Sequence[LevelStatistics], decay: float = 0.99) -> None:
        """Move every codebook towards the mean of its inputs by an exponential average."""
        for book, level in zip(self.books(), statistics, strict=False):
            book.cluster_usage.lerp_(level.counts, 1 - decay)
            book.embedding_sum.lerp_(level.sums, 1 - decay)
            book.refresh()

    @torch.no_grad()
    def replace_dead(
        self, traces: Sequence[LevelTrace], threshold: float = 0.1, generator: torch.Generator | None = None
    ) -> list[int]:
        """Put inputs drawn at random in place of entries used less than `threshold` times the mean usage.

        Returns:
            entries replaced, per codebook. Processes that must agree need the same traces and generator state.
        """
        replaced = []
        for book, trace in zip(self.books(), traces, strict=False):
            mean = book.cluster_usage.mean()
            dead = (book.cluster_usage < threshold * mean).nonzero()[:, 0]
            replaced.append(len(dead))
            if not len(dead):
                continue
            picks = torch.randint(len(trace.inputs), (len(dead),), generator=generator).to(dead.device)
            book.cluster_usage[dead] = mean
            book.embedding_sum[dead] = trace.inputs[picks] * mean
            book.refresh()
        return replaced

    def initialize(self, level: int, centroids: Tensor, usage: Tensor | None = None) -> None:
        """Start codebook `level` from centroids `[K, E]` of its inputs (a level's inputs need the levels before it)."""
        book = self.books()[level]
        if centroids.shape != book.embedding.shape:
            raise ValueError(
                f"codebook {level} takes centroids {list(book.embedding.shape)}, got {list(centroids.shape)}"
            )
        book.set_entries(centroids, usage)

    @torch.no_grad()
    def usage(self, threshold: float = 0.1) -> list[float]:
        """Fraction of entries used at least `threshold` times the mean, per codebook, from the running counts."""
        return [float((b.cluster_usage >= threshold * b.cluster_usage.mean()).float().mean()) for b in self.books()]

    @torch.no_grad()
    def perplexity(self) -> list[float]:
        """Exponential of the entropy of the running counts, per codebook; K where all entries are used alike."""
        shares = [b.cluster_usage / b.cluster_usage.sum().clamp(min=EPSILON) for b in self.books()]
        return [float(torch.exp(-(p * p.clamp(min=1e-12).log()).sum())) for p in shares]

    def extra_repr(self) -> str:
        """The sizes, for printing the module."""
        settings: Any = self.config
        return f"n_q={settings.n_q}, size={settings.codebook_size}, dim={settings.codebook_dim}"

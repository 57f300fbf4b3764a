"""The multi-stream transformer over whole sequences: embeddings, temporal and depth transformer, aligned logits."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import Tensor, nn

from . import streams
from .conditioning import Conditioning, Conditions, Value
from .config import ModelConfig
from .depth import Depth
from .embedding import TokenEmbedding
from .norm import make_norm
from .temporal import TemporalTransformer

Model = TypeVar("Model", bound=nn.Module)


@dataclass(frozen=True)
class Output:
    """Predictions aligned with the codes: entry t is about frame t. Void ends are NaN where the mask is False."""

    logits: Tensor | None  # [B, dep_q, T, card]
    mask: Tensor | None  # bool [B, dep_q, T]
    text_logits: Tensor  # [B, 1, T, text_card]
    text_mask: Tensor  # bool [B, 1, T]
    user_text_logits: Tensor | None = None  # [B, 1, T, text_card]
    user_text_mask: Tensor | None = None
    hidden: Tensor | None = None  # [B, T, D], of the temporal transformer, by position


class Predictor(nn.Module):
    """The weights of the model and its predictions over whole sequences."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.config = config
        dim, norm = config.temporal.dim, config.norm_emb
        self.text_emb = TokenEmbedding(config.text_card + 1, dim, None, norm, config.demux_text)
        rank = config.ours.embedding_rank
        heard = range(config.first_heard, 1 + config.n_q)
        self.emb = nn.ModuleList(TokenEmbedding(config.card + 1, dim, rank, norm) for _ in heard)
        self.temporal = TemporalTransformer(config.temporal)
        self.out_norm = make_norm(config.temporal.norm, dim, config.temporal.variation.norm_eps)
        self.text_linear = nn.Linear(dim, config.text_out, bias=config.bias_proj)
        self.depth = None if config.depth is None else Depth(config)
        self.extra_heads = nn.ModuleList(
            nn.Linear(dim, config.extra_heads_dim, bias=False) for _ in range(config.extra_heads)
        )
        self.condition_provider = Conditioning(config) if config.conditioners else None
        # The further text streams share the agent's vocabulary and tables, each through a matrix of its own.
        self.user_text_in = nn.Linear(dim, dim, bias=False) if config.user_text else None
        self.user_text_out = nn.Linear(dim, dim, bias=False) if config.user_text else None
        self.hint_in = nn.Linear(dim, dim, bias=False) if config.ours.hint else None
        initialize(self)

    def checkpoint_layers(self, on: bool = True) -> None:
        """Keep only the inputs of layers in training, and compute the rest again for the gradient."""
        self.temporal.checkpointing = on
        if self.depth is not None:
            self.depth.checkpointing = on

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.text_emb.weight.device

    def conditions(self, batch: int, given: Mapping[str, Sequence[Value]] | None = None) -> Conditions:
        """The conditions of a batch, by name, one value per stream. Unknown names or values raise ValueError."""
        if self.condition_provider is None:
            if given:
                raise ValueError(f"this model takes no conditions, got {', '.join(given)}")
            return Conditions()
        conditions: Conditions = self.condition_provider(batch, given or {})
        return conditions

    def embed(self, sequence: Tensor, total: Tensor | None = None) -> Tensor:
        """Token columns int64 `[B, K, S]` -> inputs `[B, S, D]`, `total` (`[B, 1, D]`) added."""
        config = self.config
        x: Tensor = self.text_emb(sequence[:, 0])
        for row, table in enumerate(self.emb, start=config.first_heard):
            x = x + table(sequence[:, row])
        if self.user_text_in is not None:
            x = x + self.user_text_in(self.text_emb(sequence[:, 1 + config.n_q]))
        if self.hint_in is not None:
            x = x + self.hint_in(self.text_emb(sequence[:, -1]))
        return x if total is None else x + total.to(x.dtype)

    def hidden(self, sequence: Tensor, conditions: Conditions | None = None) -> Tensor:
        """Token columns int64 `[B, K, S]`, as they are -> temporal output `[B, S, D]`, with gradient."""
        conditions = conditions or Conditions()
        x = self.embed(sequence, conditions.total)
        crossed = None if conditions.crossed is None else conditions.crossed.to(x.dtype)
        y: Tensor = self.out_norm(self.temporal(x, crossed))
        return y

    def forward(self, codes: Tensor, conditions: Conditions | None = None) -> Output:
        """Teacher-forced predictions, with gradient.

        Args:
            codes: int64 `[B, K, T]`, undelayed: text, agent, user, then user text and hint if the model has them
                (those may be left out). -1 marks a token that is not there.
            conditions: from `conditions`, for a model that has some.

        Raises:
            ValueError: another number of rows.
        """
        config = self.config
        codes = streams.complete(codes, config)
        if self.condition_provider is not None and conditions is None:
            conditions = self.conditions(len(codes))
        sequence = streams.delay(codes, config)
        z = self.hidden(sequence[:, :, :-1], conditions)
        logits = mask = user_logits = user_mask = None
        if self.depth is not None:
            logits = self._depth_logits(z, sequence[:, :, 1:])
            delays = config.delays[1 : 1 + config.dep_q]
            mask = streams.loss_mask(codes[:, 1 : 1 + config.dep_q], delays)
        text_logits = self._aligned(self.text_linear, z, config.delays[0])
        text_mask = streams.loss_mask(codes[:, :1], config.delays[:1])
        if self.user_text_out is not None and config.ours.user_text_delay is not None:
            user_logits = self._aligned(self.text_linear, self.user_text_out(z), config.ours.user_text_delay)
            row = codes[:, 1 + config.n_q : 2 + config.n_q]
            user_mask = streams.loss_mask(row, (config.ours.user_text_delay,))
        return Output(logits, mask, text_logits, text_mask, user_logits, user_mask, z)

    def _aligned(self, head: nn.Module, z: Tensor, late: int) -> Tensor:
        return streams.spoil(head(streams.undelayed(z, late))[:, None], (late,))

    def _depth_logits(self, z: Tensor, targets: Tensor) -> Tensor:
        assert self.depth is not None
        batch, steps, dim = z.shape
        before = targets[:, : self.config.dep_q].transpose(1, 2).flatten(0, 1)
        outputs = self.depth(z.reshape(batch * steps, dim), before)
        delays = self.config.delays[1:]
        moved = (streams.undelayed(x.view(batch, steps, -1), delays[k]) for k, x in enumerate(outputs))
        logits = torch.stack([self.depth.logits(step, x) for step, x in enumerate(moved)], dim=1)
        return streams.spoil(logits, delays[: self.config.dep_q])

    def prepare(self: Model) -> Model:
        """Lay float32 matrices out input-major, read faster by a CPU for few rows; values stay. Returns self."""
        for module in self.modules():
            if isinstance(module, nn.Linear) and module.weight.dtype == torch.float32:
                module.weight.data = module.weight.data.t().contiguous().t()
        return self


def initialize(module: nn.Module) -> None:
    """Fresh weights as in Moshi's training: truncated normal of deviation 1 / sqrt(inputs), cut at three."""
    for child in module.modules():
        if isinstance(child, nn.Linear):
            std = child.in_features**-0.5
            nn.init.trunc_normal_(child.weight, std=std, a=-3 * std, b=3 * std)
            if child.bias is not None:
                nn.init.zeros_(child.bias)

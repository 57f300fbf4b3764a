"""The books of a mapping: which of an LM's tensors were read, which of ours were written; nothing may be left."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

from ..model.embedding import TokenEmbedding
from ..model.language_model import LanguageModel
from ..model.streams import ZERO
from .open_lm import refusal

FRESH = ("emb.", "depth.", "user_text_", "hint_in.", "extra_heads.", "condition_provider.")  # ours that no LM has


class MappingLedger:
    """Which of an LM's tensors were read, and which of ours were written."""

    def __init__(self) -> None:
        self._read: set[int] = set()
        self._written: set[int] = set()

    def take(self, parameter: Tensor) -> Tensor:
        """One of the LM's parameters, in float32."""
        self._read.add(id(parameter))
        return parameter.detach().float()

    def put(self, parameter: Tensor, values: Tensor) -> None:
        """Give one of ours its values."""
        if parameter.shape != values.shape:
            raise ValueError(f"the language model cannot be mapped: {list(values.shape)} for {list(parameter.shape)}")
        parameter.copy_(values)
        self._written.add(id(parameter))

    def check(self, theirs: Iterable[tuple[str, Tensor]], ours: LanguageModel, kind: str) -> None:
        """Raise ValueError for a tensor of theirs that has found no place, or one of ours without a source."""
        left = [name for name, parameter in theirs if id(parameter) not in self._read]
        if left:
            more = f" and {len(left) - 1} more" if left[1:] else ""
            raise refusal(kind, f"there is no place for {left[0]}{more}")
        for name, parameter in ours.named_parameters():
            if id(parameter) not in self._written and not name.startswith(FRESH):
                raise refusal(kind, f"it has nothing for our {name}")


def put_text(
    ledger: MappingLedger, model: LanguageModel, table: Tensor, head: Tensor, start: int | None, scale: float = 1.0
) -> None:
    """Embeddings and text logits out of an LM's tables `[V, D]`.

    New ids start as the mean, the initial token as the LM's beginning of text `start`; embeddings are times `scale`.
    """
    first = table.mean(0) if start is None or not 0 <= start < len(table) else table[start]
    mean = table.mean(0, keepdim=True)
    ledger.put(model.text_emb.weight, scale * torch.cat([table, mean, mean, first[None]]))
    ledger.put(model.text_linear.weight, torch.cat([head, head.mean(0, keepdim=True).expand(2, -1)]))


def quiet_audio(model: LanguageModel) -> None:
    """Scale the fresh audio embeddings so that their sum is as loud as one text token, further text silent."""
    sequence = torch.zeros(1, model.config.streams, 1, dtype=torch.int64)
    sequence[:, 0] = ZERO
    sequence[:, 1 + model.config.n_q :] = ZERO
    loudness = model.embed(sequence).square().mean().sqrt()
    text = model.text_emb.weight.square().mean().sqrt()
    for table in model.emb:
        assert isinstance(table, TokenEmbedding)
        (table.weight if table.low_rank is None else table.low_rank.weight).mul_(text / loudness)
    for silent in (model.user_text_in, model.hint_in):
        if silent is not None:
            nn.init.zeros_(silent.weight)

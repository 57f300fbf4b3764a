"""What a fixed number of conversations remember, and what a frame leaves for its second half, on the device."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from codec import Codec
from codec.layers import streaming

from ...model.language_model import LanguageModel
from ..rows import Held
from .exchange import Table

UNSEEN = ("keys", "values", "cache")  # memories that a position hides: they need no cleaning


@dataclass(frozen=True)
class HalfFrame:
    """What the first half of a frame leaves for the second."""

    hidden: Tensor  # [B, D]
    text: Tensor  # int64 [B], as chosen freely
    user_text: Tensor  # int64 [B], 0 for a model that does not transcribe


@dataclass(frozen=True)
class Memory:
    """Everything that a tick reads and writes, in place."""

    orders: Table
    answers: Table
    held: Held  # [B, ...]
    thought: HalfFrame
    fresh: Held  # [1, ...]


def blank(model: LanguageModel, codec: Codec, rows: int, orders: Table, answers: Table) -> Memory:
    """Memory of `rows` conversations that have not begun."""
    fresh = Held(codec.init_state(1), model.init_state(1, [0]))
    held = Held(codec.init_state(rows), model.init_state(rows, [0] * rows))
    numbers = torch.zeros(2, rows, dtype=torch.int64, device=model.device)
    hidden = fresh.model.total.new_zeros(rows, fresh.model.total.shape[-1])
    return Memory(orders, answers, held, HalfFrame(hidden, *numbers.unbind()), fresh)


def keep(old: object, new: object, where: Tensor | None = None) -> None:
    """Write one state over another, in place, where a row of bool `[B]` says so."""
    for (_, kept), (_, value) in zip(streaming.named_tensors(old), streaming.named_tensors(new), strict=True):
        if kept is not value:
            kept.copy_(value if where is None else _where(where, value, kept))


def begin(held: Held, fresh: Held, where: Tensor) -> None:
    """Start the rows of bool `[B]` anew, in place."""
    pairs = zip(streaming.named_tensors(held), streaming.named_tensors(fresh), strict=True)
    for (name, kept), (_, value) in pairs:
        if not any(part in UNSEEN for part in name.split(".")):
            kept.copy_(_where(where, value, kept))


def _where(rows: Tensor, new: Tensor, old: Tensor) -> Tensor:
    return torch.where(rows.view(-1, *[1] * (old.dim() - 1)), new, old)

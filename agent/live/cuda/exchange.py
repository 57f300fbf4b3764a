"""What goes to the device and comes back, once each a tick: whole numbers and floats of all rows in one buffer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from corpus.audio import FRAME_SAMPLES, Samples

from ...model.columns import DEAF
from ...model.config import ModelConfig
from ...model.streams import UNGENERATED
from ..stepper import RowOrder

EXECUTING, RESET, SEED, TEXT_RANKS, AUDIO_RANKS, HEARD, FORCED = range(7)  # of an order's whole numbers; the rest too
TEXT_HEAT, AUDIO_HEAT, PAD_BIAS, END_PAD_BIAS, SOUND = range(5)  # of its floats
READY, TEXT, USER_TEXT, TOKENS = range(4)  # columns of an answer's whole numbers; its floats are sound
ALL_RANKS = 2**62  # of a choice among all tokens


@dataclass(frozen=True)
class Table:
    """Numbers of all rows, views of one buffer."""

    raw: Tensor  # uint8
    whole: Tensor  # int64 [B, columns]
    real: Tensor  # float32 [B, columns]

    @cached_property
    def numbers(self) -> tuple[Any, Any]:
        """Both as NumPy's arrays on the same memory, of a table on the CPU."""
        return self.whole.numpy(), self.real.numpy()

    @classmethod
    def of(cls, rows: int, whole: int, real: int, device: torch.device | str, pinned: bool = False) -> Table:
        """Zeros."""
        raw = torch.zeros(rows * (8 * whole + 4 * real), dtype=torch.uint8, device=device, pin_memory=pinned)
        cut = 8 * rows * whole
        return cls(raw, raw[:cut].view(torch.int64).view(rows, whole), raw[cut:].view(torch.float32).view(rows, real))


class Channel:
    """A table on both sides."""

    def __init__(self, rows: int, whole: int, real: int, device: torch.device) -> None:
        self.here = Table.of(rows, whole, real, "cpu", pinned=device.type == "cuda")
        self.there = Table.of(rows, whole, real, device)

    def send(self) -> None:
        """To the device; what is here may change once the device has caught up."""
        self.there.raw.copy_(self.here.raw, non_blocking=True)

    def fetch(self) -> None:
        """From the device; it is here once the device has caught up."""
        self.here.raw.copy_(self.there.raw, non_blocking=True)


def orders_channel(config: ModelConfig, rows: int, device: torch.device) -> Channel:
    """What is asked of every row."""
    return Channel(rows, FORCED + 1 + config.agent_codebooks, SOUND + FRAME_SAMPLES, device)


def answers_channel(config: ModelConfig, rows: int, device: torch.device) -> Channel:
    """What every row answers."""
    return Channel(rows, TOKENS + 1 + config.agent_codebooks, FRAME_SAMPLES, device)


def write_order(table: Table, row: int, config: ModelConfig, order: RowOrder, sound: Samples) -> None:
    """Ask a row to move on.

    Raises ValueError for a user's text that is to be drawn by chance, the likeliest is taken here, and for words heard
    for a model that does not read any.
    """
    sampling = order.sampling
    if float(sampling.user_text_temperature):
        raise ValueError("rows on a card write the user's likeliest words: user_text_temperature must be 0")
    if order.heard != UNGENERATED and not config.user_text:
        raise ValueError(DEAF)
    whole, real = table.numbers
    whole[row, EXECUTING] = 1
    whole[row, TEXT_RANKS] = sampling.text_top_k or ALL_RANKS
    whole[row, AUDIO_RANKS] = sampling.audio_top_k or ALL_RANKS
    whole[row, HEARD] = order.heard
    whole[row, FORCED:] = order.tokens(config)
    heat = (float(sampling.text_temperature), float(sampling.audio_temperature))
    real[row, :SOUND] = (*heat, order.pad_bias, order.end_pad_bias)
    real[row, SOUND:] = sound


def most_ranks(orders: Sequence[RowOrder], text: int, audio: int) -> tuple[int, int]:
    """The most tokens that a choice of text and of a codebook is among, of so many that there are."""
    samplings = [order.sampling for order in orders]
    return (
        max(min(each.text_top_k or text, text) for each in samplings),
        max(min(each.audio_top_k or audio, audio) for each in samplings),
    )

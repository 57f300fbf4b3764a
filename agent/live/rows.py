"""The conversations of a batch as the machine holds them: as values, one beside the other, or as rows on a card."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeVar

import numpy as np
import torch
from torch import Tensor

from codec.layers import streaming
from codec.model import CodecState
from corpus.audio import FRAME_SAMPLES, Samples

from ..files.talking_model import TalkingModel, user_codes
from ..hearing.stream import Hearing, fresh, listen
from ..model.config import ModelConfig
from ..model.language_model import ModelState
from .frame_out import PartTimes
from .freeing import let_go
from .stepper import RowByRow, RowFrame, RowOrder, Stepper

T = TypeVar("T")
U = TypeVar("U")
S = TypeVar("S")


@dataclass(frozen=True)
class Held:
    """A conversation as a value, batch 1."""

    codec: CodecState
    model: ModelState
    hearing: Any = None  # a hearing's state; None where the model listens for itself, or it has heard nothing


@dataclass(frozen=True)
class Answers:
    """What the conversations that were moved on gave."""

    frames: dict[int, RowFrame]  # by slot
    sound: dict[int, Samples]  # float32 [1920], zeros while not ready
    times: PartTimes


class Rows(Protocol):
    """Conversations by slot; what one says depends on itself alone."""

    codec: Any  # a `codec.Codec` or anything with its methods
    fixed: bool  # as many rows as slots, which take the time of all whoever has a frame

    def open(self, slot: int, seed: int) -> None:
        """Start a conversation."""

    def close(self, slot: int) -> None:
        """Forget one."""

    def snapshot(self, slot: int) -> Held:
        """A copy of one, on the CPU."""

    def restore(self, slot: int, held: Held) -> None:
        """Go on with a copy, from whatever machine. Raises ValueError for one of another model."""

    def step(self, heard: Mapping[int, Samples], orders: Mapping[int, RowOrder]) -> Answers:
        """Move conversations on: float32 `[1920]` that each hears, and how it answers."""

    def let_go(self, bundle: TalkingModel) -> None:
        """Free the bundle's weights where these rows have their own."""


class ValueRows:
    """Every conversation is a value; a stepper moves them on together, the codec one after another."""

    fixed = False

    def __init__(
        self,
        config: ModelConfig,
        device: torch.device,
        stepper: Stepper,
        codec: Any,
        threads: int,
        hearing: Hearing | None = None,
    ) -> None:
        self.codec, self._hearing = codec, hearing
        self._config, self._device, self._stepper = config, device, stepper
        self._workers = ThreadPoolExecutor(threads) if threads > 1 else None  # for the codec and the hearing
        self._rows: dict[int, Held] = {}

    def open(self, slot: int, seed: int) -> None:
        """See `Rows`."""
        self._rows[slot] = self._fresh(seed)

    def close(self, slot: int) -> None:
        """See `Rows`."""
        del self._rows[slot]

    def snapshot(self, slot: int) -> Held:
        """See `Rows`."""
        return streaming.to(streaming.copy(self._rows[slot]), "cpu")

    def restore(self, slot: int, held: Held) -> None:
        """See `Rows`."""
        self._rows[slot] = streaming.copy(fitted(self._fresh(0), held))

    def step(self, heard: Mapping[int, Samples], orders: Mapping[int, RowOrder]) -> Answers:
        """See `Rows`."""
        slots, clock = list(heard), [time.perf_counter()]
        rows, sounds = [self._rows[slot] for slot in slots], [heard[slot] for slot in slots]
        codes = self._each(self._encode, sounds, [row.codec for row in rows])
        words = self._each(partial(listen, self._hearing), sounds, [row.hearing for row in rows])
        clock.append(time.perf_counter())
        user = torch.cat([each for each, _ in codes])
        asked = [orders[slot].with_heard(token, self._config) for slot, (token, _) in zip(slots, words, strict=True)]
        said, models = self._stepper.step(user, [row.model for row in rows], asked)
        clock.append(time.perf_counter())
        played = self._each(self._decode, said, [codec for _, codec in codes])
        clock.append(time.perf_counter())
        encode, step, decode = (1e3 * (after - before) for before, after in itertools.pairwise(clock))
        for slot, model, (_, codec), (_, hearing) in zip(slots, models, played, words, strict=True):
            self._rows[slot] = Held(codec, model, hearing)
        return Answers(
            dict(zip(slots, said, strict=True)),
            {slot: sound for slot, (sound, _) in zip(slots, played, strict=True)},
            PartTimes(encode / len(slots), step, decode / len(slots)),
        )

    def let_go(self, bundle: TalkingModel) -> None:
        """See `Rows`."""
        for mine, used in ((bundle.model, self._stepper), (bundle.codec, self.codec)):
            if not (used is mine or isinstance(used, RowByRow)):
                let_go(mine)

    def _fresh(self, seed: int) -> Held:
        return Held(self.codec.init_state(1), self._stepper.init_state(seed), fresh(self._hearing))

    def _each(self, work: Callable[[T, S], tuple[U, S]], items: list[T], states: list[S]) -> list[tuple[U, S]]:
        """Work for every conversation by itself: ONNX Runtime's 8-bit scales are of a whole batch."""
        return list((map if self._workers is None else self._workers.map)(work, items, states))

    def _encode(self, frame: Samples, state: CodecState) -> tuple[Tensor, CodecState]:
        """Codes `[1, user codebooks]` and the codec's state after them."""
        wave = torch.as_tensor(frame)[None, None].to(self._device)
        codes, state = user_codes(self.codec, self._config, wave, state)
        return codes.cpu(), state

    def _decode(self, frame: RowFrame, state: CodecState) -> tuple[Samples, CodecState]:
        if not frame.ready:
            return np.zeros(FRAME_SAMPLES, np.float32), state
        wave, state = self.codec.decode_frame(frame.tokens[None, 1:, None].to(self._device), state)
        return wave[0, 0].cpu().numpy(), state


def fitted(like: Held, held: Held) -> Held:
    """A conversation with the float types and on the devices of another. Raises ValueError for one of another model.

    Where only one of both has a hearing, it is as in `like`: it begins to hear now, or does no more.
    """
    if like.hearing is None or held.hearing is None:
        held = replace(held, hearing=like.hearing)
    wanted, given = streaming.flatten(like), streaming.flatten(held)
    moved = {
        name: tensor.to(wanted[name].device, wanted[name].dtype)
        if name in wanted and tensor.is_floating_point() and wanted[name].is_floating_point()
        else tensor.to(wanted.get(name, tensor).device)
        for name, tensor in given.items()
    }
    return streaming.unflatten(like, moved)

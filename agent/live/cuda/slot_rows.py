"""Conversations as rows of one memory on the device: all that have a frame move on in one tick."""

from __future__ import annotations

import itertools
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import torch

from codec import Codec
from codec.layers import streaming
from corpus.audio import Samples

from ...files.talking_model import TalkingModel
from ...hearing.stream import Hearing, fresh, listen
from ...model.language_model import LanguageModel
from ...model.streams import UNGENERATED
from ..frame_out import PartTimes
from ..rows import Answers, Held, fitted
from ..stepper import RowFrame, RowOrder
from . import tick
from .exchange import (
    EXECUTING,
    FORCED,
    HEARD,
    READY,
    RESET,
    SEED,
    TEXT,
    TOKENS,
    USER_TEXT,
    answers_channel,
    most_ranks,
    orders_channel,
    write_order,
)
from .fixed_work import FixedWork
from .memory import blank

USUAL_RANKS = (64, 256)  # candidates of a text token and of a code that most clients stay within


def unfit(model: LanguageModel, codec: Any) -> str:
    """What keeps a model and its codec from moving in one go; "" for nothing."""
    if model.config.temporal.variation.experts is not None:
        return "a mixture of experts"
    if model.config.temporal.context is None:
        return "a model without a context"
    return "" if isinstance(codec, Codec) else "a codec that is not PyTorch's"


class SlotRows:
    """See `agent.live.rows.Rows`."""

    fixed = True

    @torch.inference_mode()
    def __init__(
        self, model: LanguageModel, codec: Codec, slots: int, recorded: bool = True, hearing: Hearing | None = None
    ) -> None:
        """Lay out the memory of `slots` conversations, and record the work on a card, unless told not to."""
        assert not unfit(model, codec)
        self.codec, self.model, self.slots, self._hearing = codec, model, slots, hearing
        self._device, self._may_record = model.device, recorded
        self._orders = orders_channel(model.config, slots, self._device)
        self._answers = answers_channel(model.config, slots, self._device)
        self.memory = blank(model, codec, slots, self._orders.there, self._answers.there)
        self._pool = torch.cuda.graph_pool_handle() if self._device.type == "cuda" else None
        self._works: dict[tuple[str, tuple[int, int]], FixedWork] = {}
        self._new: dict[int, int] = {}  # seeds of conversations that have not heard a frame
        self._ears: dict[int, Any] = {}  # the hearing's states, on the CPU
        text, audio = model.config.text_out, model.config.card
        self._ranks = [(min(USUAL_RANKS[0], text), min(USUAL_RANKS[1], audio)), (text, audio)]
        if self._device.type == "cuda":
            for ranks in self._ranks:
                self._work("frame", ranks)

    @property
    def recorded(self) -> bool:
        """Whether ticks are replayed as graphs."""
        return bool(self._works) and all(work.recorded for work in self._works.values())

    def open(self, slot: int, seed: int) -> None:
        """See `Rows`."""
        self._new[slot], self._ears[slot] = seed, fresh(self._hearing)

    def close(self, slot: int) -> None:
        """See `Rows`."""
        self._new.pop(slot, None)
        del self._ears[slot]

    @torch.inference_mode()
    def snapshot(self, slot: int) -> Held:
        """See `Rows`."""
        hearing = streaming.to(streaming.copy(self._ears[slot]), "cpu")
        if slot in self._new:
            held = streaming.to(streaming.copy(self.memory.fresh), "cpu")
            model = replace(held.model, seed=torch.tensor([self._new[slot]]))
            return replace(held, model=model, hearing=hearing)
        held = streaming.map_state(lambda tensor: tensor[slot : slot + 1].to("cpu", copy=True), self.memory.held)
        return replace(held, hearing=hearing)

    @torch.inference_mode()
    def restore(self, slot: int, held: Held) -> None:
        """See `Rows`."""
        moved = fitted(replace(self.memory.fresh, hearing=fresh(self._hearing)), held)
        self._ears[slot] = streaming.copy(moved.hearing)
        moved = replace(moved, hearing=None)
        for (_, mine), (_, given) in zip(
            streaming.named_tensors(self.memory.held), streaming.named_tensors(moved), strict=True
        ):
            mine[slot : slot + 1].copy_(given)
        self._new.pop(slot, None)

    @torch.inference_mode()
    def step(self, heard: Mapping[int, Samples], orders: Mapping[int, RowOrder]) -> Answers:
        """See `Rows`."""
        clock = [time.perf_counter()]
        _check_sound(heard)
        ears = {slot: listen(self._hearing, sound, self._ears[slot]) for slot, sound in heard.items()}
        clock.append(time.perf_counter())
        orders = {slot: orders[slot].with_heard(token, self.model.config) for slot, (token, _) in ears.items()}
        self._ask(heard, orders)
        words = {slot: order for slot, order in orders.items() if order.word is not None}
        ranks = self._fitting(list(orders.values()))
        if words:
            self._with_words(words, ranks)
        else:
            frame = self._work("frame", ranks)
            self._orders.send()
            frame()
        self._answers.fetch()
        self._catch_up()
        clock.append(time.perf_counter())
        for slot, (_, state) in ears.items():
            self._new.pop(slot, None)
            self._ears[slot] = state
        whole, real = self._answers.here.numbers
        sound = {slot: real[slot].copy() for slot in heard}
        frames = {slot: self._frame(whole[slot]) for slot in heard}
        hearing, rest = (1e3 * (after - before) for before, after in itertools.pairwise(clock))
        return Answers(frames, sound, PartTimes(hearing / max(len(heard), 1), rest, 0.0))

    def let_go(self, bundle: TalkingModel) -> None:
        """Nothing: these rows need the weights."""

    def _ask(self, heard: Mapping[int, Samples], orders: Mapping[int, RowOrder]) -> None:
        """Fill in what is sent."""
        table = self._orders.here
        table.raw.zero_()
        whole, _ = table.numbers
        whole[:, HEARD:] = UNGENERATED
        for slot, sound in heard.items():
            write_order(table, slot, self.model.config, orders[slot], sound)
            if slot in self._new:
                whole[slot, RESET], whole[slot, SEED] = 1, self._new[slot]

    def _with_words(self, words: Mapping[int, RowOrder], ranks: tuple[int, int]) -> None:
        """A frame in two halves, since somebody has a say in the text between them."""
        first, second = self._work("listen", ranks), self._work("say", ranks)
        self._orders.send()
        first()
        chosen = self.memory.thought.text.tolist()
        whole, _ = self._orders.here.numbers
        for slot, order in words.items():
            assert order.word is not None
            if whole[slot, FORCED] == UNGENERATED:
                whole[slot, FORCED] = order.word(chosen[slot])
        self._orders.send()
        second()

    def _frame(self, answer: Any) -> RowFrame:
        heard = int(answer[USER_TEXT]) if self.model.config.user_text else None
        return RowFrame(torch.from_numpy(answer[TOKENS:].copy()), bool(answer[READY]), int(answer[TEXT]), heard)

    def _fitting(self, orders: list[RowOrder]) -> tuple[int, int]:
        """The narrowest of the recorded choices that is wide enough."""
        text, audio = most_ranks(orders, *self._ranks[-1])
        return next(ranks for ranks in self._ranks if ranks[0] >= text and ranks[1] >= audio)

    def _work(self, name: str, ranks: tuple[int, int]) -> FixedWork:
        """The work of a frame or of a half, recorded at first use."""
        if (name, ranks) not in self._works:
            talker, memory = tick.Talker(self.model, self.codec, *ranks), self.memory
            works = {"listen": (tick.listen,), "say": (tick.say,), "frame": (tick.listen, tick.say)}[name]

            def work() -> None:
                for part in works:
                    part(talker, memory)

            self.memory.orders.whole[:, EXECUTING : RESET + 1] = 0  # nobody moves while it is recorded
            self._works[name, ranks] = FixedWork(work, self._device, self._may_record, self._pool)
        return self._works[name, ranks]

    def _catch_up(self) -> None:
        """Wait for the device."""
        if self._device.type == "cuda":
            torch.cuda.current_stream(self._device).synchronize()


def _check_sound(heard: Mapping[int, Samples]) -> None:
    for sound in heard.values():
        if not np.isfinite(sound).all():
            raise ValueError("the waveform holds samples that are not finite numbers")

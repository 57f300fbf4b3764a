"""Ways to move several conversations' models on by a frame, each conversation's result its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

import torch
from torch import Tensor

from ..model.config import ModelConfig
from ..model.floor import voice_heard
from ..model.language_model import Frame, LanguageModel, ModelState
from ..model.sampling import Sampling
from ..model.streams import UNGENERATED


@dataclass(frozen=True)
class RowOrder:
    """How one conversation takes its next frame."""

    sampling: Sampling = field(default_factory=Sampling)  # temperatures are numbers here
    pad_bias: float = 0.0  # added to PAD's logit
    end_pad_bias: float = 0.0  # added to EPAD's logit
    forced: Tensor | None = None  # int64 [1 + agent codebooks] to say whatever the model thinks, -2 where it may choose
    word: Callable[[int], int] | None = None  # the text token to say, of the one that the model chose freely
    waiting: float = 0.0  # added to PAD's logit while a voice is heard
    heard: int = UNGENERATED  # token to write on the stream of the user's text, -2 where the model listens for itself

    def tokens(self, config: ModelConfig) -> Tensor:
        """What is forced, int64 `[1 + agent codebooks]`."""
        return torch.full((1 + config.agent_codebooks,), UNGENERATED) if self.forced is None else self.forced

    def with_heard(self, token: int, config: ModelConfig) -> RowOrder:
        """The same with a token heard, unless it has one, and what comes of that."""
        if self.heard != UNGENERATED:
            return self
        waiting = self.waiting if voice_heard(token, config) else 0.0
        return replace(self, heard=token, pad_bias=self.pad_bias + waiting)


@dataclass(frozen=True)
class RowFrame:
    """What one conversation said."""

    tokens: Tensor  # int64 [1 + agent codebooks], delays undone; -2 if not ready
    ready: bool
    text: int  # sampled now
    user_text: int | None  # written now: sampled, or what was heard


class Stepper(Protocol):
    """A model that moves rows on."""

    def init_state(self, seed: int) -> ModelState:
        """The state of one conversation before its first frame."""

    def step(
        self, user: Tensor, states: list[ModelState], orders: list[RowOrder]
    ) -> tuple[list[RowFrame], list[ModelState]]:
        """The next frame of every row.

        Args:
            user: codes int64 `[n, user codebooks]`.
            states: of one conversation each; they are used up.
            orders: of each.
        """


class RowByRow:
    """The model as it is, one conversation after another."""

    def __init__(self, model: LanguageModel) -> None:
        self.model = model

    def init_state(self, seed: int) -> ModelState:
        """The state of one conversation before its first frame."""
        return self.model.init_state(1, [seed])

    def step(
        self, user: Tensor, states: list[ModelState], orders: list[RowOrder]
    ) -> tuple[list[RowFrame], list[ModelState]]:
        """See `Stepper`."""
        frames, after = [], []
        for codes, state, order in zip(user, states, orders, strict=True):
            frame, state = self._row(codes, state, order)
            frames.append(_of_one(frame))
            after.append(state)
        return frames, after

    def _row(self, codes: Tensor, state: ModelState, order: RowOrder) -> tuple[Frame, ModelState]:
        config, device, word = self.model.config, self.model.device, order.word
        heard = heard_by([order])
        bias = torch.zeros(config.text_out)
        bias[config.pad] += order.pad_bias
        bias[config.end_pad] += order.end_pad_bias
        return self.model.step(
            codes[None].to(device),
            state,
            order.sampling,
            forced=order.tokens(config)[None].to(device),
            text_bias=bias.to(device),
            word=None if word is None else lambda chosen: torch.full_like(chosen, word(int(chosen))),
            heard=None if heard is None else heard.to(device),
        )


def heard_by(orders: Sequence[RowOrder]) -> Tensor | None:
    """Tokens of the user's text int64 `[n]` as `LanguageModel.step` takes them; None where nobody is given any."""
    heard = [order.heard for order in orders]
    return None if all(token == UNGENERATED for token in heard) else torch.tensor(heard)


def _of_one(frame: Frame) -> RowFrame:
    user = None if frame.user_text is None else int(frame.user_text)
    return RowFrame(frame.tokens[0].cpu(), bool(frame.ready), int(frame.text), user)

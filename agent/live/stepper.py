"""Ways to move several conversations' models on by a frame, each conversation's result its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from ..model.config import ModelConfig
from ..model.language_model import Frame, LanguageModel, ModelState
from ..model.sampling import Sampling
from ..model.streams import UNGENERATED
from .controls import Controls


@dataclass(frozen=True)
class RowFrame:
    """What one conversation said."""

    tokens: Tensor  # int64 [1 + agent codebooks], delays undone; -2 if not ready
    ready: bool
    user_text: int | None  # sampled now


class Stepper(Protocol):
    """A model that moves rows on."""

    def init_state(self, seed: int) -> ModelState:
        """The state of one conversation before its first frame."""

    def step(
        self, user: Tensor, states: list[ModelState], controls: list[Controls], silence: Tensor
    ) -> tuple[list[RowFrame], list[ModelState]]:
        """The next frame of every row.

        Args:
            user: codes int64 `[n, user codebooks]`.
            states: of one conversation each; they are used up.
            controls: of each.
            silence: codes int64 `[agent codebooks]` that a conversation on hold says.
        """


def sampling_of(controls: Controls) -> Sampling:
    """The sampling that controls ask for."""
    return Sampling(controls.text_temperature, controls.text_top_k, controls.audio_temperature, controls.audio_top_k)


def text_bias(controls: Controls, config: ModelConfig) -> Tensor:
    """What controls add to the text logits, float32 `[text ids]`."""
    bias = torch.zeros(config.text_out)
    bias[config.pad] += controls.pad_bias
    bias[config.end_pad] += controls.end_pad_bias
    return bias


def forced_tokens(controls: Controls, silence: Tensor, config: ModelConfig) -> Tensor:
    """Tokens int64 `[1 + agent codebooks]` to say whatever the model thinks, -2 where it may choose."""
    if not controls.hold:
        return torch.full((1 + len(silence),), UNGENERATED)
    return torch.cat([torch.tensor([config.pad]), silence])


class RowByRow:
    """The model as it is, one conversation after another."""

    def __init__(self, model: LanguageModel) -> None:
        self.model = model

    def init_state(self, seed: int) -> ModelState:
        """The state of one conversation before its first frame."""
        return self.model.init_state(1, [seed])

    def step(
        self, user: Tensor, states: list[ModelState], controls: list[Controls], silence: Tensor
    ) -> tuple[list[RowFrame], list[ModelState]]:
        """See `Stepper`."""
        frames, after = [], []
        for codes, state, control in zip(user, states, controls, strict=True):
            frame, state = self._row(codes, state, control, silence)
            frames += rows_of(frame)
            after.append(state)
        return frames, after

    def _row(self, codes: Tensor, state: ModelState, controls: Controls, silence: Tensor) -> tuple[Frame, ModelState]:
        config, device = self.model.config, self.model.device
        return self.model.step(
            codes[None].to(device),
            state,
            sampling_of(controls),
            forced=forced_tokens(controls, silence, config)[None].to(device),
            text_bias=text_bias(controls, config).to(device),
        )


def rows_of(frame: Frame) -> list[RowFrame]:
    """A batch's frame by conversation, on the CPU."""
    tokens, ready = frame.tokens.cpu(), frame.ready.tolist()
    user = [None] * len(ready) if frame.user_text is None else frame.user_text.tolist()
    return [RowFrame(*row) for row in zip(tokens, ready, user, strict=True)]

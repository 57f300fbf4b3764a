"""One step of the streams, whoever computes it: a column of tokens comes out of the state, what was said goes in.

column, tokens = column_in(...)      # what the temporal transformer reads at this call
...                                  # PyTorch, ONNX or a GPU make text, codes and the user's text of it
frame, tokens = column_out(...)      # what was said, delays undone
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from . import streams
from .config import ModelConfig
from .streams import UNGENERATED, ZERO, Layout, TokenState

DEAF = "this model does not read its user's words (user_text_delay): they cannot be given to it"


@dataclass(frozen=True)
class Column:
    """The tokens of the newest frame whose agent's streams are all there."""

    tokens: Tensor  # int64 [B, 1 + codebooks], delays undone: the frame `max delay` calls ago; -2 if none yet
    ready: Tensor  # bool [B], where `tokens` is a frame


def column_in(
    config: ModelConfig,
    layout: Layout,
    tokens: TokenState,
    executing: Tensor,
    user: Tensor | None,
    hint: Tensor | None = None,
) -> tuple[Tensor, TokenState]:
    """What a call reads, int64 `[B, K]`, once the user's frame is written down.

    Args:
        config: of the model.
        layout: of its streams.
        tokens: before the call.
        executing: bool `[B]`, conversations that move on.
        user: codes int64 `[B, user codebooks]` just heard; None for a model that speaks for the user too.
        hint: int64 `[B]`, a text token suggested for this frame, -1 for none.

    Raises:
        ValueError: the model needs user codes of another shape, or has no hint stream.
    """
    if user is not None:
        if user.shape != (len(executing), config.user_codebooks):
            raise ValueError(f"user codes must be [{len(executing)}, {config.user_codebooks}], got {list(user.shape)}")
        rows = slice(1 + config.agent_codebooks, 1 + config.n_q)
        tokens = streams.write(tokens, rows, layout.delays[rows], user, executing)
    elif config.dep_q < config.n_q:
        raise ValueError(f"this model needs the user's {config.user_codebooks} codes at every step")
    if config.ours.hint:
        rows = slice(config.streams - 1, config.streams)
        given = torch.full_like(tokens.frame, ZERO) if hint is None else hint
        tokens = streams.write(tokens, rows, torch.zeros_like(layout.delays[rows]), given[:, None], executing)
    elif hint is not None:
        raise ValueError("this model has no hint stream")
    return streams.read(tokens, layout, executing), tokens


def user_words(own: Tensor | None, heard: Tensor | None) -> Tensor | None:
    """What is written on the stream of the user's text, int64 `[B]`: what a hearing heard, -2 where the model's `own`.

    Raises ValueError where something was heard for a model that has no such stream.
    """
    if heard is None:
        return own
    if own is None:
        raise ValueError(DEAF)
    return torch.where(heard == UNGENERATED, own, heard)


def column_out(
    config: ModelConfig, layout: Layout, tokens: TokenState, executing: Tensor, said: Tensor, user_text: Tensor | None
) -> tuple[Column, TokenState]:
    """The frame that a call completes.

    Args:
        config: of the model.
        layout: of its streams.
        tokens: as `column_in` left them.
        executing: bool `[B]`, conversations that move on.
        said: text and codes sampled now, int64 `[B, 1 + codebooks]`.
        user_text: the user's text of now, int64 `[B]`, of a model that has it.
    """
    count, now = said.shape[1], torch.zeros_like(layout.delays)
    tokens = replace(tokens, frame=tokens.frame + executing)
    tokens = streams.write(tokens, slice(0, count), now[:count], said, executing)
    if user_text is not None:
        rows = slice(1 + config.n_q, 2 + config.n_q)
        tokens = streams.write(tokens, rows, now[rows], user_text[:, None], executing)
    complete, ready = streams.collect(tokens, layout, count, max(config.delays), executing)
    return Column(complete, ready), tokens

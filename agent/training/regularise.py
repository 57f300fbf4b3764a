"""Against learning a small corpus by heart: dropout on the branches of every layer, tokens hidden from the input."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from codec.training.draws import Draw

from ..model.config import ModelConfig
from ..model.depth import DepthLayer
from ..model.predictor import Predictor
from ..model.streams import ZERO
from ..model.temporal import TemporalLayer


def add_dropout(model: Predictor, share: float) -> None:
    """Drop a share of every layer's residual branches in training, in place. Names and weights stay as they are.

    Raises ValueError for a model with layer scales, which stand where the dropout would.
    """
    for layer in model.modules():
        if isinstance(layer, (TemporalLayer, DepthLayer)):
            if not isinstance(layer.layer_scale_1, nn.Identity):
                raise ValueError("dropout is for models without layer_scale: set dropout = 0")
            layer.layer_scale_1 = nn.Dropout(share)
            layer.layer_scale_2 = nn.Dropout(share)


def hide_tokens(inputs: Tensor, share: float, draw: Draw) -> Tensor:
    """Input tokens int64 `[B, K, T]` with a random share of them hidden, each by itself."""
    hidden = draw.rand(*inputs.shape) < share
    return inputs.masked_fill(hidden.to(inputs.device), ZERO)


def coarsen_user(inputs: Tensor, config: ModelConfig, share: float, draw: Draw) -> Tensor:
    """Input tokens int64 `[B, K, T]`, a share of whose rows hears only the user's first codebooks, 1 to all but 1.

    The words are in the first ones; the others tell recordings apart and invite learning those by heart.
    """
    rows, user = len(inputs), config.user_codebooks
    kept = draw.whole(1, max(user, 2), rows)
    coarse = draw.rand(rows) < share
    hidden = coarse[:, None] & (torch.arange(user) >= kept[:, None])
    out, first = inputs.clone(), 1 + config.agent_codebooks
    out[:, first : first + user].masked_fill_(hidden[:, :, None].to(inputs.device), ZERO)
    return out


def hide_own_voice(inputs: Tensor, config: ModelConfig, share: float, draw: Draw) -> Tensor:
    """Input tokens int64 `[B, K, T]`, a share of whose rows does not hear the agent's own codebooks.

    A sentence that always sounds alike is known by its first frame: with that at hand the text that follows teaches
    nothing about what was asked.
    """
    deaf = draw.rand(len(inputs)) < share
    out = inputs.clone()
    out[:, 1 : 1 + config.agent_codebooks].masked_fill_(deaf[:, None, None].to(inputs.device), ZERO)
    return out

"""The listener's network for training: convolutions, then recurrent layers, all states handed in."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import CUES, FUTURE, KERNEL, TEACHER, ListenerConfig
from .features import WIDTH

NetworkState = tuple[Tensor, ...]


class HalvingConv(nn.Module):
    """A convolution that halves the rate and sees only the past."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.conv = nn.Conv1d(inputs, outputs, KERNEL, stride=2)

    def forward(self, x: Tensor, past: Tensor) -> tuple[Tensor, Tensor]:
        """`[B, C, 2T]` and the two steps before -> `[B, C', T]` and the last two steps."""
        x = torch.cat([past, x], -1)
        return functional.gelu(self.conv(x)), x[..., -past.shape[-1] :]


class ListenerNetwork(nn.Module):
    """Hops -> cues. Offline and streaming are one call: a whole recording, or a frame and the state handed on."""

    mean: Tensor
    scale: Tensor

    def __init__(self, config: ListenerConfig) -> None:
        super().__init__()
        self.config = config
        hidden = config.hidden
        self.register_buffer("mean", torch.zeros(WIDTH))
        self.register_buffer("scale", torch.ones(WIDTH))
        self.inlet = nn.Linear(WIDTH, config.front)
        channels = config.channels
        self.downs = nn.ModuleList(HalvingConv(a, b) for a, b in pairwise(channels))
        self.norm = nn.LayerNorm(hidden)
        self.recurrent = nn.ModuleList(nn.GRU(hidden, hidden, batch_first=True) for _ in range(config.layers))
        self.norms = nn.ModuleList(nn.LayerNorm(hidden) for _ in range(config.layers))
        self.drop = nn.Dropout(config.dropout)
        self.cues = nn.Sequential(
            nn.Linear(hidden, config.head), nn.GELU(), nn.Dropout(config.dropout), nn.Linear(config.head, len(CUES))
        )
        self.future = nn.Linear(hidden, len(FUTURE))  # only in training
        self.teacher = nn.Linear(hidden, TEACHER)  # only in training

    def init_state(self, batch: int = 1) -> NetworkState:
        """The state before the first sound: two steps of each convolution, one vector of each recurrent layer."""
        config = self.config
        convs = [torch.zeros(batch, channels, KERNEL - 2) for channels in config.channels[:-1]]
        return *convs, *(torch.zeros(1, batch, config.hidden) for _ in range(config.layers))

    def forward(self, hops: Tensor, state: NetworkState) -> tuple[Tensor, Tensor, NetworkState]:
        """Listen on.

        Args:
            hops: features `[B, 8 T, 88]`.
            state: of `init_state` or of the call before.

        Returns:
            logits of the cues `[B, T, 4]`, the hidden stream `[B, T, hidden]`, the next state.
        """
        x = functional.gelu(self.inlet((hops - self.mean) * self.scale)).transpose(1, 2)
        after: list[Tensor] = []
        for down, past in zip(self.downs, state[: len(self.downs)], strict=True):
            x, kept = down(x, past)
            after.append(kept)
        x = self.norm(x.transpose(1, 2))
        for layer, norm, past in zip(self.recurrent, self.norms, state[len(self.downs) :], strict=True):
            y, kept = layer(self.drop(norm(x)), past)
            x = x + y
            after.append(kept)
        return self.cues(x), x, tuple(after)

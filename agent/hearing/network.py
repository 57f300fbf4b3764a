"""The recognizer's network: the lower layers of Whisper's encoder made causal, a frame of 80 ms attending to the past.

Steps of 20 ms; the four of a frame see each other and the steps before. Of every two of them one symbol is told, as
connectionist temporal classification (Graves et al. 2006) does it. Offline and streaming are one call.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional

from .config import OUT, STEPS, SYMBOLS, HearingConfig
from .features import BANDS, SILENCE

HOPS = 8  # of 10 ms in a frame


@dataclass(frozen=True)
class NetworkState:
    """What the network remembers of B sounds."""

    hops: Tensor  # [B, 80, 2], that the first convolution still sees
    inner: Tensor  # [B, dim, 1], that the second one does
    keys: Tensor  # [B, layers, context, dim]
    values: Tensor  # [B, layers, context, dim]
    step: Tensor  # int64 [B], steps heard


class Layer(nn.Module):
    """One layer, as in Whisper: norm before, no bias on keys."""

    def __init__(self, config: HearingConfig) -> None:
        super().__init__()
        dim = config.dim
        self.heads, self.drop = config.heads, config.dropout
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.heads_in, self.heads_out = nn.Linear(dim, 3 * dim), nn.Linear(dim, dim)
        self.wide, self.narrow = nn.Linear(dim, config.feedforward), nn.Linear(config.feedforward, dim)

    def forward(self, x: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """`[B, T, D]`, what came before `[B, P, D]`, who sees whom `[.., T, P + T]` -> the same of this call."""
        query, key, value = self.heads_in(self.norm1(x)).chunk(3, -1)
        keys, values = torch.cat([keys.to(key.dtype), key], 1), torch.cat([values.to(value.dtype), value], 1)
        q, k, v = (each.unflatten(-1, (self.heads, -1)).transpose(1, 2) for each in (query, keys, values))
        attended = functional.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        drop = self.drop if self.training else 0.0
        x = x + functional.dropout(self.heads_out(attended.transpose(1, 2).flatten(2)), drop)
        x = x + functional.dropout(self.narrow(functional.gelu(self.wide(self.norm2(x)))), drop)
        return x, keys, values


class HearingNetwork(nn.Module):
    """Hops -> log probabilities of symbols."""

    positions: Tensor

    def __init__(self, config: HearingConfig) -> None:
        super().__init__()
        self.config = config
        dim = config.dim
        self.conv1, self.conv2 = nn.Conv1d(BANDS, dim, 3), nn.Conv1d(dim, dim, 3, stride=2)
        self.register_buffer("positions", torch.zeros(config.positions, dim))
        self.layers = nn.ModuleList(Layer(config) for _ in range(config.layers))
        self.norm = nn.LayerNorm(dim)
        self.out = nn.Linear(STEPS // OUT * dim, len(SYMBOLS))

    def init_state(self, batch: int = 1, begin: Tensor | None = None) -> NetworkState:
        """The state before the first sound; `begin`: int64 [B], steps to count from."""
        config = self.config
        past = torch.zeros(batch, config.layers, config.context, config.dim)
        start = torch.zeros(batch, dtype=torch.int64) if begin is None else begin
        quiet = torch.full((batch, BANDS, 2), float(SILENCE))
        return NetworkState(quiet, torch.zeros(batch, config.dim, 1), past, past, start)

    def forward(self, hops: Tensor, state: NetworkState) -> tuple[Tensor, NetworkState]:
        """Listen on.

        Args:
            hops: features `[B, 8 T, 80]`.
            state: of `init_state` or of the call before.

        Returns:
            log probabilities `[B, 2 T, 29]` and the next state.
        """
        context = self.config.context
        x, inner, y = self._front(hops, state)
        mask = self._mask(y.shape[1], state.step, fresh=False)
        keys, values = [], []
        for index, layer in enumerate(self.layers):
            y, key, value = layer(y, state.keys[:, index], state.values[:, index], mask)
            keys.append(key[:, -context:])
            values.append(value[:, -context:])
        past, said = torch.stack(keys, 1), torch.stack(values, 1)
        after = NetworkState(x[..., -2:], inner[..., -1:], past, said, state.step + y.shape[1])
        return self._told(self.norm(y)), after

    def heard(self, hops: Tensor, state: NetworkState) -> tuple[Tensor, Tensor]:
        """The same of sounds before which there was nothing: log probabilities and the stream `[B, 4 T, dim]`."""
        _, _, y = self._front(hops, state)
        mask = self._mask(y.shape[1], state.step, fresh=True)
        for layer in self.layers:
            y, _, _ = layer(y, y[:, :0], y[:, :0], mask)
        y = self.norm(y)
        return self._told(y), y

    def _front(self, hops: Tensor, state: NetworkState) -> tuple[Tensor, Tensor, Tensor]:
        """What the convolutions read, `[B, 80, 2 + 8 T]` and `[B, dim, 1 + 8 T]`, and the steps `[B, 4 T, dim]`."""
        x = torch.cat([state.hops, hops.transpose(1, 2)], -1)
        inner = torch.cat([state.inner, functional.gelu(self.conv1(x))], -1)
        y = functional.gelu(self.conv2(inner)).transpose(1, 2)
        places = state.step[:, None] + torch.arange(y.shape[1])
        return x, inner, y + self.positions[places % self.config.positions]

    def _told(self, stream: Tensor) -> Tensor:
        together = stream.reshape(len(stream), -1, STEPS // OUT * self.config.dim)
        return functional.log_softmax(self.out(together).float(), -1)

    def _mask(self, steps: int, heard: Tensor, fresh: bool) -> Tensor:
        """Bool `[B or 1, 1, steps, seen]`: a step sees its own frame and `context` steps before it."""
        context = self.config.context
        now = torch.arange(steps)
        there = torch.arange(0 if fresh else -context, steps)
        frame = now // STEPS * STEPS
        seen = (there < frame[:, None] + STEPS) & (there >= frame[:, None] - context)
        if fresh:
            return seen[None, None]
        return (seen & (there >= -heard[:, None, None]))[:, None]

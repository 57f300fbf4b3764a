"""The temporal transformer: one step per frame, streaming with a ring of keys and values.

Shapes: B batch, T steps, D width, H query heads, G key heads, E head width, C slots of a ring. Tensor names follow
Kyutai's (`self_attn.in_projs.0`, `gating.linear_in`, ...), see `agent.files.checkpoints`.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from .attention import Attention, CrossAttention, KeyAccess, Rotation, access
from .config import TransformerConfig
from .experts import Experts
from .gating import Gating, make_scale
from .norm import make_norm
from .rope import angles, default_frequencies, needs_rotation, needs_sinusoids, sinusoids

SLACK = 64  # slots beyond the window: steps taken at once, and steps that a state can be taken back


@dataclass(frozen=True)
class TemporalState:
    """What the transformer remembers. The rings are written in place: see `LanguageModel.init_state`."""

    position: Tensor  # int64 [B], steps seen
    keys: tuple[Tensor, ...]  # per layer [B, C, G, E], rotated; step p in slot p % C; G may be the layer's own
    values: tuple[Tensor, ...]
    crossed: tuple[Tensor, ...] = ()  # per layer [B, S, 2, H, E], keys and values of the conditions


class TemporalLayer(nn.Module):
    """Attention, attention to conditions if any, feed-forward; all pre-normalised."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        dim, hidden, variation = config.dim, config.hidden(), config.variation
        self.self_attn = Attention(config)
        self.norm1 = make_norm(config.norm, dim, variation.norm_eps)
        self.norm2 = make_norm(config.norm, dim, variation.norm_eps)
        self.post_norm1 = make_norm(config.norm, dim, variation.norm_eps) if variation.post_norm else nn.Identity()
        self.post_norm2 = make_norm(config.norm, dim, variation.norm_eps) if variation.post_norm else nn.Identity()
        self.layer_scale_1 = make_scale(dim, config.layer_scale)
        self.layer_scale_2 = make_scale(dim, config.layer_scale)
        self.gating: nn.Module | None = None
        if variation.experts is not None:
            self.gating = Experts(dim, variation.experts)
        elif config.gating == "none":
            self.linear1 = nn.Linear(dim, hidden, bias=variation.feedforward_bias)
            self.linear2 = nn.Linear(hidden, dim, bias=variation.feedforward_bias)
        else:
            self.gating = Gating(dim, hidden, config.gating, variation.feedforward_bias)
        self.cross_attention: CrossAttention | None = None
        if config.cross_attention:
            self.cross_attention = CrossAttention(config)
            self.norm_cross = nn.LayerNorm(dim, eps=1e-5)
            self.layer_scale_cross = make_scale(dim, config.layer_scale)

    def forward(self, x: Tensor, turn: Rotation, crossed: Tensor | None, window: int | None) -> Tensor:
        """A whole sequence `[B, T, D]` from its first step on; `window` None sees everything before."""
        query, key, value = self.self_attn.project(self.norm1(x), turn)
        mask = None
        if window is not None and window < x.shape[1]:
            at = torch.arange(x.shape[1], device=x.device)
            distance = at[:, None] - at
            mask = (distance >= 0) & (distance < window)
        attended = self.self_attn.attend(query, key, value, mask, causal=mask is None)
        return self._rest(x, attended, crossed)

    def step(
        self, x: Tensor, turn: Rotation, crossed: Tensor | None, ring: tuple[Tensor, Tensor], where: KeyAccess
    ) -> Tensor:
        """The next steps `[B, T, D]` of a stream; writes their keys and values into the ring."""
        query, key, value = self.self_attn.project(self.norm1(x), turn)
        for memory, new in zip(ring, (key, value), strict=True):
            memory[where.rows, where.slots] = new
        keys, values = (memory[:, : where.used] for memory in ring)
        return self._rest(x, self.self_attn.attend(query, keys, values, where.mask), crossed)

    def _rest(self, x: Tensor, attended: Tensor, crossed: Tensor | None) -> Tensor:
        x = x + self.layer_scale_1(self.post_norm1(attended))
        if self.cross_attention is not None:
            assert crossed is not None
            x = x + self.layer_scale_cross(self.cross_attention(self.norm_cross(x), crossed))
        inner = self.norm2(x)
        inner = self.linear2(functional.gelu(self.linear1(inner))) if self.gating is None else self.gating(inner)
        y: Tensor = x + self.layer_scale_2(self.post_norm2(inner))
        return y


class TemporalTransformer(nn.Module):
    """A stack of layers over `[B, T, D]`."""

    def __init__(self, config: TransformerConfig) -> None:
        super().__init__()
        self.config = config
        self.layers = nn.ModuleList(TemporalLayer(config.layer(index)) for index in range(config.layers))
        self.checkpointing = False
        default = default_frequencies(config.head_dim, config.max_period)
        self.frequencies = config.variation.frequencies or (default,)

    def init_state(self, batch: int, like: Tensor, condition: Tensor | None = None) -> TemporalState:
        """The state before the first step, of `like`'s type and device.

        Args:
            batch: rows.
            like: any tensor of the type and device that `step` will get.
            condition: `[B, S, D]` for cross-attention.
        """
        config = self.config
        if config.context is None:
            raise ValueError("a model without a context cannot stream: set context in its config.json")
        groups = [config.layer(index).key_heads for index in range(config.layers)]
        windows = self._windows()
        sizes = [(batch, w + SLACK, g, config.head_dim) for w, g in zip(windows, groups, strict=True)]
        crossed = () if condition is None else tuple(self._cross(layer, condition) for layer in self.layers)
        return TemporalState(
            torch.zeros(batch, dtype=torch.int64, device=like.device),
            tuple(like.new_zeros(size) for size in sizes),
            tuple(like.new_zeros(size) for size in sizes),
            crossed,
        )

    def _windows(self) -> tuple[int, ...]:
        assert self.config.context is not None
        return self.config.variation.layer_window or (self.config.context,) * len(self.layers)

    @staticmethod
    def _cross(layer: nn.Module, condition: Tensor) -> Tensor:
        assert isinstance(layer, TemporalLayer)
        assert layer.cross_attention is not None
        return layer.cross_attention.remember(condition)

    def turns(self, position: Tensor, steps: int) -> list[Rotation]:
        """The rotation of every layer."""
        count = len(self.layers)
        if not needs_rotation(self.config.positions):
            return [None] * count
        tables: list[Rotation] = [angles(position, steps, table) for table in self.frequencies]
        return [(*tables, None)[index] for index in self.config.variation.layer_rotary or (0,) * count]

    def _place(self, x: Tensor, position: Tensor) -> Tensor:
        if not needs_sinusoids(self.config.positions):
            return x
        return x + sinusoids(position, x.shape[1], x.shape[2], self.config.max_period).to(x.dtype)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """A whole sequence `[B, T, D]` -> the same shape, with gradient; `condition` is `[B, S, D]`."""
        start = torch.zeros(1, dtype=torch.int64, device=x.device)
        x = self._place(x, start)
        turns = self.turns(start, x.shape[1])
        windows = self.config.variation.layer_window or (self.config.context,) * len(self.layers)
        for layer, turn, window in zip(self.layers, turns, windows, strict=True):
            crossed = None if condition is None else self._cross(layer, condition)
            if self.checkpointing and self.training:
                x = checkpoint(layer, x, turn, crossed, window, use_reentrant=False)
            else:
                x = layer(x, turn, crossed, window)
        return x

    def step(
        self, x: Tensor, state: TemporalState, executing: Tensor | None = None, fixed: bool = False
    ) -> tuple[Tensor, TemporalState]:
        """The next steps of every stream, at most SLACK at once.

        Args:
            x: `[B, T, D]`.
            state: moved on in place as far as its rings go.
            executing: bool `[B]`, rows that move on; the others stay where they are. None is all.
            fixed: the host reads nothing of the state, see `access`.
        """
        steps = x.shape[1]
        assert steps <= SLACK
        x = self._place(x, state.position)
        turns, windows = self.turns(state.position, steps), self._windows()
        places = {window: access(state.position, steps, window + SLACK, window, fixed) for window in set(windows)}
        for index, layer in enumerate(self.layers):
            assert isinstance(layer, TemporalLayer)
            ring = (state.keys[index], state.values[index])
            crossed = state.crossed[index] if state.crossed else None
            x = layer.step(x, turns[index], crossed, ring, places[windows[index]])
        moved = state.position + (steps if executing is None else steps * executing)
        return x, TemporalState(moved, state.keys, state.values, state.crossed)

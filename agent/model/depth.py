"""The depth transformer: one step per codebook of a frame, with weights of their own for (groups of) steps.

Shapes: N frames, S steps, D width, H query heads, G key heads, E head width. In training the steps are a list of
`[N, D]`: every product is then one contiguous matrix.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from codec.layers.attention import rotate

from .causal import causal_attention
from .config import DepthConfig, ModelConfig, TransformerConfig
from .embedding import TokenEmbedding
from .gating import Gating, make_scale
from .norm import make_norm
from .rope import angles, default_frequencies, needs_rotation, needs_sinusoids, sinusoids


class StepAttention(nn.Module):
    """The projections of every set of weights."""

    def __init__(self, config: TransformerConfig, sets: int) -> None:
        super().__init__()
        out = (config.heads + 2 * config.key_heads) * config.head_dim
        self.in_projs = nn.ModuleList(nn.Linear(config.dim, out, bias=False) for _ in range(sets))
        self.out_projs = nn.ModuleList(nn.Linear(config.dim, config.dim, bias=False) for _ in range(sets))


class DepthLayer(nn.Module):
    """Attention over the steps so far and a feed-forward, each with the step's own weights."""

    def __init__(self, config: DepthConfig) -> None:
        super().__init__()
        stack, sets = config.transformer, config.sets
        self.schedule = config.schedule
        self.heads, self.groups, self.width = stack.heads, stack.key_heads, stack.head_dim
        self.self_attn = StepAttention(stack, sets)
        self.norm1 = make_norm(stack.norm, stack.dim)
        self.norm2 = make_norm(stack.norm, stack.dim)
        self.layer_scale_1 = make_scale(stack.dim, stack.layer_scale)
        self.layer_scale_2 = make_scale(stack.dim, stack.layer_scale)
        self.gating: nn.Module | None = None
        if config.per_step:
            self.gating = nn.ModuleList(Gating(stack.dim, stack.hidden(k), stack.gating) for k in range(sets))
        elif stack.gating != "none":
            self.gating = Gating(stack.dim, stack.hidden(), stack.gating)
        else:
            self.linear1 = nn.Linear(stack.dim, stack.hidden(), bias=False)
            self.linear2 = nn.Linear(stack.hidden(), stack.dim, bias=False)

    def project(self, step: int, x: Tensor, turn: tuple[Tensor, Tensor] | None) -> Tensor:
        """Step `[N, D]` -> its queries, keys and values `[N, H + 2 G, E]`."""
        heads: Tensor = self.self_attn.in_projs[self.schedule[step]](self.norm1(x)).unflatten(-1, (-1, self.width))
        if turn is None:
            return heads
        turned, value = torch.split(heads, [self.heads + self.groups, self.groups], dim=1)
        cosine, sine = (each[:, step : step + 1] for each in turn)
        return torch.cat([rotate(turned[:, None], cosine, sine)[:, 0], value], dim=1)

    def attend(self, query: Tensor, key: Tensor, value: Tensor, causal: bool) -> Tensor:
        """Queries `[N, S, H, E]`, keys and values `[N, S', G, E]` -> `[N, S, H, E]`."""
        if self.groups != self.heads:
            key = key.repeat_interleave(self.heads // self.groups, dim=2)
            value = value.repeat_interleave(self.heads // self.groups, dim=2)
        if causal:
            return causal_attention(query, key, value)
        query, key, value = query.transpose(1, 2), key.transpose(1, 2), value.transpose(1, 2)
        return functional.scaled_dot_product_attention(query, key, value).transpose(1, 2)

    def rest(self, step: int, x: Tensor, attended: Tensor) -> Tensor:
        """What follows attention: `[N, D]` -> the same shape."""
        x = x + self.layer_scale_1(self.self_attn.out_projs[self.schedule[step]](attended))
        inner = self.norm2(x)
        if self.gating is None:
            inner = self.linear2(functional.gelu(self.linear1(inner)))
        elif isinstance(self.gating, nn.ModuleList):
            inner = self.gating[self.schedule[step]](inner)
        else:
            inner = self.gating(inner)
        y: Tensor = x + self.layer_scale_2(inner)
        return y

    def forward(self, xs: list[Tensor], turn: tuple[Tensor, Tensor] | None) -> list[Tensor]:
        """All steps, S times `[N, D]` -> the same."""
        heads = torch.stack([self.project(step, x, turn) for step, x in enumerate(xs)], dim=1)
        query, key, value = torch.split(heads, [self.heads, self.groups, self.groups], dim=2)
        attended = self.attend(query, key, value, causal=True)
        parts = attended.transpose(0, 1).flatten(2).unbind(0)
        return [self.rest(step, x, part) for step, (x, part) in enumerate(zip(xs, parts, strict=True))]


class Depth(nn.Module):
    """The whole depth side: inputs, transformer, outputs."""

    def __init__(self, model: ModelConfig) -> None:
        super().__init__()
        assert model.depth is not None
        config, stack = model.depth, model.depth.transformer
        self.config = config
        entries, rank, norm = model.card + 1, config.low_rank, model.norm_emb
        count = config.sets if config.multi_linear else 1
        self.inputs = nn.ModuleList(nn.Linear(model.temporal.dim, stack.dim, bias=False) for _ in range(count))
        self.text_emb = TokenEmbedding(model.text_card + 1, stack.dim, rank, norm, model.demux_text)
        self.emb = nn.ModuleList(TokenEmbedding(entries, stack.dim, rank, norm) for _ in range(model.dep_q - 1))
        self.layers = nn.ModuleList(DepthLayer(config) for _ in range(stack.layers))
        self.checkpointing = False
        norms = (nn.Identity() if config.norm is None else make_norm(config.norm, stack.dim) for _ in config.schedule)
        self.norms = nn.ModuleList(norms)
        self.linears = nn.ModuleList(nn.Linear(stack.dim, model.card, bias=model.bias_proj) for _ in config.schedule)

    def _input(self, step: int, z: Tensor, token: Tensor) -> Tensor:
        """The step's input `[N, D]` from the temporal output `[N, D']` and the token before it (text for step 0)."""
        project = self.inputs[self.config.schedule[step] if self.config.multi_linear else 0]
        x: Tensor = project(z) + (self.text_emb if step == 0 else self.emb[step - 1])(token)
        stack = self.config.transformer
        if needs_sinusoids(stack.positions):
            at = torch.full((1,), step, device=z.device)
            x = x + sinusoids(at, 1, stack.dim, stack.max_period)[0].to(x.dtype)
        return x

    def _turn(self, device: torch.device) -> tuple[Tensor, Tensor] | None:
        stack = self.config.transformer
        if not needs_rotation(stack.positions):
            return None
        start = torch.zeros(1, dtype=torch.int64, device=device)
        return angles(start, len(self.config.schedule), default_frequencies(stack.head_dim, stack.max_period))

    def forward(self, z: Tensor, tokens: Tensor) -> list[Tensor]:
        """All steps at once, for training.

        Args:
            z: temporal output `[N, D']`.
            tokens: the token before every step, int64 `[N, S]`: text, then codebooks.

        Returns:
            S outputs `[N, D]`, to be given to `logits`.
        """
        xs = [self._input(step, z, tokens[:, step]) for step in range(tokens.shape[1])]
        turn = self._turn(z.device)
        for layer in self.layers:
            if self.checkpointing and self.training:
                xs = checkpoint(layer, xs, turn, use_reentrant=False)
            else:
                xs = layer(xs, turn)
        return xs

    def logits(self, step: int, x: Tensor) -> Tensor:
        """Output `[..., D]` of a step -> logits `[..., card]`."""
        y: Tensor = self.linears[step](self.norms[step](x))
        return y

    def memory(self, z: Tensor) -> list[Tensor]:
        """Room for the keys and values `[N, S, 2 G, E]` of a frame, per layer."""
        stack = self.config.transformer
        shape = (len(z), len(self.config.schedule), 2 * stack.key_heads, stack.head_dim)
        return [z.new_empty(shape) for _ in self.layers]

    def step(self, step: int, z: Tensor, token: Tensor, memory: list[Tensor]) -> Tensor:
        """One step: temporal output `[N, D']`, token before it `[N]` -> logits `[N, card]`; writes into `memory`."""
        x, turn = self._input(step, z, token), self._turn(z.device)
        for layer, room in zip(self.layers, memory, strict=True):
            assert isinstance(layer, DepthLayer)
            heads = layer.project(step, x, turn)
            room[:, step] = heads[:, layer.heads :]
            if step == 0 and layer.groups == layer.heads:
                attended = heads[:, layer.heads + layer.groups :]  # a single key has all the weight
            else:
                key, value = room[:, : step + 1].chunk(2, dim=2)
                attended = layer.attend(heads[:, None, : layer.heads], key, value, causal=False)[:, 0]
            x = layer.rest(step, x, attended.flatten(1))
        return self.logits(step, x)

"""What a step of training holds on one card: weights, gradients, optimizer, and what is kept for the gradient.

Moshi-7B with both streams predicted, adapters of rank 128 on every matrix, 16 crops of 100 s, layers computed again
(moshi-finetune's settings; it reports 39.6 GB for one stream), in GB of 10^9 bytes:

    frozen weights     8.4 G in bfloat16                                                16.7
    adapters           0.50 G in float32: weight, gradient, Adam's two slots             8.0
    inputs of layers   20,000 frames x 2 bytes x (32 x 4096 + 6 x 16 x 1024)             9.2
    one layer          what the depth's largest keeps while its gradient is computed    16.4
    logits             20,000 x (32,000 + 16 x 2048) x 10 bytes, if all are kept        13.0

Together 63: it fits 80 GB with room for what the allocator cannot use. `tests/agent/training/test_memory.py` counts it
on the meta device. Nobody has run it on a card yet.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor, nn

from ..model.language_model import LanguageModel

ADAM = 4 + 4 + 4 + 4  # bytes of a trained number: weight, gradient, two slots
LOGITS = 2 + 4 + 4  # bytes of a logit: as computed, in float32, its gradient


@dataclass(frozen=True)
class TrainingMemory:
    """Bytes at the fullest moment of a step."""

    frozen: int
    trained: int  # with gradients and Adam's slots
    inputs: int  # of all layers, kept to compute them again
    layer: int  # the largest layer's insides, or all layers'
    logits: int

    @property
    def total(self) -> int:
        """All of it."""
        return self.frozen + self.trained + self.inputs + self.layer + self.logits


def training_memory(model: LanguageModel, batch: int, frames: int, again: bool = True) -> TrainingMemory:
    """What a step holds at most, in a process that has the whole model.

    Args:
        model: on the meta device, with what is frozen as it will be; activations have the type of its embeddings.
        batch: crops of a pass.
        frames: of a crop.
        again: whether layers are computed again for their gradient (`gradient_checkpointing`).
    """
    config, depth = model.config, model.depth
    parameters = list(model.parameters())
    frozen = sum(p.numel() * p.element_size() for p in parameters if not p.requires_grad)
    trained = ADAM * sum(p.numel() for p in parameters if p.requires_grad)
    kind, places = model.text_emb.weight.dtype, batch * frames
    x = torch.empty(batch, frames, config.temporal.dim, dtype=kind, device="meta", requires_grad=True)
    turn = model.temporal.turns(torch.zeros(1, dtype=torch.int64, device="meta"), frames)[0]
    inputs, logits = _bytes(x) * config.temporal.layers, places * config.text_card * (1 + config.user_text)
    distinct = model.temporal.layers if config.temporal.layered else model.temporal.layers[:1]
    layers = [kept(partial(each, x, turn, None, None), model) for each in distinct]
    layers = layers * (config.temporal.layers // len(layers))
    if depth is not None:
        stack = config.depth.transformer if config.depth is not None else config.temporal
        xs = [torch.empty(places, stack.dim, dtype=kind, device="meta", requires_grad=True) for _ in depth.linears]
        inputs += sum(map(_bytes, xs)) * stack.layers
        layers += [kept(partial(depth.layers[0], xs, None), model)] * stack.layers
        logits += places * config.card * len(depth.linears)
    if not again:
        return TrainingMemory(frozen, trained, 0, sum(layers), LOGITS * logits)
    return TrainingMemory(frozen, trained, inputs, max(layers), LOGITS * logits)


def kept(run: Callable[[], object], model: nn.Module) -> int:
    """Bytes that `run` keeps for its gradient, weights excepted."""
    weights = {p.untyped_storage()._cdata for p in model.parameters()}
    found: dict[int, Tensor] = {}  # by storage: views are kept once

    def pack(tensor: Tensor) -> Tensor:
        place = tensor.untyped_storage()._cdata
        if place not in weights:
            found[place] = tensor
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        result = run()
    del result
    return sum(tensor.untyped_storage().nbytes() for tensor in found.values())


def _bytes(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()

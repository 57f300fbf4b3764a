"""The choice of text and the whole depth loop as one ONNX graph: logits and noise in, tokens out."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...model.depth import Depth, DepthLayer
from ...model.embedding import TokenEmbedding
from ...model.gating import Gating
from ...model.language_model import LanguageModel
from ...model.onnx_graph import MICROSOFT, Graph, dense


def build(model: LanguageModel, int8: bool) -> Any:
    """The graph of `model`'s agent side.

    Inputs for n conversations, K ranks of text and A of audio: `z` [n, D]; `text_logits` [n, ids]; `text_noise`
    [n, K] and `text_temperature` [n, 1]; `noise` [n, codebooks, A] and `temperature` [n, 1], the noise -inf at ranks
    beyond a conversation's top-k; `forced` int64 [n, 1 + codebooks], -2 where free. Output: int64 [n, 1 + codebooks].
    """
    graph, depth, count = Graph(int8), model.depth, model.config.agent_codebooks
    assert depth is not None
    z = graph.input("z", "float", "n", model.config.temporal.dim)
    logits = graph.input("text_logits", "float", "n", model.config.text_out)
    text_noise = graph.input("text_noise", "float", "n", "text_top_k")
    text_temperature = graph.input("text_temperature", "float", "n", 1)
    noise = graph.input("noise", "float", "n", count, "top_k")
    temperature = graph.input("temperature", "float", "n", 1)
    forced = graph.split(graph.input("forced", "int64", "n", 1 + count), 1, *[1] * (1 + count))
    token = _choose(graph, logits, text_temperature, text_noise, forced[0])
    said, draws = [token], graph.split(noise, 1, *[1] * count)
    loop = _Loop(graph, depth, z)
    for step in range(count):
        draw = graph.op("Squeeze", draws[step], graph.constant(np.array([1])))
        token = _choose(graph, loop.step(step, token), temperature, draw, forced[1 + step])
        said.append(token)
    graph.output(graph.op("Concat", *said, axis=1), "int64", "n", 1 + count)
    return graph.session()


def _choose(graph: Graph, logits: str, temperature: str, noise: str, forced: str) -> str:
    """A token `[n, 1]`, as `sampling.choose` does it, unless one is forced."""
    ranks = graph.op("Gather", graph.op("Shape", noise), graph.constant(np.array([1])))
    best, ids = graph.split_op("TopK", 2, logits, ranks, axis=-1)
    scores = graph.op("Add", graph.op("Div", best, temperature), noise)
    place = graph.op("ArgMax", scores, axis=-1, keepdims=1)
    token = graph.op("GatherElements", ids, place, axis=1)
    free = graph.op("Less", forced, graph.constant(np.array(0)))
    return graph.op("Where", free, token, forced)


class _Loop:
    """The depth transformer unrolled; keeps the keys and values of the steps so far."""

    def __init__(self, graph: Graph, depth: Depth, z: str) -> None:
        self.graph, self.depth = graph, depth
        stack = depth.config.transformer
        self.heads, self.width, self.dim = stack.heads, stack.head_dim, stack.dim
        self.inputs = [graph.layer(z, each) for each in depth.inputs]
        self.keys: list[list[str]] = [[] for _ in depth.layers]  # per layer and step [n, H, E, 1]
        self.values: list[list[str]] = [[] for _ in depth.layers]  # [n, H, 1, E]

    def step(self, step: int, token: str) -> str:
        """Logits `[n, card]` after the token `[n, 1]` before."""
        graph, depth = self.graph, self.depth
        table = depth.text_emb if step == 0 else depth.emb[step - 1]
        assert isinstance(table, TokenEmbedding)
        rows = graph.op("Gather", graph.constant(whole_table(table)), token)  # [n, 1, D]
        start = self.inputs[depth.config.schedule[step] if depth.config.multi_linear else 0]
        x = graph.op("Add", start, graph.reshape(rows, -1, self.dim))
        for index, layer in enumerate(depth.layers):
            assert isinstance(layer, DepthLayer)
            x = self._layer(step, x, layer, index)
        return graph.layer(graph.norm(x, depth.norms[step]), depth.linears[step])

    def _layer(self, step: int, x: str, layer: DepthLayer, index: int) -> str:
        graph, chosen = self.graph, layer.schedule[step]
        weight, _ = dense(layer.self_attn.in_projs[chosen])
        scale = torch.ones(len(weight), 1)
        scale[: self.dim] = self.width**-0.5
        heads = graph.linear(graph.norm(x, layer.norm1), weight * scale)
        query, key, value = graph.split(graph.reshape(heads, -1, 3 * self.heads, 1, self.width), 1, *[self.heads] * 3)
        self.keys[index].append(graph.reshape(key, 0, 0, self.width, 1))
        self.values[index].append(value)
        if step == 0:  # a single key has all the weight
            attended = value
        else:
            keys = graph.op("Concat", *self.keys[index], axis=3)
            weights = graph.op("Softmax", graph.op("MatMul", query, keys), axis=-1)
            attended = graph.op("MatMul", weights, graph.op("Concat", *self.values[index], axis=2))
        attended = graph.reshape(attended, -1, self.dim)
        attended = graph.layer(attended, layer.self_attn.out_projs[chosen])
        x = graph.op("Add", x, graph.scaled(attended, layer.layer_scale_1))
        gating = layer.gating
        if isinstance(gating, torch.nn.ModuleList):
            gating = gating[chosen]
        assert isinstance(gating, Gating)
        inner = gated(graph, graph.norm(x, layer.norm2), gating)
        return graph.op("Add", x, graph.scaled(inner, layer.layer_scale_2))


def gated(graph: Graph, x: str, gating: Gating) -> str:
    """The SiLU-gated feed-forward."""
    hidden = dense(gating.linear_out)[0].shape[1]
    gate, value = graph.split(graph.layer(x, gating.linear_in), 1, hidden, hidden)
    opened = graph.op("QuickGelu", gate, domain=MICROSOFT, alpha=1.0)  # x sigmoid(x)
    return graph.layer(graph.op("Mul", opened, value), gating.linear_out)


def whole_table(table: TokenEmbedding) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Every token's vector `[entries, D]`, a low rank multiplied out."""
    with torch.inference_mode():
        weight = table.weight.float()
        if table.low_rank is not None:
            weight = weight @ dense(table.low_rank)[0].T
        return np.asarray(weight.numpy(), np.float32)

"""The temporal transformer as ONNX graphs, one between every two attentions, for any number of conversations."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from ...model.embedding import TokenEmbedding
from ...model.gating import Gating
from ...model.language_model import LanguageModel
from ...model.onnx_graph import MICROSOFT, Graph, dense
from ...model.rope import needs_rotation
from ...model.temporal import TemporalLayer
from .depth import gated, whole_table

FLOAT = 1  # ONNX's number of float32


def piece(model: LanguageModel, index: int, int8: bool) -> Any:
    """The graph between the attentions of layers `index - 1` and `index`.

    The first takes `column` int64 [n, K], the others `x` and `attended` [n, D]; with rotary positions all but the
    last take `cosine` and `sine` [n, E/2] and `row` int64 [n, 1], which counts from 0. All but the last give x,
    queries, keys and values [n, D]; the last gives the output [n, D], text logits and the user's text logits.
    """
    config = model.config.temporal
    graph, dim, last = Graph(int8), config.dim, index == config.layers
    if index == 0:
        x = embedding(graph, model)
    else:
        layer = model.temporal.layers[index - 1]
        assert isinstance(layer, TemporalLayer)
        assert isinstance(layer.gating, Gating)
        x = graph.input("x", "float", "n", dim)
        attended = graph.layer(graph.input("attended", "float", "n", dim), layer.self_attn.out_projs[0])
        x = graph.op("Add", x, graph.scaled(attended, layer.layer_scale_1))
        inner = gated(graph, graph.norm(x, layer.norm2), layer.gating)
        x = graph.op("Add", x, graph.scaled(inner, layer.layer_scale_2))
    if last:
        _heads(graph, x, model)
        return graph.session()
    layer = model.temporal.layers[index]
    assert isinstance(layer, TemporalLayer)
    heads = graph.layer(graph.norm(x, layer.norm1), layer.self_attn.in_projs[0])
    query, key, value = graph.split(heads, 1, dim, dim, dim)
    if needs_rotation(config.positions):
        query, key = rotated(graph, [query, key], config.heads, config.head_dim)
    for each in (x, query, key, value):
        graph.output(each, "float", "n", dim)
    return graph.session()


def _heads(graph: Graph, x: str, model: LanguageModel) -> None:
    ids = model.config.text_out
    z = graph.norm(x, model.out_norm)
    graph.output(z, "float", "n", model.config.temporal.dim)
    graph.output(graph.layer(z, model.text_linear), "float", "n", ids)
    if model.user_text_out is not None:
        graph.output(graph.layer(graph.layer(z, model.user_text_out), model.text_linear), "float", "n", ids)


def embedding(graph: Graph, model: LanguageModel) -> str:
    """The temporal transformer's input `[n, D]` from a column of tokens int64 `[n, K]`, -1 being none."""
    config = model.config
    column = graph.input("column", "int64", "n", config.streams)
    there = graph.op("Cast", graph.op("GreaterOrEqual", column, graph.constant(np.array(0))), to=FLOAT)
    column = graph.op("Max", column, graph.constant(np.array(0)))
    unheard, further = config.first_heard - 1, config.streams - 1 - config.n_q
    heard = config.n_q - unheard
    sizes = (1, *[unheard] * bool(unheard), *[heard] * bool(heard), *[1] * further)
    tokens, masks = graph.split(column, 1, *sizes), graph.split(there, 1, *sizes)
    table = graph.constant(whole_table(model.text_emb))
    audio = len(sizes) - 1 - further
    texts = []  # vectors [n, D] of the text streams
    for index in (0, *range(1 + audio, len(sizes))):
        rows = graph.reshape(graph.op("Gather", table, tokens[index]), -1, config.temporal.dim)
        texts.append(graph.op("Mul", rows, masks[index]))
    x = texts[0]
    if heard:
        x = graph.op("Add", x, _audio_embedding(graph, model, tokens[audio], masks[audio]))
    for index, module in ((1, model.user_text_in), (-1, model.hint_in)):
        if module is not None:
            x = graph.op("Add", x, graph.layer(texts[index], module))
    return x


def _audio_embedding(graph: Graph, model: LanguageModel, tokens: str, mask: str) -> str:
    """The sum `[n, D]` of the codebooks' vectors of tokens `[n, heard]`; low ranks are one product."""
    tables = [table for table in model.emb if isinstance(table, TokenEmbedding)]
    entries = np.concatenate([table.weight.detach().float().numpy() for table in tables])
    offsets = np.arange(len(tables)) * len(tables[0].weight)
    places = graph.op("Add", tokens, graph.constant(offsets))
    rows = graph.op("Gather", graph.constant(entries), places)  # [n, heard, rank or D]
    rows = graph.op("Mul", rows, graph.reshape(mask, 0, 0, 1))
    ranks = [dense(table.low_rank)[0] for table in tables if table.low_rank is not None]
    if not ranks:
        return graph.op("ReduceSum", rows, graph.constant(np.array([1])), keepdims=0)
    return graph.linear(graph.reshape(rows, 0, -1), torch.cat(ranks, dim=1))


def rotated(graph: Graph, vectors: list[str], heads: int, width: int) -> list[str]:
    """Queries and keys `[n, D]` turned by the angles of their rows."""
    row = graph.input("row", "int64", "n", 1)
    turn = [graph.input(name, "float", "n", width // 2) for name in ("cosine", "sine")]
    turned = []
    for vector in vectors:
        steps = graph.reshape(vector, -1, 1, heads * width)
        steps = graph.op("RotaryEmbedding", steps, row, *turn, domain=MICROSOFT, interleaved=1)
        turned.append(graph.reshape(steps, -1, heads * width))
    return turned

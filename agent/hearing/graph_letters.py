"""The recognizer's network as one ONNX graph with 8-bit matrices: what a laptop's processor runs quickest."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from ..model.onnx_graph import Graph
from .config import OUT, STEPS, SYMBOLS
from .features import BANDS
from .network import HOPS, HearingNetwork, Layer, NetworkState

UNSEEN = -1e9


class GraphLetters:
    """See `agent.hearing.recognizer.Letters`."""

    def __init__(self, network: HearingNetwork, int8: bool = True) -> None:
        """Write the graph; the network is left as it is. Needs onnxruntime."""
        self.config = network.config
        self._positions = network.positions.detach().float().numpy()
        self._fresh = network.init_state()
        with torch.inference_mode():
            self._session = _graph(network, int8)

    def init_state(self) -> NetworkState:
        """See `Letters`."""
        return self._fresh

    def step(self, features: Tensor, state: NetworkState) -> tuple[Tensor, NetworkState]:
        """See `Letters`."""
        config, heard = self.config, int(state.step)
        hops = np.concatenate([state.hops[0].T.numpy(), features[0].numpy()])  # [2 + 8, 80]
        mask = np.zeros((1, config.context + STEPS), np.float32)
        mask[0, : max(0, config.context - heard)] = UNSEEN
        feeds = {
            "windows": np.lib.stride_tricks.sliding_window_view(hops, 3, 0).reshape(HOPS, -1),
            "inner": state.inner[0].T.numpy(),
            "places": self._positions[(heard + np.arange(STEPS)) % config.positions],
            "mask": mask,
            "keys": state.keys[0].numpy(),
            "values": state.values[0].numpy(),
        }
        told, inner, keys, values = self._session.run(None, feeds)
        after = NetworkState(
            torch.from_numpy(hops[-2:].T.copy())[None],
            torch.from_numpy(inner.T.copy())[None],
            torch.from_numpy(keys)[None],
            torch.from_numpy(values)[None],
            state.step + STEPS,
        )
        return torch.from_numpy(told)[None], after


def _graph(network: HearingNetwork, int8: bool) -> Any:
    config, graph = network.config, Graph(int8)
    dim, context = config.dim, config.context
    windows = graph.input("windows", "float", HOPS, 3 * BANDS)
    inner = graph.input("inner", "float", 1, dim)
    places = graph.input("places", "float", STEPS, dim)
    mask = graph.input("mask", "float", 1, context + STEPS)
    keys, values = (graph.input(name, "float", config.layers, context, dim) for name in ("keys", "values"))
    joined = graph.op("Concat", inner, _gelu(graph, _conv(graph, windows, network.conv1, bands_first=True)), axis=0)
    pairs = graph.reshape(graph.op("Slice", joined, *_bounds(graph, 0, HOPS)), STEPS, 2 * dim)
    thirds = graph.op("Gather", joined, graph.constant(np.arange(2, HOPS + 1, 2)), axis=0)
    both = graph.op("Concat", pairs, thirds, axis=1)
    x = graph.op("Add", _gelu(graph, _conv(graph, both, network.conv2, bands_first=False)), places)
    kept: list[tuple[str, str]] = []
    for index, layer in enumerate(network.layers):
        assert isinstance(layer, Layer)
        before = tuple(
            graph.reshape(graph.op("Gather", each, graph.constant(np.array([index])), axis=0), context, dim)
            for each in (keys, values)
        )
        x, *now = _layer(graph, x, layer, before, mask)
        kept.append((now[0], now[1]))
    out = graph.reshape(graph.norm(x, network.norm), OUT, STEPS // OUT * dim)
    graph.output(graph.op("LogSoftmax", graph.layer(out, network.out), axis=-1), "float", OUT, len(SYMBOLS))
    graph.output(graph.op("Slice", joined, *_bounds(graph, HOPS, HOPS + 1)), "float", 1, dim)
    for parts in zip(*kept, strict=True):
        stacked = [
            graph.reshape(graph.op("Slice", part, *_bounds(graph, STEPS, STEPS + context)), 1, context, dim)
            for part in parts
        ]
        graph.output(graph.op("Concat", *stacked, axis=0), "float", config.layers, context, dim)
    return graph.session()


def _layer(graph: Graph, x: str, layer: Layer, before: tuple[str, ...], mask: str) -> tuple[str, str, str]:
    """The layer's output `[4, D]`, all keys and all values `[context + 4, D]`."""
    dim = layer.heads_out.in_features
    width = dim // layer.heads
    query, key, value = graph.split(graph.layer(graph.norm(x, layer.norm1), layer.heads_in), 1, dim, dim, dim)
    key, value = (graph.op("Concat", past, now, axis=0) for past, now in zip(before, (key, value), strict=True))
    query = graph.op("Mul", query, graph.constant(np.array(width**-0.5, np.float32)))
    apart = [graph.reshape(each, -1, layer.heads, width) for each in (query, key, value)]
    queries, values = (graph.op("Transpose", each, perm=[1, 0, 2]) for each in (apart[0], apart[2]))
    scores = graph.op("Add", graph.op("MatMul", queries, graph.op("Transpose", apart[1], perm=[1, 2, 0])), mask)
    attended = graph.op("MatMul", graph.op("Softmax", scores, axis=-1), values)
    attended = graph.reshape(graph.op("Transpose", attended, perm=[1, 0, 2]), STEPS, dim)
    x = graph.op("Add", x, graph.layer(attended, layer.heads_out))
    inner = _gelu(graph, graph.layer(graph.norm(x, layer.norm2), layer.wide))
    return graph.op("Add", x, graph.layer(inner, layer.narrow)), key, value


def _gelu(graph: Graph, x: str) -> str:
    return graph.op("Gelu", x)


def _conv(graph: Graph, windows: str, conv: nn.Conv1d, bands_first: bool) -> str:
    """A convolution of 3 on windows laid out, `[n, channels * 3]` or `[n, 3 * channels]`."""
    assert conv.bias is not None
    weight = conv.weight.detach() if bands_first else conv.weight.detach().transpose(1, 2)
    return graph.linear(windows, weight.flatten(1), conv.bias.detach())


def _bounds(graph: Graph, start: int, end: int) -> list[str]:
    """Where a slice of the first axis begins and ends."""
    return [graph.constant(np.array([each])) for each in (start, end)] + [graph.constant(np.array([0]))]

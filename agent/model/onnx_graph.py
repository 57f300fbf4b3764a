"""Writing ONNX graphs by hand: values are names, every call adds a node, weights come from modules.

Matrices of 8 bits are ONNX Runtime's `MatMulNBits`: blocks of 64 weights share a scale, inputs are rounded to 8 bits
on the way in. Chosen by measurement on a CPU with VNNI: 3.3 times as fast for one row as torch's 8-bit product, and
the only block size of 128, 64 whose results do not depend on the number of rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import nn

from .gating import LayerScale
from .norm import RMSNorm
from .quantized import Int8Linear

Array = npt.NDArray[Any]
OPSET, IR_VERSION = 20, 10
MICROSOFT = "com.microsoft"
BLOCK = 64  # weights of a row that share a scale
KINDS = {"float": np.float32, "int64": np.int64}


class Graph:
    """A graph in the making. `int8` shortens the matrices of its linear layers."""

    def __init__(self, int8: bool) -> None:
        self.int8 = int8
        self._nodes: list[Any] = []
        self._weights: list[Any] = []
        self._inputs: list[Any] = []
        self._outputs: list[Any] = []

    def input(self, name: str, kind: str, *shape: int | str) -> str:
        """An input of kind "float" or "int64"; axes are numbers or names."""
        self._inputs.append(_value(name, kind, shape))
        return name

    def output(self, value: str, kind: str, *shape: int | str) -> None:
        """Declare a value an output; outputs come in the order of declaration."""
        self._outputs.append(_value(value, kind, shape))

    def constant(self, array: Array) -> str:
        """A weight or a constant."""
        from onnx import numpy_helper

        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(array), name))
        return name

    def op(self, kind: str, *inputs: str, domain: str = "", **attributes: Any) -> str:
        """A node with one output."""
        return self.split_op(kind, 1, *inputs, domain=domain, **attributes)[0]

    def split_op(self, kind: str, outputs: int, *inputs: str, domain: str = "", **attributes: Any) -> list[str]:
        """A node with several outputs."""
        from onnx import helper

        names = [f"v{len(self._nodes)}.{index}" for index in range(outputs)]
        self._nodes.append(helper.make_node(kind, list(inputs), names, domain=domain, **attributes))
        return names

    def reshape(self, x: str, *shape: int) -> str:
        """Another shape; 0 keeps an axis, -1 takes the rest."""
        return self.op("Reshape", x, self.constant(np.array(shape, np.int64)))

    def split(self, x: str, axis: int, *sizes: int) -> list[str]:
        """Parts of the given sizes along an axis."""
        return self.split_op("Split", len(sizes), x, self.constant(np.array(sizes, np.int64)), axis=axis)

    def linear(self, x: str, weight: torch.Tensor, bias: torch.Tensor | None = None) -> str:
        """`[n, inputs]` times `weight` `[outputs, inputs]`."""
        outputs, inputs = weight.shape
        if self.int8:
            packed, scales = quantized(weight.float().numpy())
            sizes = {"K": inputs, "N": outputs, "bits": 8, "block_size": BLOCK, "accuracy_level": 4}
            y = self.op("MatMulNBits", x, self.constant(packed), self.constant(scales), domain=MICROSOFT, **sizes)
        else:
            y = self.op("MatMul", x, self.constant(weight.float().numpy().T))
        return y if bias is None else self.op("Add", y, self.constant(bias.float().numpy()))

    def layer(self, x: str, module: nn.Module) -> str:
        """A linear layer of either kind."""
        weight, bias = dense(module)
        return self.linear(x, weight, bias)

    def norm(self, x: str, module: nn.Module) -> str:
        """A normalisation over the last axis, or nothing."""
        if isinstance(module, nn.Identity):
            return x
        if isinstance(module, RMSNorm):
            alpha = self.constant(module.alpha.detach().float().view(-1).numpy())
            return self.op("SimplifiedLayerNormalization", x, alpha, axis=-1, epsilon=module.eps, stash_type=1)
        assert isinstance(module, nn.LayerNorm)
        scale, bias = (self.constant(each.detach().float().numpy()) for each in (module.weight, module.bias))
        return self.op("LayerNormalization", x, scale, bias, axis=-1, epsilon=module.eps)

    def scaled(self, x: str, module: nn.Module) -> str:
        """A learned gain, or nothing."""
        if isinstance(module, LayerScale):
            return self.op("Mul", x, self.constant(module.scale.detach().float().numpy()))
        return x

    def session(self) -> Any:
        """The graph, ready to run on one core: its products are too short to be worth sharing out."""
        import onnxruntime  # type: ignore[import-untyped]
        from onnx import helper

        graph = helper.make_graph(self._nodes, "graph", self._inputs, self._outputs, self._weights)
        sets = [helper.make_opsetid("", OPSET), helper.make_opsetid(MICROSOFT, 1)]
        model = helper.make_model(graph, opset_imports=sets, ir_version=IR_VERSION)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        options.enable_cpu_mem_arena = False  # it grows by powers of two
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        session._model_bytes = None  # kept for a change of device: all weights a second time
        return session


def dense(module: nn.Module) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Matrix `[outputs, inputs]` and bias of a linear layer of either kind, in float32."""
    linear = module.linear() if isinstance(module, Int8Linear) else module
    assert isinstance(linear, nn.Linear)
    bias = None if linear.bias is None else linear.bias.detach()
    return linear.weight.detach().float(), bias


def quantized(weight: Array) -> tuple[Array, Array]:
    """A matrix `[outputs, inputs]` in blocks: uint8 `[outputs, blocks, 64]` around 128, scales `[outputs * blocks]`."""
    outputs, inputs = weight.shape
    padded = np.pad(weight, ((0, 0), (0, -inputs % BLOCK))).reshape(outputs, -1, BLOCK)
    scales = np.maximum(np.abs(padded).max(axis=-1, keepdims=True) / 127, 1e-12).astype(np.float32)
    return (np.round(padded / scales) + 128).astype(np.uint8), scales.reshape(-1)


def _value(name: str, kind: str, shape: tuple[int | str, ...]) -> Any:
    from onnx import helper

    return helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(np.dtype(KINDS[kind])), list(shape))

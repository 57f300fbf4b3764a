"""The codec as two ONNX graphs, one frame per call, any batch, with the streaming state as inputs and outputs.

A folder holds `encoder.onnx` (x and state.* -> codes and next.*), `decoder.onnx` (codes and state.* -> y and next.*)
and `codec.json`, the configuration. Feed every `next.NAME` back as `state.NAME`; a fresh state is
`streaming.flatten(codec.init_state(batch))`. `codec.runtime.OnnxCodec` does that behind the codec's own methods.
"""

from __future__ import annotations

import contextlib
import json
import logging
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from corpus.durable import replace_text

from .config import to_dict
from .layers import streaming
from .model import Codec
from .patch import PatchDecoder, PatchEncoder

OPSET = 20
S = TypeVar("S")


class EncoderStep(nn.Module):
    """Samples of one frame and a flat state -> codes and the next flat state."""

    def __init__(self, codec: Codec, batch: int) -> None:
        super().__init__()
        self.encoder, self.quantizer = codec.encoder, codec.quantizer
        self.template = codec.encoder.init_state(batch)

    def forward(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """`[B, 1, 1920]` -> codes `[B, K, 1]`, then the state's tensors in order."""
        latent, after = self.encoder(x[:, 0], _rebuild(self.template, state))
        return self.quantizer.encode(latent), *streaming.flatten(after).values()


class DecoderStep(nn.Module):
    """Codes of one frame and a flat state -> samples and the next flat state."""

    def __init__(self, codec: Codec, batch: int) -> None:
        super().__init__()
        self.decoder, self.quantizer = codec.decoder, codec.quantizer
        self.template = codec.decoder.init_state(batch)

    def forward(self, x: Tensor, *state: Tensor) -> tuple[Tensor, ...]:
        """Codes `[B, K, 1]` -> `[B, 1, 1920]`, then the state's tensors in order."""
        entries = self.quantizer.decode(x)
        wav, after = self.decoder(entries, self.quantizer.combine(entries), _rebuild(self.template, state))
        return wav[:, None], *streaming.flatten(after).values()


def export(codec: Codec, folder: str | Path) -> Path:
    """Write a codec (on the CPU) as ONNX into a folder, made if missing; returns the folder."""
    target = Path(folder)
    target.mkdir(parents=True, exist_ok=True)
    config = codec.config
    training = codec.training
    codec.eval()
    x = torch.zeros(2, 1, config.frame_samples)
    codes = torch.zeros(2, config.quantizer.n_q, 1, dtype=torch.int64)
    for name, step, first in (("encoder", EncoderStep(codec, 2), x), ("decoder", DecoderStep(codec, 2), codes)):
        _export(step.eval(), first, target / f"{name}.onnx")
    codec.train(training)
    replace_text(target / "codec.json", json.dumps(to_dict(config), indent=2) + "\n")
    return target


def shorten(codec: Codec, folder: str | Path) -> Path:
    """Rewrite an exported codec with the matrices of its transformers and ConvNeXt blocks in 8 bits; returns it.

    Faster and a third of the size at a small loss; spectra, search, pitch and head stay as they are.
    """
    for name in ("encoder", "decoder"):
        _quantize(Path(folder) / f"{name}.onnx", _matrix_shapes(codec))
    return Path(folder)


def _rebuild(template: S, tensors: tuple[Tensor, ...]) -> S:
    """A state from its tensors in order."""
    values = iter(tensors)
    return streaming.map_state(lambda _: next(values), template)


def _export(step: EncoderStep | DecoderStep, first: Tensor, path: Path) -> None:
    state = streaming.flatten(step.template)
    outer = ("x", "codes") if isinstance(step, EncoderStep) else ("codes", "y")
    batch = torch.export.Dim("batch", min=1, max=4096)
    with torch.no_grad(), warnings.catch_warnings(), _quiet("torch.onnx._internal.exporter._registration"):
        warnings.simplefilter("ignore")  # the exporter warns about its own internals
        torch.onnx.export(
            step,
            (first, *state.values()),
            str(path),
            dynamo=True,
            opset_version=OPSET,
            input_names=[outer[0], *(f"state.{name}" for name in state)],
            output_names=[outer[1], *(f"next.{name}" for name in state)],
            dynamic_shapes={"x": {0: batch}, "state": tuple({0: batch} for _ in state)},
            external_data=False,
            verbose=False,
        )


@contextlib.contextmanager
def _quiet(name: str) -> Iterator[None]:
    """Mute a logger's advice to developers of exporters."""
    logger = logging.getLogger(None if name == "root" else name)
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _matrix_shapes(codec: Codec) -> set[tuple[int, int]]:
    """Input by output size of the matrices worth shortening: those of the transformers and of the blocks' networks."""
    parts: list[nn.Module] = [codec.encoder.transformer, codec.decoder.transformer]
    if isinstance(codec.encoder, PatchEncoder) and isinstance(codec.decoder, PatchDecoder):
        parts += [codec.encoder.blocks, codec.encoder.merge, codec.decoder.blocks, codec.decoder.expand]
    linears = [module for part in parts for module in part.modules() if isinstance(module, nn.Linear)]
    return {(linear.in_features, linear.out_features) for linear in linears}


def _quantize(path: Path, shapes: set[tuple[int, int]]) -> None:
    """Replace float32 products with matrices of these shapes by 8-bit ones, per output channel, inputs on the fly."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic  # type: ignore[import-untyped]

    model = onnx.load(str(path))
    sizes = {
        tensor.name: tuple(tensor.dims)
        for tensor in model.graph.initializer
        if tensor.data_type == onnx.TensorProto.FLOAT
    }
    for index, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{index}"
    chosen = [
        node.name
        for node in model.graph.node
        if node.op_type in ("MatMul", "Gemm") and any(sizes.get(name) in shapes for name in node.input)
    ]
    with tempfile.TemporaryDirectory() as scratch, _quiet("root"):
        named = Path(scratch) / "named.onnx"
        onnx.save(model, str(named))
        quantize_dynamic(
            str(named),
            str(path),
            op_types_to_quantize=["MatMul", "Gemm"],
            nodes_to_quantize=chosen,
            weight_type=QuantType.QInt8,
            per_channel=True,
        )

"""Which stepper and which codec a machine gets: PyTorch row by row, or graphs of ONNX Runtime."""

from __future__ import annotations

import contextlib
import copy
import ctypes
import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import torch

from corpus.user_folders import cache_folder

from ..model.language_model import LanguageModel
from ..model.quantized import quantize
from .stepper import RowByRow, Stepper

if TYPE_CHECKING:
    from codec import Codec
    from codec.runtime import OnnxCodec

Runtime = Literal["fast", "fused", "torch"]
SMALL = 1 << 16  # bytes of a tensor that may stay
log = logging.getLogger("agent.live.runtime")


def make_stepper(
    model: LanguageModel, codec: Any, runtime: str, int8: bool, cache: str | Path | None, threads: int
) -> tuple[Stepper, Any]:
    """A stepper and a codec for a runtime; see `agent.live.batch.Batch`."""
    if runtime not in get_args(Runtime):
        raise ValueError(f"there is no runtime {runtime!r}; choose one of {', '.join(get_args(Runtime))}")
    if runtime == "torch" or model.device.type != "cpu":
        return RowByRow(model), codec
    if not all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        raise ValueError(f"runtime {runtime} needs ONNX: pip install 'duologue[onnx]', or choose runtime torch")
    from .onnx import FusedStepper, supports

    stepper = FusedStepper(model, int8, threads) if supports(model) else RowByRow(eight_bit(model) if int8 else model)
    return stepper, codec if runtime == "fused" else _exported(codec, cache_folder() if cache is None else cache, int8)


def let_go(module: torch.nn.Module) -> None:
    """Free the large tensors of a module whose runtime has copies of its own; what is left tells shapes no more."""
    for tensor in (*module.parameters(), *module.buffers()):
        if tensor.nbytes > SMALL:
            tensor.data = tensor.new_empty(0)
    with contextlib.suppress(OSError, AttributeError):  # what was freed goes back to the system, with glibc
        ctypes.CDLL(None).malloc_trim(0)


def _exported(codec: Codec, cache: str | Path, int8: bool) -> OnnxCodec:
    """The codec's quickest runtime."""
    from codec.runtime import fastest, folder_name

    if not (Path(cache) / folder_name(codec, int8)).exists():
        log.warning("preparing the codec, once: some twenty seconds; agent prepare does it ahead")
    return fastest(codec, cache, int8)


def eight_bit(model: LanguageModel) -> LanguageModel:
    """A copy with 8-bit matrices."""
    short = copy.deepcopy(model)
    quantize(short)
    return short

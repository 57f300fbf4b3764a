"""How a machine holds conversations: PyTorch row by row, graphs of ONNX Runtime, or all rows at once on a card."""

from __future__ import annotations

import copy
import importlib.util
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from corpus.user_folders import cache_folder

from ..files.talking_model import TalkingModel
from ..model.language_model import LanguageModel
from ..model.quantized import quantize
from .rows import Rows, ValueRows
from .stepper import RowByRow, Stepper

if TYPE_CHECKING:
    from codec import Codec
    from codec.runtime import OnnxCodec

Runtime = Literal["fast", "fused", "torch", "slots"]
log = logging.getLogger("agent.live.runtime")


def make_rows(
    bundle: TalkingModel, slots: int, runtime: str, int8: bool, cache: str | Path | None, threads: int
) -> Rows:
    """The rows of a runtime; see `agent.live.batch.Batch`."""
    check_runtime(runtime)
    model, codec = bundle.model, bundle.codec
    if runtime == "slots" or (runtime != "torch" and model.device.type != "cpu"):
        from . import cuda

        unfit = cuda.unfit(model, codec)
        if not unfit:
            return cuda.SlotRows(model, codec, slots, hearing=bundle.hearing)
        if runtime == "slots":
            raise ValueError(f"runtime slots does not know {unfit}: choose runtime torch")
        log.warning("conversations go one after another on this device: it does not know %s in one go", unfit)
    stepper, used = make_stepper(model, codec, runtime, int8, cache, threads)
    return ValueRows(model.config, model.device, stepper, used, threads, bundle.hearing)


def make_stepper(
    model: LanguageModel, codec: Any, runtime: str, int8: bool, cache: str | Path | None, threads: int
) -> tuple[Stepper, Any]:
    """A stepper of values and a codec for a runtime."""
    check_runtime(runtime)
    if runtime in ("torch", "slots") or model.device.type != "cpu":
        return RowByRow(model), codec
    if not all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        raise ValueError(f"runtime {runtime} needs ONNX: pip install 'duologue[onnx]', or choose runtime torch")
    from .onnx import FusedStepper, supports

    stepper = FusedStepper(model, int8, threads) if supports(model) else RowByRow(eight_bit(model) if int8 else model)
    return stepper, codec if runtime == "fused" else _exported(codec, cache_folder() if cache is None else cache, int8)


def check_runtime(name: str) -> None:
    """Raise ValueError for a name that is none."""
    if name not in get_args(Runtime):
        raise ValueError(f"there is no runtime {name!r}; choose one of {', '.join(get_args(Runtime))}")


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

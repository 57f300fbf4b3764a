"""Which stepper and which codec a machine gets: PyTorch row by row, or graphs of ONNX Runtime."""

from __future__ import annotations

import copy
import importlib.util
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..model.language_model import LanguageModel
from ..model.quantized import quantize
from .stepper import RowByRow, Stepper

if TYPE_CHECKING:
    from codec import Codec
    from codec.runtime import OnnxCodec

log = logging.getLogger("agent.live.runtime")


def make_stepper(
    model: LanguageModel, codec: Any, runtime: str, int8: bool, cache: str | Path | None, threads: int
) -> tuple[Stepper, Any]:
    """A stepper and a codec for a runtime; see `agent.live.batch.Batch`."""
    if runtime == "torch" or model.device.type != "cpu":
        return RowByRow(model), codec
    if not all(importlib.util.find_spec(name) for name in ("onnx", "onnxruntime")):
        raise ValueError(f"runtime {runtime} needs ONNX: pip install 'duologue[onnx]', or choose runtime torch")
    from .onnx import FusedStepper, supports

    stepper = FusedStepper(model, int8, threads) if supports(model) else RowByRow(eight_bit(model) if int8 else model)
    return stepper, codec if runtime == "fused" else _exported(codec, cache_folder() if cache is None else cache, int8)


def _exported(codec: Codec, cache: str | Path, int8: bool) -> OnnxCodec:
    """The codec's quickest runtime."""
    from codec.runtime import fastest, folder_name

    if not (Path(cache) / folder_name(codec, int8)).exists():
        log.warning("preparing the codec for this processor, once: some twenty seconds")
    return fastest(codec, cache, int8)


def eight_bit(model: LanguageModel) -> LanguageModel:
    """A copy with 8-bit matrices."""
    short = copy.deepcopy(model)
    quantize(short)
    return short


def cache_folder() -> Path:
    """Where exported codecs are kept: `$XDG_CACHE_HOME/duologue`, by default under `~/.cache`."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "duologue"

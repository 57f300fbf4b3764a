"""The wheel `moshi` on the same card in the same run: its Moshi-7B with its own CUDA graphs, for some batches."""

from __future__ import annotations

import importlib.util
import time
import warnings
from typing import Any

import numpy as np
import torch

from agent import moshi_7b, tiny
from agent.files.config_json import to_moshi
from agent.judging.live_peer import official

from .part import Effort, Figure, Line, Say

BATCHES = (1, 8, 32)
PART = "peer, wheel moshi"


def peer(effort: Effort, say: Say) -> None:
    """Milliseconds of a step of its language model; its codec is not in it."""
    if importlib.util.find_spec("moshi") is None:
        say(Line(PART, "step", {"skipped": "the wheel moshi is not installed"}))
        return
    model = _model(effort)
    for batch in (1,) if effort.smallest else BATCHES:
        if effort.left < 10 and not effort.smallest:
            say(Line(PART, f"{batch} sessions", {"skipped": "no time left"}))
            return
        say(Line(PART, f"{batch} sessions", _times(model, batch, effort)))


def _model(effort: Effort) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from moshi.models.lm import LMModel
    dtype = torch.bfloat16 if effort.on_card else torch.float32
    config = official(tiny()) if effort.smallest else moshi_7b()
    return LMModel(**to_moshi(config), device=effort.device, dtype=dtype).eval()


@torch.inference_mode()
def _times(model: Any, batch: int, effort: Effort) -> dict[str, Figure]:
    from moshi.models.lm import LMGen

    user = torch.zeros(batch, model.n_q - model.dep_q, 1, dtype=torch.int64, device=effort.device)
    generation, took = LMGen(model), []
    with generation.streaming(batch):
        for _ in range(4 if effort.smallest else 60):
            effort.wait()
            began = time.perf_counter()
            generation.step(user)
            effort.wait()
            took.append(1e3 * (time.perf_counter() - began))
    p50, p99 = np.percentile(took[len(took) // 4 :], [50, 99])
    return {"p50_ms": round(float(p50), 2), "p99_ms": round(float(p99), 2), "memory_gb": effort.gigabytes()}

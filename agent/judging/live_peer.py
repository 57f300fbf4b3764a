"""The wheel `moshi` on the same live loop: its language model of the same configuration, its codec Mimi."""

from __future__ import annotations

import importlib.util
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from corpus.audio import FRAME_SAMPLES

from ..files.config_json import to_moshi
from ..model.config import ModelConfig, Ours

CODEBOOKS = 8  # of Mimi as Moshi uses it


def official(config: ModelConfig) -> ModelConfig:
    """A configuration without what is ours, the agent's side predicted, so that the wheel can run it."""
    assert config.depth is not None
    count = config.agent_codebooks
    depth = replace(config.depth, schedule=tuple(range(count)))
    return replace(config, depth=depth, dep_q=count, ours=Ours())


def wheel_times(config: ModelConfig, frames: int, warm_up: int) -> list[list[float]] | None:
    """Milliseconds of each frame of one conversation, random weights: encode, step, decode, and processor time.

    None without the wheel.
    """
    if importlib.util.find_spec("moshi") is None or config.agent_codebooks != CODEBOOKS:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from moshi.models.lm import LMGen, LMModel
        from moshi.models.loaders import get_mimi
        from moshi.utils.compile import no_compile

        torch.manual_seed(0)
        mimi = get_mimi(None, device="cpu", num_codebooks=CODEBOOKS)
        model = LMModel(**to_moshi(official(config))).eval()
    generation = LMGen(model)
    wave = 0.1 * torch.randn(1, 1, FRAME_SAMPLES)
    with no_compile(), torch.inference_mode(), generation.streaming(1), mimi.streaming(1):
        return [_frame(mimi, generation, wave) for _ in range(frames + warm_up)][warm_up:]


def _frame(mimi: Any, generation: Any, wave: torch.Tensor) -> list[float]:
    began = time.process_time()
    codes, encode = timed(lambda: mimi.encode(wave))
    tokens, step = timed(lambda: generation.step(codes))
    decode = 0.0 if tokens is None else timed(lambda: mimi.decode(tokens[:, 1:]))[1]
    return [encode, step, decode, 1e3 * (time.process_time() - began)]


def timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What it gives, and how many milliseconds it took."""
    began = time.perf_counter()
    result = work()
    return result, 1e3 * (time.perf_counter() - began)

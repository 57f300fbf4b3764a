"""The model that `agent serve` serves: loaded, told who it is, laid out for so many conversations."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    from ..live.batch import Batch
    from ..live.persona import Persona
    from ..live.runtime import Runtime
    from ..model.quantized import Short

WARM_UP_FRAMES = 6


def read_persona(text: str | None, voice: Path | None) -> Persona | None:
    """The prompt of `--text-prompt` and `--voice-prompt`; None without. Raises ValueError for what is no recording."""
    from corpus.audio import read_mono

    from ..live.persona import Persona

    if voice is not None and voice.suffix == ".pt":
        raise ValueError(f"{voice} is a pickle, which is not opened: give the recording that it was made from")
    sample = None if voice is None else read_mono(voice)
    return None if text is None and sample is None else Persona(text or "", sample)


def check_weights(weights: str, runtime: str, device: str) -> None:
    """Raise ValueError for weights that there are not, or that a runtime shortens by itself."""
    if weights not in ("own", "int8", "fp8"):
        raise ValueError(f"--weights must be own, int8 or fp8, got {weights!r}")
    if weights != "own" and device == "cpu" and runtime not in ("slots", "torch"):
        raise ValueError(f"--weights {weights} is for a card: on a CPU --int8 says whether weights have 8 bits")


def load(
    model: str,
    codec: str | None,
    device: str,
    runtime: str,
    int8: bool,
    sessions: int | None,
    threads: int,
    prompt: Persona | None = None,
    weights: str = "own",
    hearing: str | None = None,
) -> tuple[str, Batch]:
    """The model's name and a batch that has run, for the options of the same names; None of `sessions` measures."""
    import torch

    from codec.device import pick_device
    from corpus.audio import FRAME_MS

    from ..files.bundle import load_bundle
    from ..live.batch import Batch
    from ..live.capacity import TickTimes, fitting
    from ..live.persona import prompted
    from ..model.quantized import shorten
    from ..serve.event_log import tell, warn

    if threads:
        torch.set_num_threads(threads)
    chosen = pick_device(device)
    check_weights(weights, runtime, chosen.type)
    tell("loading", model=model, device=chosen)
    bundle = load_bundle(model, device=chosen, codec=codec, hearing=hearing)
    if weights != "own":
        shorten(bundle.model, cast("Short", weights))
    told = None if prompt is None else prompted(bundle, prompt)

    def make(slots: int) -> Batch:
        used = cast("Runtime", runtime)
        return Batch(bundle, slots, runtime=used, int8=int8, threads=threads or 1, keep_weights=False, prompt=told)

    def measured(tried: TickTimes) -> None:
        tell("measured", sessions=tried.sessions, p50_ms=round(tried.p50_ms, 1), p99_ms=round(tried.p99_ms, 1))

    batch = fitting(make, measured) if sessions is None else make(sessions)
    frame_ms = warm_up(batch)
    tell("model ready", model=bundle.name, sessions=batch.slots, frame_ms=round(frame_ms, 1))
    if frame_ms > FRAME_MS:
        warn(f"a frame takes {frame_ms:.0f} ms here and lasts {FRAME_MS:.0f}: sound will be left out")
    return bundle.name, batch


def warm_up(batch: Batch) -> float:
    """Run a conversation of silence, so that no client waits for what is made at first use; ms of a quick frame."""
    import numpy as np

    from corpus.audio import FRAME_SAMPLES

    slot, took = batch.open(), []
    for _ in range(WARM_UP_FRAMES):
        began = time.perf_counter()
        batch.step({slot: np.zeros(FRAME_SAMPLES, np.float32)})
        took.append(1e3 * (time.perf_counter() - began))
    batch.close(slot)
    return min(took)

"""`codec bench`: how long a frame takes here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer

from .options import CodecOption

WARM_UP = 10  # frames that are not timed


def bench(
    codec: CodecOption = "laptop",
    onnx: Annotated[Path | None, typer.Option(help="time the int8 ONNX export, kept in this folder")] = None,
    frames: Annotated[int, typer.Option(help="frames to time")] = 250,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Time encoding plus decoding of a frame, streaming, on one thread."""
    import numpy as np
    import torch

    from ..judging.peers import OurCodec
    from ..model import Codec
    from ..runtime import fastest

    torch.set_num_threads(1)
    loaded = Codec.load(codec)
    runtime = loaded if onnx is None else fastest(loaded, onnx)
    noise = np.random.default_rng(0).standard_normal((frames + WARM_UP) * 1920).astype(np.float32) * 0.1
    times = OurCodec(runtime, codec).process(noise).frame_ms[WARM_UP:]
    figures = {"median_ms": float(np.median(times)), "p95_ms": float(np.percentile(times, 95)), "frames": len(times)}
    typer.echo(json.dumps(figures) if as_json else "  ".join(f"{name} {value:.2f}" for name, value in figures.items()))

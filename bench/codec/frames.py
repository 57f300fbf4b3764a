"""Milliseconds per 80 ms frame on one thread: our codecs against `rustymimi` and `moshi`, taking turns in one run.

Taking turns makes a busy machine slow everyone alike, and leaves nobody's weights in the processor's cache. Processor
time counts what a frame costs, wall time what a listener waits. Exporting Mimi first takes a minute or two.
"""

from __future__ import annotations

import importlib
import json
import os
import statistics
import tempfile
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from codec import Codec, laptop, mimi
from codec.config import tiny
from codec.locate import WEIGHTS
from codec.runtime import OnnxCodec, fastest

FRAMES = 150
WARM_UP = 10  # frames not counted
FRAME_SAMPLES = 1920

Encode = Callable[[Tensor], Any]
Decode = Callable[[Any], Any]


@dataclass
class Contender:
    """One codec and its times in seconds."""

    name: str
    encode: Encode
    decode: Decode
    encoding: list[float] = field(default_factory=list)
    decoding: list[float] = field(default_factory=list)
    processor: list[float] = field(default_factory=list)  # of both

    def turn(self, frame: Tensor) -> None:
        """Encode and decode one frame."""
        spent, began = time.process_time(), time.perf_counter()
        codes = self.encode(frame)
        between = time.perf_counter()
        self.decode(codes)
        self.encoding.append(between - began)
        self.decoding.append(time.perf_counter() - between)
        self.processor.append(time.process_time() - spent)

    def figures(self) -> dict[str, Any]:
        """Milliseconds: medians of processor and of wall time, the latter also in halves, and its 95th percentile."""
        both = sorted(e + d for e, d in zip(self.encoding[WARM_UP:], self.decoding[WARM_UP:], strict=True))
        return {
            "name": self.name,
            "cpu_ms": round(statistics.median(self.processor[WARM_UP:]) * 1e3, 2),
            "encode_ms": round(statistics.median(self.encoding[WARM_UP:]) * 1e3, 2),
            "decode_ms": round(statistics.median(self.decoding[WARM_UP:]) * 1e3, 2),
            "both_ms": round(statistics.median(both) * 1e3, 2),
            "p95_ms": round(both[int(0.95 * len(both))] * 1e3, 2),
        }


def streaming(name: str, codec: Codec | OnnxCodec) -> Contender:
    """One of ours, with its state kept between turns."""
    state = codec.init_state(1)

    def encode(frame: Tensor) -> Tensor:
        nonlocal state
        codes, state = codec.encode_frame(frame, state)
        return codes

    def decode(codes: Tensor) -> Tensor:
        nonlocal state
        sound, state = codec.decode_frame(codes, state)
        return sound

    return Contender(name, encode, decode)


def moshi_peer() -> Contender:
    """Kyutai's PyTorch Mimi. Raises ImportError without the wheel `moshi`."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaders = importlib.import_module("moshi.models.loaders")

    model = loaders.get_mimi(None, num_codebooks=8)
    model.streaming_forever(1)
    return Contender("Mimi, moshi (PyTorch)", torch.no_grad()(model.encode), torch.no_grad()(model.decode))


def rust_peer(weights: Path) -> Contender:
    """Kyutai's Rust Mimi on a Kyutai-layout file. Raises ImportError without the wheel `rustymimi`."""
    tokenizer = importlib.import_module("rustymimi").Tokenizer(str(weights), num_codebooks=8)
    return Contender(
        "Mimi, rustymimi (Rust)",
        lambda frame: np.asarray(tokenizer.encode_step(frame.numpy())),
        tokenizer.decode_step,
    )


def smallest_contenders() -> list[Contender]:
    """Ours at their smallest, and nobody else: Mimi exists in one size."""
    return [streaming("tiny, PyTorch", Codec(tiny(2)).eval())]


def contenders(folder: Path) -> tuple[list[Contender], list[str]]:
    """Everyone who can run, and why the others cannot. Speed does not depend on the weights: Mimi's are random."""
    shipped = (WEIGHTS / "laptop.safetensors").is_file()
    light = Codec.load("laptop") if shipped else Codec(laptop()).prepare().eval()
    full = Codec(mimi(32)).prepare().eval()
    file = full.save(folder / "mimi.safetensors", layout="kyutai")
    ready, skipped = [streaming("laptop, PyTorch", light), streaming("Mimi, ours (PyTorch)", Codec.load(file))], []
    optional: list[Callable[[], Contender]] = [
        lambda: streaming("laptop, ONNX 8-bit", fastest(light, folder)),
        lambda: streaming("laptop, ONNX float32", fastest(light, folder, int8=False)),
        lambda: streaming("Mimi, ours (ONNX float32)", fastest(Codec.load(file), folder, int8=False)),
        lambda: rust_peer(file),
        moshi_peer,
    ]
    for make in optional:
        try:
            ready.append(make())
        except ImportError as error:
            skipped.append(str(error))
    return ready, skipped


def run(as_json: bool = False, smallest: bool = False) -> None:
    """Measure and print."""
    os.environ["RAYON_NUM_THREADS"] = "1"  # read by rustymimi when it first works
    torch.set_num_threads(1)
    generator = torch.Generator().manual_seed(1)
    with tempfile.TemporaryDirectory() as folder:
        everyone, skipped = (smallest_contenders(), []) if smallest else contenders(Path(folder))
        for _ in range(WARM_UP + (1 if smallest else FRAMES)):
            frame = 0.1 * torch.randn(1, 1, FRAME_SAMPLES, generator=generator)
            for contender in everyone:
                contender.turn(frame)
    figures = sorted((contender.figures() for contender in everyone), key=lambda figure: float(figure["cpu_ms"]))
    if as_json:
        print(json.dumps({"codec": figures, "skipped": skipped}, indent=2))
        return
    table = Table("codec", "cpu ms", "encode ms", "decode ms", "both ms", "p95 ms", title="an 80 ms frame, one thread")
    for figure in figures:
        table.add_row(*(str(value) for value in figure.values()))
    console = Console()
    console.print(table)
    for reason in skipped:
        console.print(f"skipped: {reason}")

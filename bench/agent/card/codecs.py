"""Frames a second that a codec encodes and decodes, many streams at once, frame by frame."""

from __future__ import annotations

import time

import torch

from codec import Codec
from codec.config import laptop, mimi, tiny
from corpus.audio import FRAME_SAMPLES

from .part import Effort, Figure, Line, Say

STREAMS = 64
SECONDS = 3.0  # of measuring


def codec_frames(effort: Effort, say: Say) -> None:
    """The shape of the codec that ships, and Mimi's."""
    kinds = {"tiny": tiny(2)} if effort.smallest else {"laptop": laptop(), "mimi": mimi(8)}
    for name, config in kinds.items():
        codec = Codec(config).eval().to(effort.device)
        for streams in (1, STREAMS) if effort.on_card else (1, 2):
            if effort.left < SECONDS:
                say(Line("codec", f"{name}, {streams} streams", {"skipped": "no time left"}))
                return
            say(Line("codec", f"{name}, {streams} streams", _rates(codec, streams, effort)))


@torch.inference_mode()
def _rates(codec: Codec, streams: int, effort: Effort) -> dict[str, Figure]:
    state = codec.init_state(streams)
    wave = 0.1 * torch.randn(streams, 1, FRAME_SAMPLES, device=effort.device)
    codes, state = codec.encode_frame(wave, state)
    rates = {}
    for name in ("encode", "decode"):
        frames, spent = 0, 0.0
        wanted = 0.0 if effort.smallest else SECONDS / 2
        while not frames or spent < wanted:
            effort.wait()
            began = time.perf_counter()
            for _ in range(2 if effort.smallest else 10):
                _, state = codec.encode_frame(wave, state) if name == "encode" else codec.decode_frame(codes, state)
                frames += streams
            effort.wait()
            spent += time.perf_counter() - began
        rates[f"{name}_frames_per_s"] = round(frames / spent, 1)
    return {**rates}

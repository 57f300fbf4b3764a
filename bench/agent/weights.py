"""What short weights cost: logits of a model with 8-bit matrices beside its own, along talks that it has had.

The model talks with recorded people of the voice bank; both forms then read the same tokens. A difference is that of
logits without their mean, over their size; `same` is how often the likeliest token is the same. A model whose file has
8-bit weights already loses nothing by int8.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

import synth.voices
from agent.files.bundle import load_bundle
from agent.files.talking_model import TalkingModel, to_codec
from agent.live.batch import Batch
from agent.live.controls import Controls
from agent.model.language_model import LanguageModel
from agent.model.quantized import Short, dequantize, shorten
from corpus.audio import FRAME_SAMPLES, read_mono

MODEL = "laptop"
SECONDS, TALKS = 10, 6
KINDS: tuple[Short, ...] = ("int8", "fp8")


@dataclass(frozen=True)
class Row:
    """One kind of weights."""

    weights: str
    text_differs: float
    codes_differ: float
    text_same: float
    codes_same: float
    frames: int
    megabytes: float  # of all matrices and tables


def run(as_json: bool = False, smallest: bool = False, model: str = MODEL) -> None:
    """Measure and print a table."""
    rows = measure(load_bundle(model), 1 if smallest else TALKS, 1 if smallest else SECONDS)
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=1))
        return
    table = Table(
        "weights", "text logits differ", "codes'", "likeliest text the same", "code", "frames", "MB", box=None
    )
    for row in rows:
        shares = (
            f"{100 * share:.1f} %" for share in (row.text_differs, row.codes_differ, row.text_same, row.codes_same)
        )
        table.add_row(row.weights, *shares, str(row.frames), f"{row.megabytes:.0f}")
    Console().print(table)


def measure(bundle: TalkingModel, talks: int, seconds: int) -> list[Row]:
    """Every kind of weights along the same talks."""
    plain = copy.deepcopy(bundle.model)
    dequantize(plain, torch.float32)
    codes = list(talk(bundle, talks, seconds))
    rows = []
    for kind in KINDS:
        short = copy.deepcopy(plain)
        shorten(short, kind)
        rows.append(compared(kind, plain, short, codes))
    return rows


def talk(bundle: TalkingModel, talks: int, seconds: int) -> Iterator[Tensor]:
    """What was said and heard in some talks: codes int64 `[1, K, T]`, undelayed."""
    config, clips = bundle.model.config, sorted(Path(synth.voices.__file__).parent.glob("voice_bank/*.opus"))
    for seed, clip in enumerate(clips[:talks]):
        frames = read_mono(clip)[: seconds * 12 * FRAME_SAMPLES]
        frames = frames[: len(frames) // FRAME_SAMPLES * FRAME_SAMPLES]
        heard = bundle.codec.encode(to_codec(bundle, frames))[0, : config.user_codebooks].cpu()
        batch = Batch(bundle, 1, "torch")
        slot = batch.open(Controls(seed=seed))
        outs = [batch.step({slot: frame})[slot] for frame in frames.reshape(-1, FRAME_SAMPLES)]
        said = torch.from_numpy(np.array([out.tokens for out in outs if out.ready])).T
        count = said.shape[1]
        yield torch.cat([said, heard[:, :count]])[None]


@torch.inference_mode()
def compared(kind: str, plain: LanguageModel, short: LanguageModel, talks: list[Tensor]) -> Row:
    """One model beside another, along talks."""
    texts, voices = [], []
    for codes in talks:
        one, other = plain(codes), short(codes)
        texts.append((one.text_logits[one.text_mask], other.text_logits[one.text_mask]))
        voices.append((one.logits[one.mask], other.logits[one.mask]))
    text, voice = _difference(texts), _difference(voices)
    held = sum(tensor.numel() * tensor.element_size() for tensor in short.state_dict().values())
    return Row(kind, text[0], voice[0], text[1], voice[1], sum(codes.shape[2] for codes in talks), held / 1e6)


def _difference(pairs: list[tuple[Tensor, Tensor]]) -> tuple[float, float]:
    """Relative size of the difference of logits `[N, card]`, and the share of rows whose likeliest is the same."""
    one, other = (torch.cat(side) for side in zip(*pairs, strict=True))
    one, other = one - one.mean(-1, keepdim=True), other - other.mean(-1, keepdim=True)
    same = (one.argmax(-1) == other.argmax(-1)).float().mean()
    return float((one - other).norm() / one.norm()), float(same)

"""The model against the wheel `moshi`'s: time of a streaming step and training speed, same weights, same run.

The configuration is the laptop preset without what is ours (all streams Moshi's, the agent's side predicted), so that
the wheel can run it. Models take turns, one thread each; medians of processor time are reported, which other work on
the machine disturbs less than wall time. Training is a forward and backward pass of whole sequences with Moshi's two
losses; the rows named after `agent train` use its objective, which can train the depth transformer on a share of the
frames. The last rows of each task say what our two further streams cost.
"""

from __future__ import annotations

import copy
import json
import statistics
import time
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor
from torch.nn import functional

from agent import LanguageModel, ModelConfig, laptop, tiny
from agent.files.assemble import build
from agent.files.config_json import to_moshi
from agent.judging.live_peer import official
from agent.model.quantized import quantize
from agent.training.objective import Objective
from agent.training.precision import onednn_products
from agent.training.recipe import AgentRecipe
from codec.training.draws import Draw

WHEEL = "moshi (wheel), float32"
Context = Callable[[], AbstractContextManager[None]]


@dataclass(frozen=True)
class Effort:
    """What is measured, and how often."""

    full: ModelConfig  # with our two streams
    rounds: int = 4  # the first one warms up
    steps: int = 20  # a round
    batch: int = 4
    frames: int = 125  # of a training pass: 4 x 10 s

    @property
    def plain(self) -> ModelConfig:
        """Without our two streams."""
        return without_extra_streams(self.full)


@dataclass(frozen=True)
class Row:
    """One measured way of running a model."""

    task: str
    name: str
    value: float
    unit: str
    gain: float | None  # over the wheel, larger is faster


def without_extra_streams(config: ModelConfig) -> ModelConfig:
    """The configuration without the user's words and hints."""
    return replace(config, ours=replace(config.ours, user_text_delay=None, hearing=None, hint=False))


def wheel_model(config: ModelConfig) -> Any:
    """The wheel's model of a configuration, with random weights."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from moshi.models.lm import LMModel
    torch.manual_seed(0)
    return LMModel(**to_moshi(config)).eval()


def medians(ways: dict[str, tuple[Callable[[], Any], Context]], rounds: int, repeats: int) -> dict[str, float]:
    """Seconds of a call of each, taking turns."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for turn in range(rounds):
        for name, (call, context) in ways.items():
            with context():
                for _ in range(repeats):
                    began = time.process_time()
                    call()
                    if turn:
                        seconds[name].append(time.process_time() - began)
    return {name: statistics.median(times) for name, times in seconds.items()}


def stepper(model: LanguageModel) -> Callable[[], None]:
    """A call that moves one conversation on by a frame."""
    states = [model.init_state(1)]
    user = torch.randint(model.config.card, (1, model.config.user_codebooks))

    def step() -> None:
        states[0] = model.step(user, states[0])[1]

    return step


def trainer(model: Any, codes: Tensor, predicted: int) -> Callable[[], None]:
    """A call that makes the gradients of one batch."""

    def train() -> None:
        out = model(codes)
        audio, text = codes[:, 1 : 1 + predicted], codes[:, :1]
        loss = functional.cross_entropy(out.logits[out.mask], audio[out.mask])
        loss = loss + functional.cross_entropy(out.text_logits[out.text_mask], text[out.text_mask])
        torch.autograd.backward(loss)
        for parameter in model.parameters():
            parameter.grad = None

    return train


def objective(model: LanguageModel, codes: Tensor, depth_frames: float) -> Callable[[], None]:
    """A call that makes the gradients of one batch as `agent train` does."""
    wanted = Objective(model, AgentRecipe(depth_frames=depth_frames))
    draw = Draw(torch.Generator().manual_seed(0))

    def train() -> None:
        torch.autograd.backward(wanted.losses(codes, draw).total)
        for parameter in model.parameters():
            parameter.grad = None

    return train


def random_codes(config: ModelConfig, batch: int, frames: int) -> Tensor:
    """A batch of random codes `[B, K, T]`."""
    text = torch.randint(config.text_card, (batch, 1, frames))
    codes = torch.cat([text, torch.randint(config.card, (batch, config.n_q, frames))], dim=1)
    further = torch.randint(config.text_card, (batch, config.streams - codes.shape[1], frames))
    return torch.cat([codes, further], dim=1)


def bfloat16() -> AbstractContextManager[None]:
    """Mixed precision."""
    return torch.autocast("cpu", torch.bfloat16)


def eight_bit(model: LanguageModel) -> LanguageModel:
    """A copy with 8-bit weights."""
    model = copy.deepcopy(model)
    quantize(model)
    return model


def streaming(theirs: Any, ours: LanguageModel, effort: Effort) -> list[Row]:
    """Milliseconds per frame of one conversation."""
    from moshi.models.lm import LMGen
    from moshi.utils.compile import no_compile

    generation, half = LMGen(theirs), LMGen(copy.deepcopy(theirs).to(torch.bfloat16))
    user = torch.randint(theirs.card, (1, theirs.n_q - theirs.dep_q, 1))
    prepared = stepper(copy.deepcopy(ours).prepare())
    extra, plain = LanguageModel(effort.full).eval(), LanguageModel(effort.plain).eval()
    with no_compile(), generation.streaming(1), half.streaming(1):
        seconds = medians(
            {
                WHEEL: (lambda: generation.step(user), nullcontext),
                "moshi (wheel), bfloat16": (lambda: half.step(user), nullcontext),
                "ours, float32": (stepper(ours), nullcontext),
                "ours, float32, prepared": (prepared, nullcontext),
                "ours, bfloat16": (stepper(copy.deepcopy(ours).to(torch.bfloat16)), nullcontext),
                "ours, 8-bit weights": (stepper(eight_bit(ours)), nullcontext),
                "laptop, 8-bit, neither user text nor hints": (stepper(eight_bit(plain)), nullcontext),
                "laptop, 8-bit": (stepper(eight_bit(extra)), nullcontext),
            },
            effort.rounds,
            effort.steps,
        )
    return [
        Row("step", name, 1e3 * own, "ms", None if name.startswith("laptop") else seconds[WHEEL] / own)
        for name, own in seconds.items()
    ]


def training(theirs: Any, ours: LanguageModel, effort: Effort) -> list[Row]:
    """Frames per second through forward and backward."""
    from moshi.utils.compile import no_compile

    config, size = ours.config, (effort.batch, effort.frames)
    codes = random_codes(config, *size)
    extra, plain = LanguageModel(effort.full), LanguageModel(effort.plain)
    ways: dict[str, tuple[Callable[[], Any], Context]] = {
        WHEEL: (trainer(theirs, codes, config.dep_q), nullcontext),
        "moshi (wheel), float32, oneDNN": (trainer(theirs, codes, config.dep_q), onednn_products),
        "moshi (wheel), bfloat16 autocast": (trainer(theirs, codes, config.dep_q), bfloat16),
        "ours, float32": (trainer(ours, codes, config.dep_q), nullcontext),
        "ours, float32, oneDNN": (trainer(ours, codes, config.dep_q), onednn_products),
        "ours, bfloat16 autocast": (trainer(ours, codes, config.dep_q), bfloat16),
        "ours, bfloat16, agent train": (objective(ours, codes, 1.0), bfloat16),
        "ours, bfloat16, agent train, depth on a quarter of frames": (objective(ours, codes, 0.25), bfloat16),
        "laptop, bfloat16, neither user text nor hints": (
            trainer(plain, random_codes(plain.config, *size), plain.config.dep_q),
            bfloat16,
        ),
        "laptop, bfloat16": (trainer(extra, random_codes(extra.config, *size), extra.config.dep_q), bfloat16),
    }
    with no_compile():
        seconds = medians(ways, effort.rounds, 1)
    frames = effort.batch * effort.frames
    return [
        Row("training", name, frames / own, "frames/s", None if name.startswith("laptop") else seconds[WHEEL] / own)
        for name, own in seconds.items()
    ]


def run(as_json: bool = False, smallest: bool = False) -> None:
    """Measure and print."""
    effort = Effort(tiny(), rounds=2, steps=1, batch=1, frames=8) if smallest else Effort(laptop())
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    theirs = wheel_model(official(effort.full))
    ours = build(official(effort.full), theirs.state_dict()).eval()
    rows = streaming(theirs, ours, effort)
    theirs.train()
    ours.train()
    rows += training(theirs, ours, effort)
    torch.set_num_threads(threads)
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
        return
    count = sum(parameter.numel() for parameter in ours.parameters()) / 1e6
    table = Table("task", "model", "speed", "against wheel", title=f"{count:.0f} M parameters", box=None)
    for row in rows:
        gain = "" if row.gain is None else f"{row.gain:.2f}x"
        table.add_row(row.task, row.name, f"{row.value:.1f} {row.unit}", gain)
    Console().print(table)

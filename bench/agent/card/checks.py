"""What must be right before anything is measured, with a tiny model in float32."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch

from agent.live.cuda import SlotRows
from agent.live.rows import Rows, ValueRows
from agent.live.stepper import RowByRow, RowOrder
from codec.layers import streaming
from corpus.audio import FRAME_SAMPLES

from .models import tiny_bundle
from .part import Effort, Line, Say

ROWS = 3
PART = "checks"


def checks(effort: Effort, say: Say) -> None:
    """Parity with the plain model, graphs against eager, a snapshot's way to the CPU and back."""
    bundle, frames = tiny_bundle(effort.device), 8 if effort.smallest else 120
    model, codec = bundle.model, bundle.codec
    plain = talk(lambda: ValueRows(model.config, model.device, RowByRow(model), codec, 1), frames)
    slots = SlotRows(model, codec, ROWS)
    mine = talk(lambda: slots, frames)
    say(compared("tokens of the plain model", plain, mine))
    say(Line(PART, "a graph was recorded", {"passed": slots.recorded == effort.on_card, "recorded": slots.recorded}))
    eager = talk(lambda: SlotRows(model, codec, ROWS, recorded=False), frames)
    say(compared("graphs against eager", eager, mine))
    say(round_trip(slots))


def talk(make: Callable[[], Rows], frames: int) -> list[list[int]]:
    """Tokens of some conversations, flat for each frame; one begins anew half way, one is idle in turn."""
    rows, said = make(), []
    for row in range(ROWS):
        rows.open(row, row)
    for step, sound in enumerate(noise(frames)):
        if step == frames // 2:
            rows.close(1)
            rows.open(1, 9)
        awake = [row for row in range(ROWS) if row != 2 or step % 3]
        answers = rows.step(dict.fromkeys(awake, sound), dict.fromkeys(awake, RowOrder()))
        said.append([token for row in awake for token in answers.frames[row].tokens.tolist()])
    return said


def compared(name: str, one: list[list[int]], other: list[list[int]]) -> Line:
    """Whether two runs said the same, and how long they did; on a card a tie may fall otherwise."""
    different = next((step for step, pair in enumerate(zip(one, other, strict=True)) if pair[0] != pair[1]), None)
    return Line(PART, name, {"passed": different is None, "frames": len(one), "first_difference": different})


def round_trip(slots: SlotRows) -> Line:
    """A conversation goes to the CPU, is had on there by the plain model, and comes back."""
    bundle = tiny_bundle("cpu")
    here, there = slots.snapshot(0), ValueRows(bundle.model.config, torch.device("cpu"), *plain_parts(), 1)
    slots.restore(1, here)
    same = all(
        torch.equal(value, streaming.flatten(here)[name])
        for name, value in streaming.flatten(slots.snapshot(1)).items()
    )
    there.restore(0, here)
    for sound in noise(3):
        there.step({0: sound}, {0: RowOrder()})
    slots.restore(2, there.snapshot(0))
    answer = slots.step({2: noise(1)[0]}, {2: RowOrder()})
    moved = int(slots.snapshot(2).model.tokens.frame) - int(here.model.tokens.frame)
    good = same and moved == 4 and bool(np.isfinite(answer.sound[2]).all())
    return Line(PART, "a snapshot goes to the CPU and back", {"passed": good, "same_bits": same, "frames": moved})


def plain_parts() -> tuple[RowByRow, object]:
    """The plain model and codec on the CPU."""
    bundle = tiny_bundle("cpu")
    return RowByRow(bundle.model), bundle.codec


def noise(frames: int) -> list[np.ndarray[tuple[int], np.dtype[np.float32]]]:
    """White noise, a frame each."""
    return list(0.1 * np.random.default_rng(0).standard_normal((frames, FRAME_SAMPLES), np.float32))

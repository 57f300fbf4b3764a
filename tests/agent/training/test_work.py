"""The arithmetic of a frame: as torch counts it, and as the progress line tells it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from agent import LanguageModel, tiny
from agent.model.lora import add_adapters
from agent.training.objective import Objective
from agent.training.progress import AgentProgress, Seen, StepReport
from agent.training.recipe import AgentRecipe
from agent.training.work import frame_work, measured_peak
from tests.support.agent_training import RandomCodes

FRAMES = 24
RECIPE = AgentRecipe(frames=FRAMES, batch=2, precision="float32", log_every=1)


@pytest.mark.parametrize("adapters", [False, True])
def test_a_frame_is_as_much_work_as_torch_counts(adapters: bool) -> None:
    config = replace(tiny(), temporal=replace(tiny().temporal, context=FRAMES))
    model = LanguageModel(config)
    if adapters:
        add_adapters(model, 4)
    objective = Objective(model, RECIPE)
    codes = RandomCodes(config).batch(0, 2, FRAMES).codes
    with FlopCounterMode(display=False) as counter:
        objective.losses(codes).total.backward()
    # torch leaves out attention on a CPU, and what goes back to inputs that ask for no gradient
    assert counter.get_total_flops() / (2 * FRAMES) == pytest.approx(frame_work(model, RECIPE), rel=0.2)
    assert frame_work(model, RECIPE.changed(depth_frames=0.5)) < 0.9 * frame_work(model, RECIPE)


def test_the_progress_line_tells_the_share_of_the_cards(tmp_path: Path) -> None:
    said: list[str] = []
    progress = AgentProgress(tmp_path, RECIPE, said.append, work=2e9, peak=4e12)
    times = iter((0.0, 10.0))
    progress.begin(0, Seen())
    progress._pace._clock = lambda: next(times)
    for step in (1, 2):
        progress.record(step, StepReport({"loss": 1.0}, Seen(5000, 0, 5000)), Seen(5000 * step, 0, 0), 1.0)
    assert "500 frames/s" in said[-1]
    assert "MFU 25 %" in said[-1]  # 500 x 2e9 of 4e12
    assert "MFU" not in said[0]
    assert measured_peak(torch.device("cpu")) == 0.0

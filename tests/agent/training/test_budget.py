"""Runs of so many minutes, their signs of life, and a signal between two passes: all by a clock of the test's own."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch

from agent import LanguageModel, tiny
from agent.files.checkpoints import write_config
from agent.files.config_json import to_moshi
from agent.model.presets import moshi_7b
from agent.training.budget import TimeBudget
from agent.training.finetune import TuningWishes, planned
from agent.training.finetune_defaults import LARGE_MODEL, RANK
from agent.training.progress import AgentProgress, Seen, StepReport
from agent.training.recipe import AgentRecipe
from agent.training.run import TrainingOrder, budget_of
from agent.training.trainer import AgentTrainer
from codec.training.run_state import CHECKPOINT, read_about
from tests.support.agent_training import CPU, PLAIN, Crop, RandomCodes, everything, make_trainer, quiet


class Clock:
    """Seconds that go on when told."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def timed(folder: Path, clock: Clock, minutes: float, step_seconds: float = 1.0) -> AgentTrainer:
    """A trainer whose every step takes so many seconds of the clock."""

    class Slow(RandomCodes):
        def batch(self, step: int, rows: int, frames: int, part: int = 0, parts: int = 1) -> Crop:
            clock.now += step_seconds
            return super().batch(step, rows, frames, part, parts)

    torch.manual_seed(0)
    budget = TimeBudget(minutes, clock)
    return AgentTrainer(LanguageModel(tiny()), PLAIN, Slow(tiny()), folder, CPU, budget=budget)


def test_steps_follow_from_the_time_left() -> None:
    clock = Clock()
    budget = TimeBudget(1.0, clock)
    budget.begin(10.0)
    assert budget.spent == 10.0
    clock.now = 5.0
    assert budget.steps(1) == 1 + 9  # 45 s left, 5 s a step
    clock.now = 20.0
    assert budget.steps(2) == 2 + 3  # 30 s left, 10 s a step
    clock.now = 49.0
    assert budget.steps(3) == 3  # a second is left, too little for a step
    assert budget.guess(10, 30.0) == 20
    assert budget.guess(3, 60.0) == 3
    assert budget.guess(0, 0.0) == 1
    with pytest.raises(ValueError, match="leaves no time"):
        TimeBudget(0.0)


def test_a_run_of_minutes_ends_with_them_and_goes_on_with_what_is_left(tmp_path: Path) -> None:
    clock = Clock()
    whole = timed(tmp_path / "whole", clock, 0.2)
    assert whole.run(quiet(tmp_path / "whole"))
    assert (whole.step, whole.recipe.steps, clock.now) == (12, 12, 12.0)
    assert whole.recipe.rate(11) == pytest.approx(AgentRecipe(**{**PLAIN.model_dump(), "steps": 12}).rate(11))

    clock.now = 0.0
    cut = timed(tmp_path / "cut", clock, 0.2)
    cut.run(quiet(tmp_path / "cut"), until=5)
    cut.save()
    assert read_about(tmp_path / "cut" / CHECKPOINT)["spent"] == 5.0
    order = TrainingOrder([], tmp_path / "cut", PLAIN, resume=True)
    kept = budget_of(order)
    assert kept is not None
    assert kept.minutes == 0.2
    assert budget_of(TrainingOrder([], tmp_path / "cut", PLAIN)) is None
    clock.now = 100.0
    on = timed(tmp_path / "cut", clock, 0.2)
    assert on.resume() == []
    assert on.recipe.steps == 12
    assert on.run(quiet(tmp_path / "cut"))
    assert (on.step, clock.now) == (12, 107.0)
    again = timed(tmp_path / "cut", clock, 0.2)
    again.resume()
    assert again.run(quiet(tmp_path / "cut"))
    assert clock.now == 107.0
    longer = timed(tmp_path / "cut", clock, 0.25)
    longer.resume()
    longer.run(quiet(tmp_path / "cut"))
    assert (longer.step, clock.now) == (15, 110.0)


def test_a_signal_between_two_passes_is_obeyed_and_nothing_is_lost(tmp_path: Path) -> None:
    recipe = PLAIN.changed(batch=1, accumulate=3, steps=3, checkpoint_every=100)
    whole, cut = make_trainer(tmp_path / "whole", recipe), make_trainer(tmp_path / "cut", recipe)
    whole.run(quiet(tmp_path / "whole", recipe))
    progress, passed = quiet(tmp_path / "cut", recipe), []

    def signalled(step: int, done: int, passes: int) -> None:
        passed.append((step, done, passes))
        if step == 1:
            os.kill(os.getpid(), signal.SIGTERM)

    progress.passed = signalled  # type: ignore[method-assign]
    assert cut.run(progress) is False
    assert cut.step == 1
    assert passed == [(0, 1, 3), (0, 2, 3), (1, 1, 3)]
    on = make_trainer(tmp_path / "cut", recipe)
    on.resume()
    assert on.run(quiet(tmp_path / "cut", recipe))
    expected, found = everything(whole), everything(on)
    assert all(torch.equal(expected[name], found[name]) for name in expected)


def test_a_run_tells_its_first_step_and_never_keeps_silent_for_long(tmp_path: Path) -> None:
    clock, lines = Clock(), list[str]()
    recipe = PLAIN.changed(steps=40, log_every=20)
    progress = AgentProgress(tmp_path, recipe, lines.append, clock=clock)
    progress.begin(0, Seen(), recipe)
    clock.now = 25.0
    progress.passed(0, 1, 4)
    clock.now = 30.0
    progress.passed(0, 2, 4)  # a line was printed a moment ago
    clock.now = 100.0
    report = StepReport({"loss": 2.5}, Seen(10, 0, 10))
    progress.record(1, report, Seen(10, 0, 10), 1.0)
    clock.now = 110.0
    progress.record(2, report, Seen(20, 0, 20), 1.0)
    clock.now = 125.0
    progress.record(3, report, Seen(30, 0, 30), 1.0)
    assert lines == [
        "step 1: pass 1 of 4",
        "1/40  loss 2.500  the first step took 100.0 s, at that pace left 1:05:00",
        "3/40  loss 2.500",
    ]


def test_what_is_not_asked_for_follows_from_the_models_size(tmp_path: Path) -> None:
    small = planned("laptop", TuningWishes(), tmp_path)
    assert small.adapters is None
    assert (small.recipe.batch, small.recipe.frames, small.recipe.learning_rate) == (6, 200, 4e-4)
    assert small.told == "laptop, 30 M parameters: all weights train, 6 crops of 16 s a step, rate 0.0004"
    assert planned("laptop", TuningWishes(lora=4, scaling=1.0), tmp_path).adapters == (4, 1.0)
    (tmp_path / "moshi").mkdir()
    write_config(tmp_path / "moshi", to_moshi(moshi_7b()))
    large = planned(str(tmp_path / "moshi"), TuningWishes(changes={"steps": 7, "batch": None}), tmp_path)
    assert (large.adapters, large.recipe) == ((RANK, 2.0), LARGE_MODEL.changed(steps=7))
    assert planned(str(tmp_path / "moshi"), TuningWishes(full=True), tmp_path).adapters is None
    with pytest.raises(ValueError, match="give one of them"):
        TuningWishes(full=True, lora=3)
    with pytest.raises(ValueError, match="give one of them"):
        TuningWishes(minutes=3, changes={"steps": 3})

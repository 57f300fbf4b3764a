"""Drawing ahead gives what drawing when asked gives, each step once, whatever happens on the way."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import torch

from agent.training.trainer import AgentTrainer
from codec.training.ahead import Ahead
from tests.support.agent_training import QUICK, everything, make_trainer, quiet


def test_steps_are_drawn_once_each_and_the_next_one_meanwhile() -> None:
    drawn: list[tuple[int, str]] = []
    second = threading.Event()

    def draw(step: int) -> int:
        drawn.append((step, threading.current_thread().name))
        if step == 8:
            second.set()
        if step == 10:
            raise ValueError("no more")
        return step * step

    ahead = Ahead(draw)
    assert ahead(7) == 49
    assert second.wait(10)  # nobody has asked for 8 yet
    assert [ahead(8), ahead(9)] == [64, 81]
    with pytest.raises(ValueError, match="no more"):
        ahead(10)
    assert ahead(3) == 9  # gone back
    assert ahead(4) == 16
    steps = [step for step, _ in drawn]
    assert steps[:6] == [7, 8, 9, 10, 11, 3]
    assert len(steps) == len(set(steps[:6])) + len(steps[6:])
    assert threading.current_thread().name not in {name for _, name in drawn}
    when_asked = Ahead(lambda step: threading.current_thread().name, on=False)
    assert when_asked(0) == threading.current_thread().name


def test_a_run_that_draws_ahead_is_the_same_to_the_bit(tmp_path: Path) -> None:
    recipe = QUICK.changed(steps=4, validate_every=4)
    runs: list[AgentTrainer] = []
    for name, on in (("asked", False), ("ahead", True)):
        trainer = make_trainer(tmp_path / name, recipe)
        trainer._drawn = Ahead(trainer.passes.of, on)
        trainer.run(quiet(trainer.folder, recipe))
        runs.append(trainer)
    one, other = (everything(trainer) for trainer in runs)
    assert all(torch.equal(one[key], other[key]) for key in one)

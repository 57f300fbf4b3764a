"""The way of every run: step, validate, save, until the end or until somebody asks it to stop."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from . import parallel
from .interruption import interruptions


class StepGivenUpError(Exception):
    """A step was left between its passes because the run is to stop. Nothing of it counts."""


class Rhythm(Protocol):
    """What a recipe says of a run's way."""

    steps: int
    checkpoint_every: int
    validate_every: int


class Steps(Protocol):
    """What a trainer offers."""

    step: int  # taken so far

    @property
    def rhythm(self) -> Rhythm:
        """Of its recipe."""

    def advance(self, stopping: Callable[[], bool]) -> None:
        """Take one step and report it; between its parts it may ask whether to stop, and raise StepGivenUpError."""

    def judge(self) -> None:
        """Validate, and write what is for use."""

    def save(self) -> object:
        """Write the checkpoint."""


def run(trainer: Steps, until: int | None = None) -> bool:
    """Train to step `until` (the recipe's end if None), with validation and checkpoints on the way.

    Returns:
        False if Ctrl-C or a termination signal ended it early; the checkpoint is that of the last whole step.
    """
    with interruptions() as asked:

        def stopping() -> bool:
            return parallel.anywhere(asked())

        if until is None and trainer.step >= trainer.rhythm.steps:
            trainer.judge()  # stopped in its last step, or resumed with fewer: what is for use was never written
        while trainer.step < (trainer.rhythm.steps if until is None else until):
            try:
                trainer.advance(stopping)
            except StepGivenUpError:
                trainer.save()
                return False
            rhythm, stop = trainer.rhythm, stopping()
            end = rhythm.steps if until is None else until
            validating = trainer.step % rhythm.validate_every == 0 or trainer.step >= end
            if validating and not stop:
                trainer.judge()
            if trainer.step % rhythm.checkpoint_every == 0 or validating or stop:
                trainer.save()
            if stop:
                return False
    return True

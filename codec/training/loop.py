"""The way of every run: step, validate, save, until the end or until somebody asks it to stop."""

from __future__ import annotations

from typing import Protocol

from . import parallel
from .interruption import interruptions


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

    def advance(self) -> None:
        """Take one step and report it."""

    def judge(self) -> None:
        """Validate, and write what is for use."""

    def save(self) -> object:
        """Write the checkpoint."""


def run(trainer: Steps, until: int | None = None) -> bool:
    """Train to step `until` (the recipe's end if None), with validation and checkpoints on the way.

    Returns:
        False if Ctrl-C or a termination signal ended it early; the checkpoint is that of the last whole step.
    """
    rhythm = trainer.rhythm
    end = rhythm.steps if until is None else until
    with interruptions() as asked:
        while trainer.step < end:
            trainer.advance()
            stop = parallel.anywhere(asked())
            validating = trainer.step % rhythm.validate_every == 0 or trainer.step == end
            if validating and not stop:
                trainer.judge()
            if trainer.step % rhythm.checkpoint_every == 0 or validating or stop:
                trainer.save()
            if stop:
                return False
    return True

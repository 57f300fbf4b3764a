"""The full-duplex model as a partner by itself: it takes its turns and finds its words without a mind behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from corpus.audio import Samples

from .batch import Batch, SessionState
from .controls import Controls
from .frame_out import FrameOut
from .partner import About
from .wishes import RefusedError, Wish


@dataclass(frozen=True)
class BareState:
    """A conversation while its client is away."""

    state: SessionState
    controls: Controls


class BareModel:
    """See `agent.live.partner.Partner`."""

    def __init__(self, batch: Batch) -> None:
        """Take a batch that nobody else uses."""
        self.batch = batch
        self.about = About()

    @property
    def slots(self) -> int:
        """Most conversations at once."""
        return self.batch.slots

    def open(self, controls: Controls | None = None) -> int:
        """See `Partner`."""
        return self.batch.open(controls)

    def close(self, slot: int) -> None:
        """See `Partner`."""
        self.batch.close(slot)

    def step(self, frames: Mapping[int, Samples]) -> dict[int, FrameOut]:
        """See `Partner`."""
        return self.batch.step(frames)

    def set_controls(self, slot: int, controls: Controls) -> None:
        """See `Partner`."""
        self.batch.set_controls(slot, controls)

    def check(self, wish: Wish) -> None:
        """Nothing of the kind can be done without a mind."""
        raise RefusedError(f"this model has no mind to heed {type(wish).__name__}: it listens and speaks by itself")

    def ask(self, slot: int, wish: Wish) -> None:
        """See `Partner`."""
        self.check(wish)

    def snapshot(self, slot: int) -> BareState:
        """See `Partner`."""
        return BareState(self.batch.snapshot(slot), self.batch.controls(slot))

    def restore(self, state: BareState) -> int:
        """See `Partner`."""
        return self.batch.restore(state.state, state.controls)

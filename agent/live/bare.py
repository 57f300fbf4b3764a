"""The full-duplex model as a partner by itself: it takes its turns and finds its words without a mind behind it."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import dataclass, replace

from corpus.audio import Samples

from .bare_turns import BareTurns
from .batch import Batch, SessionState
from .controls import Controls
from .frame_out import FrameOut
from .partner import About
from .wishes import Cancel, EndTurn, RefusedError, Respond, TalkSettings, Truncate, Wish

HEEDED = (Cancel, EndTurn, Respond, TalkSettings, Truncate)  # of no effect where there is no history


@dataclass(frozen=True)
class BareState:
    """A conversation while its client is away."""

    state: SessionState
    turns: BareTurns


class BareModel:
    """See `agent.live.partner.Partner`."""

    def __init__(self, batch: Batch) -> None:
        """Take a batch that nobody else uses."""
        self.batch = batch
        self.about = About()
        self._turns: dict[int, BareTurns] = {}

    @property
    def slots(self) -> int:
        """Most conversations at once."""
        return self.batch.slots

    def open(self, controls: Controls | None = None) -> int:
        """See `Partner`."""
        slot = self.batch.open(controls)
        self._turns[slot] = BareTurns(self.batch.controls(slot))
        return slot

    def close(self, slot: int) -> None:
        """See `Partner`."""
        self.batch.close(slot)
        del self._turns[slot]

    def step(self, frames: Mapping[int, Samples]) -> dict[int, FrameOut]:
        """See `Partner`."""
        for slot in frames:
            wanted = self._turns[slot].wanted()
            if wanted != self.batch.controls(slot):
                self.batch.set_controls(slot, wanted)
        outs = self.batch.step(frames)
        return {slot: replace(out, events=self._turns[slot].hear(frames[slot], out)) for slot, out in outs.items()}

    def set_controls(self, slot: int, controls: Controls) -> None:
        """See `Partner`."""
        self._turns[slot].controls = controls

    def check(self, wish: Wish) -> None:
        """Words from outside, and the memory to keep them, need a mind."""
        asked = isinstance(wish, TalkSettings) and (wish.instructions or wish.tools or not wish.speaks)
        if asked or not isinstance(wish, HEEDED) or (isinstance(wish, Respond) and (wish.instructions or wish.given)):
            raise RefusedError("no mind is at work here: instructions, texts and tools need agent serve --mind")

    def ask(self, slot: int, wish: Wish) -> None:
        """See `Partner`."""
        self._turns[slot].ask(wish)

    def snapshot(self, slot: int) -> BareState:
        """See `Partner`."""
        return BareState(self.batch.snapshot(slot), copy.deepcopy(self._turns[slot]))

    def restore(self, state: BareState) -> int:
        """See `Partner`."""
        slot = self.batch.restore(state.state, state.turns.controls)
        self._turns[slot] = copy.deepcopy(state.turns)
        return slot

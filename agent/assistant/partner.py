"""An assistant as whom clients talk to: as many talks as there are slots, one ear, mind and mouth for all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from corpus.audio import FRAME_SAMPLES, Samples

from ..live.controls import Controls
from ..live.frame_out import FrameOut
from ..live.partner import About
from ..live.wishes import (
    Cancel,
    EndTurn,
    RefusedError,
    Respond,
    TalkSettings,
    Utter,
    Wish,
)
from .session import AssistantTalk
from .talk_parts import Parts, TalkOptions
from .tape import Tape
from .work import Executor

SILENCE = np.zeros(FRAME_SAMPLES, np.float32)


class Assistant:
    """See `agent.live.partner.Partner`."""

    def __init__(
        self,
        parts: Parts,
        options: TalkOptions,
        executor: Executor,
        slots: int = 1,
        watch: Callable[[FrameOut], None] = lambda _: None,
        tape: Tape | None = None,
    ) -> None:
        """Get ready for up to `slots` talks.

        Args:
            parts: whose lanes are the executor's.
            options: of all talks.
            executor: one that works on the frames' clock is told of every frame.
            slots: most talks at once.
            watch: called with every answer.
            tape: keeps all that is heard and said, of one talk; the parts are taped, too.
        """
        if slots < 1:
            raise ValueError(f"an assistant needs at least one slot, got {slots}")
        self.parts, self.options, self.executor, self._slots = parts, options, executor, slots
        self._talks: dict[int, AssistantTalk] = {}
        self._holds: set[int] = set()
        self._watch, self._tape = watch, tape
        self._tick = getattr(executor, "tick", None)  # of one that works on the frames' clock
        parts.mind.prepare(AssistantTalk.beginning(options), parts.tools.tools)

    @property
    def slots(self) -> int:
        """Most talks at once."""
        return self._slots

    @property
    def about(self) -> About:
        """What it is made of."""
        mind = self.parts.mind
        away = f"your words, as text, to {mind.name}" if mind.leaves else ""
        return About(self.parts.turns.name, self.parts.ear.name, mind.name, self.parts.mouth.name, (), away, True)

    def talk(self, slot: int) -> AssistantTalk:
        """The talk of a slot. An unknown one raises ValueError."""
        if slot not in self._talks:
            raise ValueError(f"there is no open conversation {slot}")
        return self._talks[slot]

    def open(self, controls: Controls | None = None) -> int:
        """See `Partner`."""
        return self._place(AssistantTalk(self.parts, self.options), controls)

    def close(self, slot: int) -> None:
        """See `Partner`."""
        self.talk(slot).close()
        del self._talks[slot]

    def step(self, frames: Mapping[int, Samples]) -> dict[int, FrameOut]:
        """See `Partner`. While a talk is on hold the agent hears and says nothing."""
        if self._tick is not None:
            self._tick()
        outs = {}
        for slot, frame in frames.items():
            heard = SILENCE if slot in self._holds else frame
            outs[slot] = self.talk(slot).push(heard)
            self._watch(outs[slot])
            if self._tape is not None:
                self._tape.frame(heard, outs[slot])
        return outs

    def set_controls(self, slot: int, controls: Controls) -> None:
        """See `Partner`; of all controls an assistant heeds `hold`."""
        self.talk(slot)
        self._holds = self._holds | {slot} if controls.hold else self._holds - {slot}

    def check(self, wish: Wish) -> None:
        """See `Partner`."""
        if isinstance(wish, TalkSettings) and wish.speed != 1.0 and not self.parts.mouth.paced:
            raise RefusedError(
                f"the mouth {self.parts.mouth.name} has one speed; another one has several: agent serve --mouth"
            )

    def ask(self, slot: int, wish: Wish) -> None:
        """See `Partner`."""
        self.check(wish)
        talk = self.talk(slot)
        if isinstance(wish, Utter):
            talk.say(wish.text)
        elif isinstance(wish, Cancel):
            talk.cancel()
        elif isinstance(wish, Respond):
            talk.respond(wish)
        elif isinstance(wish, TalkSettings):
            talk.asked.settings = wish
        elif isinstance(wish, EndTurn):
            talk.asked.turn_over = True
        else:
            talk.remember(wish)

    def snapshot(self, slot: int) -> AssistantTalk:
        """See `Partner`: the talk itself, which nobody pushes while it is kept."""
        return self.talk(slot)

    def restore(self, state: AssistantTalk) -> int:
        """See `Partner`."""
        return self._place(state, None)

    def shut(self) -> None:
        """End all work."""
        for slot in list(self._talks):
            self.close(slot)
        self.executor.close()

    def _place(self, talk: AssistantTalk, controls: Controls | None) -> int:
        slot = next((slot for slot in range(self.slots) if slot not in self._talks), None)
        if slot is None:
            raise ValueError(f"all {self.slots} slots are taken: close a conversation first")
        self._talks[slot] = talk
        self.set_controls(slot, controls or Controls())
        return slot

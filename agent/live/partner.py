"""Whom clients talk to: 80 ms of each in, 80 ms of the answer out, without knowing whether a model speaks by itself or
an assistant thinks behind it. Wires and desk reach it through the scheduler alone, which calls from one thread.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from corpus.audio import Samples

from .controls import Controls
from .frame_out import FrameOut
from .wishes import Wish


@dataclass(frozen=True)
class About:
    """What a partner is made of, for people and for what wires may offer."""

    talker: str = "full-duplex model"
    ear: str = "own"
    mind: str = ""  # "" for none: instructions, tools and texts are refused
    mouth: str = "own"
    voices: tuple[str, ...] = ()  # that `TalkSettings.voice` may name
    away: str = ""  # what leaves this machine and to where, "" for nothing
    finds_turns: bool = False  # it sends `UserBegan` and `UserEnded` itself


class Partner(Protocol):
    """Up to `slots` conversations. One that fails raises, and ends that conversation alone."""

    @property
    def slots(self) -> int:
        """Most conversations at once."""

    @property
    def about(self) -> About:
        """What it is made of."""

    def open(self, controls: Controls | None = None) -> int:
        """Start a conversation; returns its slot. No free slot raises ValueError."""

    def close(self, slot: int) -> None:
        """End a conversation and free its slot."""

    def step(self, frames: Mapping[int, Samples]) -> dict[int, FrameOut]:
        """Move the given conversations on: float32 `[1920]` heard by slot. Must be done well within 80 ms."""

    def set_controls(self, slot: int, controls: Controls) -> None:
        """Change a conversation's controls from the next frame on."""

    def check(self, wish: Wish) -> None:
        """Raise RefusedError for a wish that can never be met. Any thread; returns at once and changes nothing."""

    def ask(self, slot: int, wish: Wish) -> None:
        """Heed a wish that `check` let pass, from the next frame on; returns at once."""

    def snapshot(self, slot: int) -> Any:
        """A conversation as a value of its own, for `restore`."""

    def restore(self, state: Any) -> int:
        """Go on with a conversation; returns its slot."""

"""What a model reads of its user's words, heard by something else than itself: a token of the text stream a frame."""

from __future__ import annotations

from typing import Any, Protocol

from corpus.audio import Samples

from ..model.streams import UNGENERATED


class Hearing(Protocol):
    """Hears one user at a time; it holds weights only and serves any number of conversations, from any thread."""

    def init_state(self) -> Any:
        """The state before the first sound: a dataclass of tensors with a batch axis of 1, as models' states are."""

    def step(self, frame: Samples, state: Any) -> tuple[int, Any]:
        """Hear float32 `[1920]` at 24 kHz; returns the token for the stream of the user's text, and the state."""


def fresh(hearing: Hearing | None) -> Any:
    """The state of a conversation before its first sound; None where the model listens for itself."""
    return None if hearing is None else hearing.init_state()


def listen(hearing: Hearing | None, frame: Samples, state: Any) -> tuple[int, Any]:
    """A step of a hearing, or -2, which leaves the model to its own guess, where there is none."""
    return (UNGENERATED, None) if hearing is None else hearing.step(frame, state)

"""How an assistant behaves: how long it waits, whether it nods, whether it may be interrupted."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields

from corpus.audio import FRAME_SECONDS

UNSURE = {
    0.2: 0.9,
    0.5: 0.7,
    1.2: 0.5,
}  # seconds of silence -> chance that the turn is over, where a source says nothing


@dataclass(frozen=True)
class Manners:
    """The controls of the floor. Values out of range raise ValueError.

    Attributes:
        patience: s of silence after which the user's turn is over, whatever it sounded like.
        after_question, after_statement: s of silence to wait at the least when the agent's last words asked, or told.
        nodding: eagerness to say "mhm" while the user speaks, 0 (never) to 1 (every four seconds).
        uninterruptible: only "stop" and "wait" stop an answer.
        thresholds: s of silence -> the chance of a turn's end that is enough from then on.
        fill_after: s that the mind may be late before a filler is said; 0 for never.
    """

    patience: float = 2.4
    after_question: float = 0.0
    after_statement: float = 0.0
    nodding: float = 0.0
    uninterruptible: bool = False
    thresholds: Mapping[float, float] = field(default_factory=lambda: dict(UNSURE))
    fill_after: float = 1.0

    def __post_init__(self) -> None:
        limits = {"patience": (0.2, 60.0), "nodding": (0.0, 1.0), "fill_after": (0.0, 60.0)}
        limits |= {"after_question": (0.0, 60.0), "after_statement": (0.0, 60.0)}
        for each in fields(self):
            if each.name not in limits:
                continue
            value, (least, most) = getattr(self, each.name), limits[each.name]
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
                raise ValueError(f"{each.name} must be a number, got {value!r}")
            if not least <= value <= most:
                raise ValueError(f"{each.name} must lie in {least:g}..{most:g}, got {value:g}")

    def enough(self, silence: float) -> float:
        """The chance of a turn's end that is enough after so many seconds of silence; above 1 where none is."""
        keys = [after for after in self.thresholds if after <= silence + 1e-9]
        return self.thresholds[max(keys)] if keys else 2.0


def frames(seconds: float) -> int:
    """Seconds in whole frames of 80 ms, rounded up."""
    return math.ceil(seconds / FRAME_SECONDS - 1e-9)

"""What an admission remembers of sessions that are no more, and its picture of now."""

from __future__ import annotations

from dataclasses import dataclass, field

from .session import Counters, Session

GUESSED_SESSION_S = 120.0  # length of a conversation until some have ended


@dataclass
class PastSessions:
    """Sums over sessions that are no more."""

    counters: Counters = field(default_factory=Counters)
    admitted: int = 0
    refused: int = 0
    ended: dict[str, int] = field(default_factory=dict)
    length_s: float = GUESSED_SESSION_S


@dataclass(frozen=True)
class Picture:
    """An admission as it is now."""

    talking: list[Session]
    waiting: int
    suspended: int
    history: PastSessions  # its counters include those who are there

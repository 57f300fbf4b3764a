"""A client's place: the states that it goes through, and what the client is told of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from .session import Session


class TicketState(Enum):
    r"""Where a client stands.

    WAITING ──a seat is free──> GRANTED ──line broke──> SUSPENDED
       ^  \                        │                    │      │
       │   \_____left, released____│___idle, total, ... │      │
       │                           v                    │      │
       │                         ENDED <────expired─────┘      │
       └──────────────────came back, first in line─────────────┘
    """

    WAITING = "waiting"
    GRANTED = "granted"
    SUSPENDED = "suspended"
    ENDED = "ended"


MOVES = {
    TicketState.WAITING: {TicketState.GRANTED, TicketState.SUSPENDED, TicketState.ENDED},
    TicketState.GRANTED: {TicketState.SUSPENDED, TicketState.ENDED},
    TicketState.SUSPENDED: {TicketState.WAITING, TicketState.ENDED},
    TicketState.ENDED: set[TicketState](),
}


@dataclass
class Ticket:
    """What a client is told. The admission alone changes it, and calls `on_change` after it did."""

    token: str  # resumes the session; a secret of the client
    state: TicketState = TicketState.WAITING
    session: Session | None = None  # from being granted on
    position: int = 0  # in the queue, 1 is next; 0 when not waiting
    wait_s: float = 0.0  # guessed, till granted
    reason: str = ""  # why it ended: released, idle, total, expired, left, error, shutdown
    line: int = 0  # grows when a client resumes: a line that remembers a smaller number has been replaced
    on_change: Callable[[], None] | None = None  # news: frames to pull, or another state; from any thread

    def move(self, state: TicketState) -> None:
        """Go into another state, and tell."""
        assert state in MOVES[self.state], f"a ticket cannot go from {self.state.value} to {state.value}"
        self.state = state
        self.tell()

    def tell(self) -> None:
        """There is news."""
        if self.on_change is not None:
            self.on_change()

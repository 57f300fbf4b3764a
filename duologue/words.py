"""A spoken word with its times and its side, alike for corpora and for conversations with the agent."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SpokenWord:
    """One word: `text`, seconds from the start of the sound, who said it and on which channel."""

    text: str
    start: float
    end: float
    speaker: str  # agent, user, other
    channel: int  # 0 the agent, 1 the user

"""A talk with an assistant from a sound file, as fast as it goes: the user's sound, then quiet until all is said."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, Samples

from ..live.partner import Partner
from .talk import BothSides, blocks_of

QUIET_S, MOST_S = 4.0, 60.0  # of quiet after which a talk is over; the longest wait for that
QUIET = np.zeros(FRAME_SAMPLES, np.float32)


def talk_over_file(partner: Partner, user: Samples, record: BothSides) -> list[str]:
    """Talk; the answer to a frame plays in the next. Returns a line for every turn: who said what.

    Args:
        partner: with a free slot.
        user: float32 `[n]` at 24 kHz.
        record: takes both sides.
    """
    slot = partner.open()
    quiet, played = 0, QUIET
    said: list[tuple[str, str]] = []
    try:
        for frame, over in _frames(user):
            record.add(played, frame)
            out = partner.step({slot: frame})[slot]
            played = out.audio
            said += [(side, text) for side, text in (("user", out.user_text), ("agent", out.text)) if text]
            quiet = 0 if out.audio.any() or out.events or not over else quiet + 1
            if quiet * FRAME_SECONDS >= QUIET_S:
                break
    finally:
        partner.close(slot)
    turns = itertools.groupby(said, key=lambda piece: piece[0])
    return [f"{side}:{''.join(text for _, text in pieces)}" for side, pieces in turns]


def _frames(user: Samples) -> Iterator[tuple[Samples, bool]]:
    """The user's frames and then quiet ones, each with whether the user is over."""
    yield from ((frame, False) for frame in blocks_of(user))
    yield from ((QUIET, True) for _ in range(round(MOST_S / FRAME_SECONDS)))

"""A dialogue's words as moshi-finetune reads them, spaced so that its text stream has room for every token."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator

from .audio import FRAME_RATE
from .interleave import approximate_tokens
from .manifest import MAIN_SPEAKER, USER_SPEAKER
from .record import AGENT_CHANNEL, Dialogue, Word

LEAST = 0.01  # s of a word that stays after its listed start
GRAIN = 1e-4  # s, of stored times


def alignments_bytes(dialogue: Dialogue) -> bytes:
    """The content of a recording's .json: one list of words for all channels, sorted by start time."""
    rows = [
        (start, word.end, MAIN_SPEAKER if channel == AGENT_CHANNEL else USER_SPEAKER, word.text)
        for channel in sorted({speaker.channel for speaker in dialogue.speakers})
        for start, word in spaced(dialogue.words(channel))
    ]
    listed = [[text, [start, end], label] for start, end, label, text in sorted(rows)]
    return (json.dumps({"alignments": listed}, ensure_ascii=False) + "\n").encode()


def spaced(words: Iterable[Word]) -> Iterator[tuple[float, Word]]:
    """Each word of a channel with the start to list for it, in seconds.

    The interleaver gives a token one 80 ms frame and throws away what still waits when the next word begins. A word
    that begins too early for the tokens before it is listed from a later moment of its own sound.
    """
    free = 0  # the first frame no token of an earlier word wants
    for word in words:
        start = word.start
        inside = free / FRAME_RATE + GRAIN  # on a frame's border rounding decides: 9.04 * 12.5 < 113
        if free and start < inside:
            latest = max(word.end - LEAST, start)
            start = round(math.ceil(min(inside, latest) / GRAIN - 1e-6) * GRAIN, 4)
        yield start, word
        free = math.floor((start + GRAIN / 2) * FRAME_RATE) + len(approximate_tokens(word.text))

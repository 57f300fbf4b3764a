"""A transcript without times laid upon what a recognizer heard: the words of the one, the times of the other."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

import numpy as np

from corpus.interleave import UNKNOWN_SPEAKER, TimedWord

ALIKE = 0.5  # share of a transcript's words that must be heard
WORD = 0.3  # s a word has at most that was not heard at all


def matched(tokens: Sequence[str], heard: Sequence[TimedWord]) -> list[TimedWord]:
    """Times for every word of a transcript.

    Words that were heard take their times; those between share what was heard there otherwise, or the free time.

    Args:
        tokens: the words written.
        heard: the words of a recognizer, by time.

    Raises:
        ValueError: fewer than half of the words were heard.
    """
    written, found = [_plain(token) for token in tokens], [_plain(word.text) for word in heard]
    blocks = SequenceMatcher(None, written, found, autojunk=False).get_matching_blocks()
    share = sum(block.size for block in blocks) / max(1, len(tokens))
    if share < ALIKE:
        raise ValueError(f"of its transcript {share:.0%} is heard in it: is it another recording's?")
    out: list[TimedWord] = []
    at = first = 0  # in the transcript, in what was heard
    for block in blocks:  # the last is empty, at both ends
        following = heard[block.b].start if block.b < len(heard) else None
        out += _between(tokens[at : block.a], heard[first : block.b], out[-1].end if out else None, following)
        for offset in range(block.size):
            out.append(heard[block.b + offset]._replace(text=tokens[block.a + offset]))
        at, first = block.a + block.size, block.b + block.size
    return out


def _between(
    tokens: Sequence[str], heard: Sequence[TimedWord], before: float | None, after: float | None
) -> list[TimedWord]:
    """Times for words that were heard otherwise (`heard`), or not at all, between two that were."""
    if not tokens:
        return []
    room = WORD * len(tokens)
    if heard:
        start, end = heard[0].start, heard[-1].end
    elif before is not None:
        start, end = before, before + room if after is None else min(before + room, after)
    else:
        assert after is not None, "half of the words were heard"
        start, end = max(0.0, after - room), after
    edges = np.linspace(start, max(end, start + 0.01 * len(tokens)), len(tokens) + 1)
    pairs = zip(tokens, edges[:-1], edges[1:], strict=True)
    return [TimedWord(token, float(a), float(b), UNKNOWN_SPEAKER) for token, a, b in pairs]


def _plain(token: str) -> str:
    return "".join(filter(str.isalnum, token.lower()))

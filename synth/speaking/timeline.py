"""The event timeline: planned turns and their spoken clips put on one clock.

Onsets are resolved in plan order against the anchor each turn reacts to. Three rules bend a planned offset: a speaker
never starts before the own channel is free, never before a fair part of the anchor has been heard, and a reply never
vanishes inside the turn it answers (backchannels may).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from corpus.audio import SAMPLE_RATE, to_samples, to_seconds
from corpus.record import AGENT_CHANNEL, Dialogue, Turn

from .clips import SpokenClip

CHANNEL_GAP = 0.12  # s between two clips on one channel
HEARD_BEFORE_REPLY = 0.4  # share of the anchor heard before an overlapping reply may begin
MAX_SHARE_OVERLAPPED = 0.7  # of a reply's own length


def onsets(plan: Dialogue, clips: Mapping[int, SpokenClip], agent_grid: int = 1) -> dict[int, int]:
    """The sample at which each turn's clip begins, by turn index.

    Args:
        plan: the dialogue.
        clips: of every turn of it.
        agent_grid: the agent's clips begin at multiples of this many samples, later than planned if need be.
    """
    starts: dict[int, int] = {}
    free: dict[int, float] = {}  # channel -> seconds from which it is silent
    for turn in plan.turns:
        clip, channel = clips[turn.index], plan.channel(turn)
        start = _wanted(turn, clip, clips, starts, plan.turns)
        start = max(start, free.get(channel, 0.0), 0.0)
        grid = agent_grid if channel == AGENT_CHANNEL else 1
        starts[turn.index] = -(-to_samples(start) // grid) * grid
        start = max(start, to_seconds(starts[turn.index]))
        free[channel] = max(free.get(channel, 0.0), start + clip.duration + CHANNEL_GAP)
    return starts


def _wanted(
    turn: Turn, clip: SpokenClip, clips: Mapping[int, SpokenClip], starts: Mapping[int, int], turns: Sequence[Turn]
) -> float:
    """Onset in seconds that the plan asks for, before the channel has its say."""
    lead = clip.words[0].start  # the offset counts from word to word, the clip begins a little earlier
    if turn.anchor is None:
        return turn.offset - lead
    anchor, begun = clips[turn.anchor], starts[turn.anchor] / SAMPLE_RATE
    reference = begun + anchor.word_end(turn.anchor_word)
    offset = turn.offset
    if turn.event != "backchannel" and turns[turn.anchor].cut_word is None:
        offset = max(offset, -MAX_SHARE_OVERLAPPED * clip.duration)
    earliest = begun + HEARD_BEFORE_REPLY * anchor.word_end(turn.anchor_word)
    return max(reference + offset, earliest) - lead

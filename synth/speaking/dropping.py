"""A dialogue without the turns that could not be spoken: who reacted to them reacts to what was said before."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from corpus.record import Dialogue, DroppedTurn, Turn

LEAST_GAP = 0.3  # s between two turns of one speaker that only come together because one between them is gone


@dataclass(frozen=True)
class Thinned:
    """A plan without some turns. `moved`: old index -> new one; `stale`: new indices of turns to be spoken anew."""

    plan: Dialogue
    moved: Mapping[int, int]
    stale: frozenset[int]


def without(plan: Dialogue, dropped: Mapping[int, DroppedTurn]) -> Thinned:
    """Leave turns out of a plan, and the backchannels to them.

    A turn that was interrupted by one of them is said to its end, so it must be spoken anew; a question that one of
    them would have answered is no longer a question with a known answer.
    """
    gone = set(dropped)
    gone |= {turn.index for turn in plan.turns if turn.event == "backchannel" and turn.anchor in gone}
    kept = [turn for turn in plan.turns if turn.index not in gone]
    moved = {turn.index: number for number, turn in enumerate(kept)}
    unanswered = {plan.turns[index].answers for index in gone} - {None}
    turns: list[Turn] = []
    stale: set[int] = set()
    for turn in kept:
        changes: dict[str, object] = {"index": moved[turn.index]}
        for name in ("reply_to", "answers", "interrupted_by"):
            target = getattr(turn, name)
            changes[name] = None if target is None else moved.get(target)
        if turn.index in unanswered:
            changes["question"] = None
        if turn.interrupted_by in gone:
            changes["cut_word"] = None
            stale.add(moved[turn.index])
        if turn.anchor in gone:
            changes |= _anchored(plan, turn, moved, turns)
        elif turn.anchor is not None:
            changes["anchor"] = moved[turn.anchor]
        turns.append(turn.model_copy(update=changes))
    thinned = plan.model_copy(update={"turns": tuple(turns), "dropped": (*plan.dropped, *dropped.values())})
    return Thinned(thinned, moved, frozenset(stale))


def _anchored(plan: Dialogue, turn: Turn, moved: Mapping[int, int], before: list[Turn]) -> dict[str, object]:
    """What a turn reacts to when its anchor is gone: the anchor's anchor, else whatever was said last."""
    anchor = turn.anchor
    while anchor is not None and anchor not in moved:
        anchor = plan.turns[anchor].anchor
    spoken = [one.index for one in before if one.event != "backchannel"]
    place = moved[anchor] if anchor is not None else spoken[-1] if spoken else None
    changes: dict[str, object] = {"anchor": place, "anchor_word": None}
    if turn.event == "interrupt":  # nobody is left to barge in on
        changes |= {"event": "turn", "offset": LEAST_GAP}
    if place is None or plan.channel(before[place]) == plan.channel(turn):
        changes["offset"] = max(turn.offset, LEAST_GAP)
    return changes

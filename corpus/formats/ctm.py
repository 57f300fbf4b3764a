"""CTM: word times, for scoring recognition: corpus.ctm with `<file> <channel> <start> <duration> <word> <confidence>`.

Channels are 1 (the agent) and 2 (the user); lines are sorted by file, channel and time, as NIST's sclite asks.
"""

from __future__ import annotations

from ..record import Dialogue
from .exporting import Exporter, Part, Target

CTM = "corpus.ctm"


def part(part: Part) -> None:
    """Write the lines of one shard."""
    part.add(CTM, "".join(line for dialogue in part.dialogues for line in lines(dialogue)).encode())


def lines(dialogue: Dialogue) -> list[str]:
    """A dialogue's words, channel by channel."""
    return [
        f"{dialogue.id} {channel + 1} {word.start:.3f} {word.end - word.start:.3f} {word.text} 1.00\n"
        for channel in sorted({speaker.channel for speaker in dialogue.speakers})
        for word in dialogue.words(channel)
    ]


def finish(target: Target) -> None:
    """Join the shards' lines."""
    target.join(CTM)


EXPORTER = Exporter(part, finish)

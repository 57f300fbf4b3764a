"""RTTM: who speaks when, for diarisation: corpus.rttm, and corpus.uem with what there is to score.

    SPEAKER <file> <channel> <start> <duration> <NA> <NA> <speaker> <NA> <NA>

Words of a speaker less than 0.3 s apart are one segment, as in NIST's Rich Transcription evaluations.
"""

from __future__ import annotations

from collections.abc import Iterable

from ..record import Dialogue, Word
from .exporting import Exporter, Part, Target

RTTM, UEM = "corpus.rttm", "corpus.uem"
JOINED = 0.3  # s between words, below which they are one segment


def part(part: Part) -> None:
    """Write the lines of one shard."""
    part.add(RTTM, "".join(line for dialogue in part.dialogues for line in lines(dialogue)).encode())
    scored = [f"{dialogue.id} 1 0.000 {dialogue.audio.duration:.3f}\n" for dialogue in part.dialogues if dialogue.audio]
    part.add(UEM, "".join(scored).encode())


def lines(dialogue: Dialogue) -> list[str]:
    """A dialogue's segments by start time."""
    rows = []
    for speaker in dialogue.speakers:
        words = [word for turn in dialogue.turns if turn.speaker == speaker.id for word in turn.words]
        rows += [(start, end, speaker.channel + 1, speaker.id) for start, end in segments(words)]
    return [
        f"SPEAKER {dialogue.id} {channel} {start:.3f} {end - start:.3f} <NA> <NA> {speaker} <NA> <NA>\n"
        for start, end, channel, speaker in sorted(rows)
    ]


def segments(words: Iterable[Word]) -> list[tuple[float, float]]:
    """Stretches of speech (s) made of words that lie close together."""
    joined: list[tuple[float, float]] = []
    for word in sorted(words, key=lambda word: word.start):
        if joined and word.start - joined[-1][1] < JOINED:
            joined[-1] = (joined[-1][0], max(joined[-1][1], word.end))
        else:
            joined.append((word.start, word.end))
    return joined


def finish(target: Target) -> None:
    """Join the shards' lines."""
    target.join(RTTM)
    target.join(UEM)


EXPORTER = Exporter(part, finish)

"""Praat: a TextGrid beside each FLAC file, with a tier of turns and a tier of words for every speaker."""

from __future__ import annotations

from collections.abc import Iterable

from ..durable import write_synced
from ..record import Dialogue
from .exporting import Exporter, Part

Interval = tuple[float, float, str]


def part(part: Part) -> None:
    """Link a shard's recordings and write their TextGrids."""
    for dialogue in part.dialogues:
        path = part.link_audio(dialogue, f"{part.index:06d}")
        write_synced(path.with_suffix(".TextGrid"), textgrid(dialogue).encode())


def textgrid(dialogue: Dialogue) -> str:
    """A dialogue's TextGrid in Praat's long text format."""
    assert dialogue.audio is not None, "only recorded dialogues are stored"
    tiers: list[tuple[str, list[Interval]]] = []
    for speaker in dialogue.speakers:
        turns = [turn for turn in dialogue.turns if turn.speaker == speaker.id and turn.words]
        spans = [(turn.words[0].start, turn.words[-1].end, turn.spoken_text) for turn in turns]
        words = [(word.start, word.end, word.text) for turn in turns for word in turn.words]
        tiers += [(f"{speaker.id} - turns", spans), (f"{speaker.id} - words", words)]
    end = dialogue.audio.duration
    head = f'File type = "ooTextFile"\nObject class = "TextGrid"\n\nxmin = 0\nxmax = {end}\ntiers? <exists>\n'
    body = "".join(_tier(number, name, gapless(spans, end), end) for number, (name, spans) in enumerate(tiers, 1))
    return f"{head}size = {len(tiers)}\nitem []:\n{body}"


def gapless(spans: Iterable[Interval], end: float) -> list[Interval]:
    """Intervals that cover 0 to `end` seconds without overlap, as a tier must: silence is an empty label."""
    covered: list[Interval] = []
    now = 0.0
    for start, stop, label in sorted(spans):
        start, stop = max(start, now), min(stop, end)
        if stop <= start:
            continue
        if start > now:
            covered.append((now, start, ""))
        covered.append((start, stop, label))
        now = stop
    if now < end:
        covered.append((now, end, ""))
    return covered


def _tier(number: int, name: str, intervals: list[Interval], end: float) -> str:
    head = f'    item [{number}]:\n        class = "IntervalTier"\n        name = "{name}"\n'
    body = "".join(
        f"        intervals [{index}]:\n            xmin = {start}\n            xmax = {stop}\n"
        f"            text = {_quoted(label)}\n"
        for index, (start, stop, label) in enumerate(intervals, 1)
    )
    return f"{head}        xmin = 0\n        xmax = {end}\n        intervals: size = {len(intervals)}\n{body}"


def _quoted(label: str) -> str:
    doubled = label.replace('"', '""')
    return f'"{doubled}"'


EXPORTER = Exporter(part)

"""One turn of a recorded speaker: his clip or some sentences of it, its pauses made longer, others put in."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from corpus.audio import Samples

from ..tokens.stretch import stretched
from .effects import filler
from .features import HOP
from .labels import Flags, Stop
from .recipe import TurnRecipe
from .recordings import TurnClip, room_tone

FADE = 480  # samples over which a voice is cut off
KEPT = 6  # hops of a gap's own sound before it is made longer


@dataclass(frozen=True)
class TurnSound:
    """A turn's sound and what is true of it, by hops of 10 ms."""

    sound: Samples  # [240 n]
    active: Flags  # [n]
    clip_time: Samples  # [n], seconds within the clip; NaN in pauses that are not its own
    stops: tuple[Stop, ...]


@dataclass(frozen=True)
class _Pause:
    start: int  # hop of the clip
    end: int  # where its own silence ends; start if it has none
    extra: int  # hops of room tone put in
    weight: float

    @property
    def own(self) -> bool:
        return self.end > self.start


class _Tape:
    """Pieces of a turn, one after the other."""

    def __init__(self, clip: TurnClip, generator: np.random.Generator) -> None:
        self.clip, self.generator = clip, generator
        self.pieces: list[tuple[Samples, Flags, Samples]] = []
        self.length = 0

    def add(self, sound: Samples, voiced: Flags | None = None, times: Samples | None = None) -> None:
        hops = len(sound) // HOP
        silent = np.zeros(hops, bool) if voiced is None else voiced
        unknown = np.full(hops, np.nan, np.float32) if times is None else times
        self.pieces.append((sound[: hops * HOP], silent, unknown))
        self.length += hops

    def tone(self, hops: int) -> None:
        self.add(room_tone(self.clip.tone, hops * HOP, self.generator))

    def voice(self, start: int, end: int, recipe: TurnRecipe, cut: bool) -> None:
        """The clip from hop to hop; before a pause put in, its last sounds may be drawn out and are faded."""
        sound, voiced = self.clip.hops(start, end).copy(), self.clip.active[start:end]
        times: Samples = np.asarray(np.arange(start, end) / 100, np.float32)
        if cut and len(times) > 38 and self.generator.random() < recipe.drawn_out:
            last = int(self.generator.uniform(12, 30))
            longer = stretched(sound[-last * HOP :], self.generator.uniform(1.25, 2.2))
            hops = len(longer) // HOP
            sound = np.concatenate([sound[: -last * HOP], longer[: hops * HOP]])
            drawn = np.linspace(times[-last], times[-1], hops)
            times = np.concatenate([times[:-last], np.asarray(drawn, np.float32)])
            voiced = np.concatenate([voiced[:-last], np.ones(hops, bool)])
        if cut:
            sound[-FADE:] *= np.linspace(1, 0, FADE, dtype=np.float32)
        self.add(sound, voiced, times)


def turn(clip: TurnClip, recipe: TurnRecipe, generator: np.random.Generator) -> TurnSound:
    """Make a turn out of a clip."""
    start, end = _span(clip, recipe, generator)
    tape, stops, at = _Tape(clip, generator), list[Stop](), start
    for pause in _pauses(clip, start, end, recipe, generator):
        tape.voice(at, pause.start, recipe, cut=not pause.own)
        stops.append(Stop(tape.length, False, pause.weight, "gap" if pause.own else "cut"))
        at = pause.start
        if pause.extra:
            kept = min(pause.end - pause.start, KEPT)
            tape.add(clip.hops(at, at + kept))
            at += kept
            if not pause.own and generator.random() < recipe.fillers:
                stops += _hesitate(tape, pause.weight)
            tape.tone(pause.extra)
        tape.add(clip.hops(at, pause.end))
        at = max(at, pause.end)
    tape.voice(at, end, recipe, cut=False)
    weight = recipe.end_weight.get(clip.recording.source, 1.0) if end == clip.last else 1.0
    stops.append(Stop(tape.length, True, weight, "end"))
    tape.add(clip.hops(end, end + _tail(clip, end, generator)))
    sound, active, times = (np.concatenate(parts) for parts in zip(*tape.pieces, strict=True))
    return TurnSound(sound, active, times, tuple(stops))


def _span(clip: TurnClip, recipe: TurnRecipe, generator: np.random.Generator) -> tuple[int, int]:
    """Some whole sentences of a clip, mostly all."""
    borders = [gap for gap in clip.gaps if gap.border == "sentence" and gap.end - gap.start >= 12]
    if clip.recording.source not in recipe.divided or not borders or generator.random() < 0.5:
        return clip.first, clip.last
    starts, ends = [clip.first, *(gap.end for gap in borders)], [*(gap.start for gap in borders), clip.last]
    first = int(generator.integers(len(starts)))
    return starts[first], ends[int(generator.integers(first, len(ends)))]


def _tail(clip: TurnClip, end: int, generator: np.random.Generator) -> int:
    """Hops of the clip's own silence behind the turn."""
    if end == clip.last:
        quiet = min(len(clip.sound) // HOP - end, int(generator.uniform(6, 40)))
    else:
        quiet = min(gap.end - gap.start for gap in clip.gaps if gap.start == end)
    return max(0, quiet - 2)


def _pauses(
    clip: TurnClip, start: int, end: int, recipe: TurnRecipe, generator: np.random.Generator
) -> Sequence[_Pause]:
    pauses = []
    for gap in clip.gaps:
        if start < gap.start and gap.end < end:
            longer = gap.end - gap.start >= 9 and generator.random() < recipe.longer_gaps
            extra = int(generator.uniform(10, 220) * generator.random()) if longer else 0
            pauses.append(_Pause(gap.start, gap.end, extra, recipe.gap_weight[gap.border]))
    if generator.random() < recipe.cuts:
        inside = [w for w in clip.words if 100 * w.start > start + 25 and 100 * w.end < end - 30]
        count = min(len(inside), int(generator.integers(1, 3)))
        for index in generator.choice(len(inside), count, replace=False) if inside else ():
            hop = quietest(clip, max(start + 20, int(100 * inside[index].end) - 8), int(100 * inside[index].end) + 9)
            if all(abs(hop - p.start) > 15 and not p.start - 3 <= hop <= p.end + 3 for p in pauses):
                extra = int(generator.uniform(30, 250) if generator.random() < 0.7 else generator.uniform(15, 60))
                pauses.append(_Pause(hop, hop, extra, recipe.cut_weight))
    return sorted((p for p in pauses if start + 20 <= p.start < end - 10), key=lambda pause: pause.start)


def quietest(clip: TurnClip, low: int, high: int) -> int:
    """The quietest hop between two."""
    power = (clip.hops(low, high).reshape(-1, HOP) ** 2).mean(1)
    return low + int(np.argmin(np.convolve(power, np.ones(3) / 3, "same")))


def _hesitate(tape: _Tape, weight: float) -> list[Stop]:
    """An "um" after a short silence, if the voice gives one."""
    clip, generator = tape.clip, tape.generator
    somewhere = int(generator.integers(clip.first, max(clip.first + 1, clip.last - 200)))
    sound = filler(clip.hops(somewhere, min(clip.last, somewhere + 200)), generator)
    if sound is None:
        return []
    tape.tone(int(generator.uniform(3, 40)))
    tape.add(sound, np.ones(len(sound) // HOP, bool))
    return [Stop(tape.length, False, weight, "filler")]

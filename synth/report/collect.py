"""One pass over a corpus for its report: the figures, the offsets, and the few dialogues to show whole."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus.audio import SAMPLE_RATE, Samples
from corpus.record import Dialogue, id_order
from corpus.store import Corpus
from corpus.summary import CorpusSummary
from corpus.timing import Offsets

from ..presets import TimingPreset
from .stats import CorpusStats, preset_of, reference_offsets, stats_from

LEVEL_RATE = 25  # level readings a second in the page: one every 40 ms, 4 px apart at 100 px/s
LEVEL_FLOOR = -60.0  # dBFS drawn as nothing
SHOWN = 12

Levels = npt.NDArray[np.uint8]


@dataclass(frozen=True)
class DialogueView:
    """A dialogue to show: why it was picked and the levels `[C, N]` of its channels, 0 (-60 dBFS) to 255 (0 dBFS)."""

    dialogue: Dialogue
    reason: str
    levels: Levels


@dataclass(frozen=True)
class ReportData:
    """All that the page shows. `offsets` are measured, `reference` is a sample of the preset's, both seconds."""

    title: str
    stats: CorpusStats
    offsets: Offsets
    reference: Offsets
    views: tuple[DialogueView, ...]


def levels(audio: Samples) -> Levels:
    """Level of audio `[C, T]` every 40 ms: `[C, ceil(T / 960)]`, 0 at -60 dBFS and below to 255 at full scale."""
    hop = SAMPLE_RATE // LEVEL_RATE
    padded = np.pad(audio, ((0, 0), (0, -audio.shape[1] % hop)))
    power = (padded.reshape(len(audio), -1, hop).astype(np.float64) ** 2).mean(axis=2)
    share = 1 - (10 * np.log10(power + 1e-12)) / LEVEL_FLOOR
    drawn: Levels = np.round(255 * share.clip(0, 1)).astype(np.uint8)
    return drawn


class _Thinning:
    """Keeps between `size` and `2 * size` items of a stream of unknown length, evenly spaced."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.stride = 1
        self.seen = 0
        self.kept: list[Dialogue] = []

    def add(self, item: Dialogue) -> None:
        if self.seen % self.stride == 0:
            self.kept.append(item)
        self.seen += 1
        if len(self.kept) >= 2 * self.size:
            self.kept = self.kept[::2]
            self.stride *= 2

    def spread(self, count: int, without: Iterable[str]) -> list[Dialogue]:
        """`count` of the kept, evenly spaced, leaving out the ids in `without`."""
        rest = [item for item in self.kept if item.id not in set(without)]
        return [rest[round(pick)] for pick in np.linspace(0, len(rest) - 1, min(count, len(rest)))]


class Picker:
    """Chooses which dialogues to show while they pass: evenly spaced ones, and holders of the rarest events."""

    def __init__(self, shown: int = SHOWN) -> None:
        self.shown = shown
        self._even = _Thinning(shown)
        self._holders: dict[str, Dialogue] = {}  # event -> the dialogue with most of it
        self._most: dict[str, int] = {}

    def add(self, dialogue: Dialogue) -> None:
        """Let one dialogue pass."""
        self._even.add(dialogue)
        events = [turn.event for turn in dialogue.turns]
        for event in sorted(set(events)):
            if events.count(event) > self._most.get(event, 0):
                self._most[event] = events.count(event)
                self._holders[event] = dialogue

    def picked(self, rarest_first: Iterable[str]) -> list[tuple[Dialogue, str]]:
        """The choice in order of id, each with its reason. A third of the places go to the rarest events."""
        rare: dict[str, tuple[Dialogue, str]] = {}
        if self._even.seen > self.shown:
            for event in rarest_first:
                if len(rare) < self.shown // 3:
                    rare.setdefault(self._holders[event].id, (self._holders[event], f"most {event} turns"))
        even = self._even.spread(self.shown - len(rare), without=rare)
        chosen = {dialogue.id: (dialogue, "evenly picked") for dialogue in even} | rare
        return [chosen[id] for id in sorted(chosen, key=id_order)]


def collect(
    corpus: Corpus, preset: TimingPreset | None = None, title: str = "Corpus", shown: int = SHOWN
) -> ReportData:
    """Read every record of a corpus once, and the audio of the dialogues shown. `preset`: the one it names if None.

    Raises:
        ValueError: the corpus holds no dialogue, or the audio of one shown cannot be read.
    """
    summary, picker = CorpusSummary(), Picker(shown)
    for dialogue in corpus:
        summary.add(dialogue)
        picker.add(dialogue)
    if not summary.dialogues:
        raise ValueError("the corpus holds no dialogue to report on")
    chosen = preset or preset_of(corpus.info)
    stats = stats_from(summary, corpus.info, chosen)
    views = [
        DialogueView(dialogue, reason, levels(corpus.audio(dialogue)) if dialogue.audio else np.zeros((2, 0), np.uint8))
        for dialogue, reason in picker.picked(reversed(stats.events))
    ]
    return ReportData(title, stats, np.array(summary.offsets), reference_offsets(chosen), tuple(views))

"""The yield of a corpus: how many takes its utterances needed and why takes were thrown away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field

from rich.table import Table

from corpus.record import Dialogue


@dataclass(frozen=True)
class Reject:
    """One take that was thrown away, and whether its turn went with it."""

    dialogue: str
    text: str
    heard: str
    reasons: tuple[str, ...]
    dropped: bool = False

    def __str__(self) -> str:
        heard = f", heard {self.heard!r}" if self.heard else ""
        return f"{self.dialogue}: {self.text!r}{heard} [{', '.join(self.reasons)}]{' left out' if self.dropped else ''}"


@dataclass
class Yield:
    """Sums over the utterances that passed gates, and what was thrown away."""

    utterances: int = 0
    dropped: int = 0  # turns that no take of passed: left out of their dialogues
    lost: Counter[str] = field(default_factory=Counter)  # those turns by the reasons of their last take
    rejects: list[Reject] = field(default_factory=list)
    takes: int = 0
    ways: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    sums: dict[str, float] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def to_dict(self) -> dict[str, object]:
        """For JSON."""
        return {
            "utterances": self.utterances,
            "takes": self.takes,
            "dropped": self.dropped,
            "lost": dict(sorted(self.lost.items())),
            "rejects": [asdict(reject) for reject in self.rejects],
            "yield": round(self.utterances / self.takes, 4) if self.takes else None,
            "ways": dict(sorted(self.ways.items())),
            "reasons": dict(sorted(self.reasons.items())),
            "means": {name: round(total / self.counts[name], 4) for name, total in sorted(self.sums.items())},
        }

    def table(self) -> Table:
        """For people."""
        table = Table(title="Quality of utterances")
        table.add_column("what")
        table.add_column("value", justify="right")
        table.add_row("utterances", str(self.utterances))
        table.add_row("takes for each", f"{self.takes / max(self.utterances, 1):.2f}")
        for name, count in sorted(self.ways.items()):
            table.add_row(f"passed by {WAYS.get(name, name)}", str(count))
        table.add_row("turns left out", str(self.dropped))
        for name, count in self.lost.most_common():
            table.add_row(f"left out for {name}", str(count))
        for name, count in self.reasons.most_common():
            table.add_row(f"takes failed: {name}", str(count))
        for name, total in sorted(self.sums.items()):
            table.add_row(f"mean {name}", f"{total / self.counts[name]:.3f}")
        return table


WAYS = {"seed": "the engine itself", "split": "speaking part by part", "engine": "the other engine"}


def collect_yield(dialogues: Iterable[Dialogue]) -> Yield:
    """Read what the gates stored. Raises ValueError for a corpus made without gates."""
    counted = Yield()
    for dialogue in dialogues:
        for lost in dialogue.dropped:
            counted.dropped += 1
            counted.takes += len(lost.rejects)
            counted.lost.update(lost.rejects[-1].reasons if lost.rejects else ())
            counted.rejects += [Reject(dialogue.id, lost.text, take.heard, take.reasons, True) for take in lost.rejects]
            counted.reasons.update(reason for take in lost.rejects for reason in take.reasons)
        for turn in dialogue.turns:
            quality = turn.quality
            if quality is None:
                continue
            counted.utterances += 1
            counted.takes += quality.takes
            counted.ways[quality.way] += 1
            counted.rejects += [Reject(dialogue.id, turn.text, take.heard, take.reasons) for take in quality.rejects]
            counted.reasons.update(quality.failed)
            for name, value in quality.measures.items():
                counted.sums[name] = counted.sums.get(name, 0.0) + value
                counted.counts[name] += 1
    if not counted.utterances and not counted.dropped:
        raise ValueError("this corpus was made without quality gates; see [quality] in the recipe, or --quality")
    return counted

"""The yield of a corpus: how many takes its utterances needed and why takes were thrown away."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from rich.table import Table

from corpus.record import Dialogue


@dataclass
class Yield:
    """Sums over the utterances that passed gates."""

    utterances: int = 0
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
        for name, count in self.reasons.most_common():
            table.add_row(f"takes failed: {name}", str(count))
        for name, total in sorted(self.sums.items()):
            table.add_row(f"mean {name}", f"{total / self.counts[name]:.3f}")
        return table


WAYS = {"seed": "the engine itself", "split": "speaking part by part", "engine": "the other engine"}


def collect_yield(dialogues: Iterable[Dialogue]) -> Yield:
    """Read what the gates stored. Raises ValueError for a corpus made without gates."""
    found = Yield()
    for dialogue in dialogues:
        for turn in dialogue.turns:
            quality = turn.quality
            if quality is None:
                continue
            found.utterances += 1
            found.takes += quality.takes
            found.ways[quality.way] += 1
            found.reasons.update(quality.failed)
            for name, value in quality.measures.items():
                found.sums[name] = found.sums.get(name, 0.0) + value
                found.counts[name] += 1
    if not found.utterances:
        raise ValueError("this corpus was made without quality gates; see [quality] in the recipe, or --quality")
    return found

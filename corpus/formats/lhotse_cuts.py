"""Lhotse: cuts.jsonl.gz, one MultiCut a dialogue, over FLAC files in audio/.

Sources are absolute paths, as Lhotse's own recipes write them; for a corpus to be moved use lhotse-shar.
"""

from __future__ import annotations

import gzip
import json

from .cut_records import multi_cut
from .exporting import Exporter, Part, Target

CUTS = "cuts.jsonl.gz"


def part(part: Part) -> None:
    """Link a shard's recordings and describe them."""
    lines = []
    for dialogue in part.dialogues:
        folder = f"audio/{part.index:06d}"
        part.link_audio(dialogue, folder)
        source = str(part.target.final / folder / f"{dialogue.id}.flac")
        lines.append(json.dumps(multi_cut(dialogue, source), ensure_ascii=False) + "\n")
    part.add(CUTS, gzip.compress("".join(lines).encode(), mtime=0))


def finish(target: Target) -> None:
    """Write the manifest: gzip members one after the other are one gzip file."""
    target.join(CUTS)


EXPORTER = Exporter(part, finish)

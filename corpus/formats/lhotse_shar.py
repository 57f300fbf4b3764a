"""Lhotse Shar: cuts.NNNNNN.jsonl.gz and recording.NNNNNN.tar, one pair for each shard of the corpus.

A Shar folder holds nothing else: `CutSet.from_shar(in_dir=...)` takes every file for a field of its cuts.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable
from pathlib import Path

from ..durable import write_synced
from .cut_records import Json, multi_cut, recording
from .exporting import Exporter, Part
from .tar import tar_shard


def part(part: Part) -> None:
    """Write one shard: its cuts, and its FLAC files as they are."""
    with tar_shard(part.target.tree / f"recording.{part.index:06d}.tar") as archive:
        for dialogue in part.dialogues:
            assert dialogue.audio is not None, "only recorded dialogues are stored"
            archive.add_audio(dialogue.id, part.audio(dialogue).read_bytes(), recording(dialogue.id, dialogue.audio))
    write_cuts(part.target.tree, part.index, map(multi_cut, part.dialogues))


def write_cuts(folder: Path, index: int, cuts: Iterable[Json]) -> None:
    """Write a shard's manifest."""
    text = "".join(json.dumps(cut, ensure_ascii=False) + "\n" for cut in cuts)
    write_synced(folder / f"cuts.{index:06d}.jsonl.gz", gzip.compress(text.encode(), mtime=0))


EXPORTER = Exporter(part)

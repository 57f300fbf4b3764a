"""WebDataset: shard-NNNNNN.tar of ID.flac and ID.json (the whole record), and shards.json with counts and checksums."""

from __future__ import annotations

import json

from ..durable import sha256_of
from .exporting import Exporter, Part, Target
from .tar import tar_shard

SHARDS = "shards.json"


def part(part: Part) -> None:
    """Write one shard."""
    path = part.target.tree / f"shard-{part.index:06d}.tar"
    with tar_shard(path) as archive:
        for dialogue in part.dialogues:
            archive.add(f"{dialogue.id}.flac", part.audio(dialogue).read_bytes())
            archive.add(f"{dialogue.id}.json", dialogue.model_dump_json().encode())
    seconds = sum(dialogue.audio.duration for dialogue in part.dialogues if dialogue.audio)
    entry = {
        "url": path.name,
        "dialogues": len(part.dialogues),
        "seconds": round(seconds, 4),
        "bytes": path.stat().st_size,
        "sha256": sha256_of(path),
    }
    part.add(SHARDS, json.dumps(entry).encode() + b",\n")


def finish(target: Target) -> None:
    """Write the list of shards."""
    target.join(SHARDS)
    path = target.tree / SHARDS
    path.write_bytes(b"[\n" + path.read_bytes().rstrip(b",\n") + b"\n]\n")


EXPORTER = Exporter(part, finish)

"""moshi-finetune: data.jsonl, and for every dialogue a stereo FLAC file and its word list side by side.

Read by kyutai-labs/moshi-finetune (`sphn.dataset_jsonl`), which loads every file of the tree that ends in jsonl.
"""

from __future__ import annotations

import json

from ..alignments import alignments_bytes
from ..durable import write_synced
from ..manifest import MANIFEST
from .exporting import Exporter, Part, Target


def part(part: Part) -> None:
    """Link a shard's recordings and write their word lists."""
    lines = []
    for dialogue in part.dialogues:
        assert dialogue.audio is not None, "only recorded dialogues are stored"
        folder = f"audio/{part.index:06d}"
        path = part.link_audio(dialogue, folder)
        write_synced(path.with_suffix(".json"), alignments_bytes(dialogue))
        lines.append(
            json.dumps({"path": f"{folder}/{dialogue.id}.flac", "duration": round(dialogue.audio.duration, 4)})
        )
    part.add(MANIFEST, "".join(f"{line}\n" for line in lines).encode())


def finish(target: Target) -> None:
    """Write the manifest."""
    target.join(MANIFEST)


EXPORTER = Exporter(part, finish)

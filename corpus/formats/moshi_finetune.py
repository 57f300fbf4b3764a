"""moshi-finetune: data.jsonl, and for every dialogue a stereo FLAC file and its word list side by side.

Read by kyutai-labs/moshi-finetune (`sphn.dataset_jsonl`), which loads every file of the tree that ends in jsonl.

With the option `packed`, short dialogues of one shard stand end to end in recordings of at least so many seconds,
another user speaking after each: the trainer cuts recordings into stretches of 100 s and pads the last one.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence

import numpy as np
import soundfile  # type: ignore[import-untyped]

from ..alignments import alignments_bytes
from ..audio import SAMPLE_RATE
from ..durable import write_synced
from ..manifest import MANIFEST
from ..record import Dialogue
from .exporting import Exporter, Part, Target

PACKED = "packed"  # the option: seconds of a recording


def part(part: Part) -> None:
    """Link a shard's recordings and write their word lists; or pack them."""
    if PACKED in part.target.options:
        _packed(part, float(part.target.options[PACKED]))
        return
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


def _packed(part: Part, seconds: float) -> None:
    lines = []
    for group in groups(part.dialogues, seconds):
        path = part.target.folder(f"audio/{part.index:06d}") / f"{group[0].id}.flac"
        pieces, rows, at = [], [], 0
        for dialogue in group:
            samples, _ = soundfile.read(str(part.audio(dialogue)), dtype="int16", always_2d=True)
            shift = at / SAMPLE_RATE
            listed = json.loads(alignments_bytes(dialogue))["alignments"]
            rows += [
                [text, [round(start + shift, 4), round(end + shift, 4)], label] for text, (start, end), label in listed
            ]
            pieces.append(samples)
            at += len(samples)
        sound = io.BytesIO()
        soundfile.write(sound, np.concatenate(pieces), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
        write_synced(path, sound.getvalue())
        words = json.dumps({"alignments": rows}, ensure_ascii=False) + "\n"
        write_synced(path.with_suffix(".json"), words.encode())
        name = path.relative_to(part.target.tree).as_posix()
        lines.append(json.dumps({"path": name, "duration": round(at / SAMPLE_RATE, 4)}))
    part.add(MANIFEST, "".join(f"{line}\n" for line in lines).encode())


def groups(dialogues: Sequence[Dialogue], seconds: float) -> Iterator[list[Dialogue]]:
    """Dialogues that go into one recording of at least `seconds`, each with another user than the one before it.

    Where no other user is left in the shard, the same one goes on; the shard's last recording may be shorter.
    """
    left = list(dialogues)
    while left:
        group = [left.pop(0)]
        while left and _seconds(group) < seconds:
            other = next((one for one in left if _user(one) != _user(group[-1])), left[0])
            left.remove(other)
            group.append(other)
        yield group


def _seconds(dialogues: Sequence[Dialogue]) -> float:
    return sum(dialogue.audio.duration for dialogue in dialogues if dialogue.audio)


def _user(dialogue: Dialogue) -> str:
    return next((one.voice.id for one in dialogue.speakers if one.role == "user" and one.voice), "")


def finish(target: Target) -> None:
    """Write the manifest."""
    target.join(MANIFEST)


EXPORTER = Exporter(part, finish)

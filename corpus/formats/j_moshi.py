"""J-Moshi and KAME: audio/ID.wav (stereo, A left, B right) and text/ID.json, a list of words of both speakers.

Read by nu-dialogue/moshi-finetune and SakanaAI/kame_finetune. Further channels are left out: the layout has two.
"""

from __future__ import annotations

import json

import soundfile  # type: ignore[import-untyped]

from ..audio import SAMPLE_RATE, read
from ..durable import synced_file, write_synced
from ..record import AGENT_CHANNEL, USER_CHANNEL, Dialogue
from .exporting import Exporter, Part

SPEAKERS = {AGENT_CHANNEL: "A", USER_CHANNEL: "B"}


def part(part: Part) -> None:
    """Write a shard's recordings as WAV and their words as JSON."""
    audio, text = part.target.folder("audio"), part.target.folder("text")
    for dialogue in part.dialogues:
        samples = read(part.audio(dialogue))[: len(SPEAKERS)]
        with synced_file(audio / f"{dialogue.id}.wav") as file:
            soundfile.write(file, samples.T, SAMPLE_RATE, format="WAV", subtype="PCM_16")
        write_synced(text / f"{dialogue.id}.json", json.dumps(words(dialogue), ensure_ascii=False).encode())


def words(dialogue: Dialogue) -> list[dict[str, str | float]]:
    """Every word of both channels by start time, as the layout lists them."""
    rows: list[dict[str, str | float]] = [
        {"speaker": SPEAKERS[channel], "word": word.text, "start": word.start, "end": word.end}
        for channel in SPEAKERS
        for word in dialogue.words(channel)
    ]
    return sorted(rows, key=lambda row: (float(row["start"]), str(row["speaker"])))


EXPORTER = Exporter(part)

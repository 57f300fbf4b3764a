"""Dialogues as rows of a table, and a corpus as Hugging Face's `datasets` loads it where it lies: `load_dataset(DIR)`.

README.md       the corpus' card; its `configs` name the file below, so that nothing is guessed
dialogues.json  JSON lines, a row a dialogue: path of the sound, words and turns with their times

It is not called jsonl, which trainers would take for a manifest (see `verify.stray_manifests`). Both files are made of
the shards, so no checksum covers them. Source: huggingface/hub-docs, docs/hub/datasets-manual-configuration.md.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .card import CARD, WHERE_IT_LIES, corpus_card
from .durable import publish, replace_synced, synced_file
from .reader import Corpus
from .record import Dialogue
from .summary import CorpusSummary

ROWS = "dialogues.json"

Kind = str | dict[str, str] | list[Any]  # of a column: an arrow type, a struct, or a list of what is in it

_WORD = {"text": "string", "start": "float64", "end": "float64", "source": "string"}
_PLACE = {"speaker": "string", "channel": "int32"}
_TURN = {"event": "string", "act": "string", "text": "string", "start": "float64", "end": "float64"}
COLUMNS: dict[str, Kind] = {
    "id": "string",
    "duration": "float64",
    "language": "string",
    "topics": ["string"],
    "words": [{**_WORD, **_PLACE}],
    "turns": [{**_PLACE, **_TURN}],
}


def dialogue_row(dialogue: Dialogue) -> dict[str, Any]:
    """The columns of a recorded dialogue: times in seconds, channel 0 the agent, words by their start."""
    assert dialogue.audio is not None, "only recorded dialogues are stored"
    words = [
        {**word.model_dump(), "speaker": turn.speaker, "channel": dialogue.channel(turn)}
        for turn in dialogue.turns
        for word in turn.words
    ]
    turns = [
        {
            "speaker": turn.speaker,
            "channel": dialogue.channel(turn),
            "event": turn.event,
            "act": turn.act,
            "text": turn.spoken_text,
            "start": turn.start,
            "end": turn.end,
        }
        for turn in dialogue.turns
    ]
    return {
        "id": dialogue.id,
        "duration": dialogue.audio.duration,
        "language": dialogue.language,
        "topics": list(dialogue.topics),
        "words": sorted(words, key=lambda word: word["start"]),
        "turns": turns,
    }


def write_rows(directory: Path, scratch: Path) -> None:
    """Write the rows and the card of a corpus, each whole or not at all; `scratch` is a folder on the same disk.

    A card that somebody else wrote stays as it is. Raises ValueError for a broken corpus, DiskFullError.
    """
    corpus, summary = Corpus(directory), CorpusSummary()
    temporary = scratch / f"{ROWS}.tmp"
    with synced_file(temporary) as file:
        for dialogue in corpus:
            summary.add(dialogue)
            row = {"path": dialogue.audio.path if dialogue.audio else "", **dialogue_row(dialogue)}
            file.write((json.dumps(row, ensure_ascii=False) + "\n").encode())
    publish(temporary, directory / ROWS)
    if _is_ours(directory / CARD):
        name = str(corpus.info.recipe.get("name") or directory.resolve().name)
        columns: dict[str, Kind] = {"path": "string", **COLUMNS}
        features = [_feature(column, kind) for column, kind in columns.items()]
        replace_synced(directory / CARD, corpus_card(corpus, summary, name, ROWS, features).encode(), scratch)


def _feature(name: str, kind: Kind) -> dict[str, object]:
    """A column as a card's `dataset_info` says it: inferred, a list that is empty at first would have no type."""
    if isinstance(kind, str):
        return {"name": name, "dtype": kind}
    assert isinstance(kind, list), "no column is a bare struct"
    (inner,) = kind
    inside = inner if isinstance(inner, str) else [{"name": key, "dtype": value} for key, value in inner.items()]
    return {"name": name, "list": inside}


def _is_ours(card: Path) -> bool:
    """Whether there is no card, or one that was written here."""
    try:
        return WHERE_IT_LIES in card.read_text(encoding="utf-8")
    except FileNotFoundError:
        return True
    except (OSError, UnicodeDecodeError):
        return False

"""Hugging Face: data/train-NNNNN.parquet with audio and words, README.md (the card), and the way back to a corpus.

One row a dialogue. `audio` holds the FLAC file's bytes; `record` the whole record as JSON, so that nothing is lost.
datasets 4 and later decode audio with torchcodec; `cast_column("audio", Audio(decode=False))` gives the bytes.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ..alignments import alignments_bytes
from ..audio import SAMPLE_RATE
from ..card import CARD, dataset_card
from ..dialogue_rows import COLUMNS, Kind, dialogue_row
from ..durable import synced_file, write_synced
from ..manifest import IDENTITY, FileInfo, read_info
from ..record import Dialogue
from ..staging import STAGED_RECORD, Staged, adopt
from .begun import begun
from .exporting import Exporter, Part, Target

DATA = "data"
ROWS = 8  # in a row group: what a reader holds at once (10 to 30 MB)


def part(part: Part) -> None:
    """Write one shard as a parquet file."""
    parquet, schema = _parquet(), _schema()
    path = part.target.folder(DATA) / f"train-{part.index:05d}.parquet"
    pyarrow = _pyarrow()
    with synced_file(path) as file, parquet.ParquetWriter(file, schema, use_dictionary=False) as writer:
        for first in range(0, len(part.dialogues), ROWS):
            rows = [_row(dialogue, part.audio(dialogue)) for dialogue in part.dialogues[first : first + ROWS]]
            writer.write_table(pyarrow.Table.from_pylist(rows, schema=schema))


def finish(target: Target) -> None:
    """Write the card and the corpus's identity."""
    name = target.options.get("name") or str(target.corpus.info.recipe.get("name") or target.final.name)
    card = dataset_card(target.corpus, name, target.options.get("licence", ""))
    write_synced(target.tree / CARD, card.encode())
    write_synced(target.tree / IDENTITY, target.corpus.info.to_bytes())


def restore(folder: str | Path, out: str | Path, progress: Callable[[int, float], None] | None = None) -> int:
    """Make a corpus of an exported folder again, as it was but for stems; returns the number of its dialogues.

    The same call again continues one that was cut short.

    Raises:
        ValueError: the folder is no such export, a recording is not what its record says, `out` holds another corpus.
    """
    folder = Path(folder)
    files = sorted((folder / DATA).glob("*.parquet"))
    if not files or not (folder / IDENTITY).is_file():
        raise ValueError(f"{folder} was not exported from a corpus: {IDENTITY} or {DATA}/*.parquet is missing")
    with begun(out, read_info(folder)) as writer:
        for path in files[writer.published.shards :]:
            ids = []
            for dialogue, flac in _stored(path):
                ids.append(dialogue.id)
                if writer.staged(dialogue.id) is None:
                    adopt(out, dialogue.id, _contents(dialogue, flac))
            writer.publish(ids)
            if progress:
                progress(writer.published.dialogues, writer.published.seconds)
        writer.finish()
    return writer.published.dialogues


def _stored(path: Path) -> Iterator[tuple[Dialogue, bytes]]:
    """Record and FLAC bytes of every row, checked against each other."""
    for batch in _parquet().ParquetFile(path).iter_batches(batch_size=ROWS, columns=["audio", "record"]):
        for row in batch.to_pylist():
            dialogue = Dialogue.model_validate_json(row["record"])
            flac: bytes = row["audio"]["bytes"]
            if dialogue.audio is None or hashlib.sha256(flac).hexdigest() != dialogue.audio.sha256:
                raise ValueError(f"the recording of {dialogue.id} in {path} is not what its record says")
            yield dialogue, flac


def _contents(dialogue: Dialogue, flac: bytes) -> dict[str, bytes]:
    """A dialogue's files as staging keeps them."""
    assert dialogue.audio is not None, "checked on reading"
    name = f"{dialogue.id}.flac"
    contents = {name: flac, f"{dialogue.id}.json": alignments_bytes(dialogue)}
    record = dialogue.model_copy(update={"audio": dialogue.audio.model_copy(update={"path": name})})
    files = {name: FileInfo.of(data) for name, data in contents.items()}
    return {**contents, STAGED_RECORD: Staged(record=record, files=files).model_dump_json().encode()}


def _row(dialogue: Dialogue, audio: Path) -> dict[str, object]:
    sound = {"bytes": audio.read_bytes(), "path": f"{dialogue.id}.flac"}
    return {**dialogue_row(dialogue), "audio": sound, "record": dialogue.model_dump_json()}


_AUDIO = {"bytes": "binary", "path": "string"}
_COLUMNS: dict[str, Kind] = {"id": COLUMNS["id"], "audio": _AUDIO, **COLUMNS, "record": "string"}


def _schema() -> Any:
    pyarrow = _pyarrow()
    features = {name: _feature(kind) for name, kind in _COLUMNS.items()}
    features["audio"] = {"_type": "Audio", "sampling_rate": SAMPLE_RATE}
    known = {"info": {"features": features}}
    fields = [pyarrow.field(name, _arrow(kind)) for name, kind in _COLUMNS.items()]
    return pyarrow.schema(fields, metadata={"huggingface": json.dumps(known)})


def _arrow(kind: Kind) -> Any:
    pyarrow = _pyarrow()
    if isinstance(kind, str):
        return pyarrow.type_for_alias(kind)
    if isinstance(kind, list):
        return pyarrow.list_(_arrow(kind[0]))
    return pyarrow.struct([pyarrow.field(name, _arrow(one)) for name, one in kind.items()])


def _feature(kind: Kind) -> object:
    """The same type in the vocabulary of `datasets`; lists as every version since 2 writes or reads them."""
    if isinstance(kind, str):
        return {"dtype": kind, "_type": "Value"}
    if isinstance(kind, list):
        return {"feature": _feature(kind[0]), "_type": "List"}
    return {name: _feature(one) for name, one in kind.items()}


def _pyarrow() -> Any:
    try:
        import pyarrow  # type: ignore[import-untyped]
    except ImportError:
        raise ValueError("parquet needs pyarrow; type: pip install 'duologue[formats]'") from None
    return pyarrow


def _parquet() -> Any:
    _pyarrow()
    import pyarrow.parquet  # type: ignore[import-untyped]

    return pyarrow.parquet


EXPORTER = Exporter(part, finish)

"""One finished dialogue on disk before its shard exists: written by any worker process, checked before use."""

from __future__ import annotations

import errno
import hashlib
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .alignments import alignments_bytes
from .audio import SAMPLE_RATE, Samples, encode_flac, loudness
from .durable import disk_full_told, publish, remove, sha256_of, sync_directory, write_synced
from .manifest import WORK, FileInfo
from .record import AudioFile, Dialogue, Record

DONE = "done"  # folder of finished dialogues under .work
TEMPORARY = "stage-"  # prefix of unfinished ones
STAGED_RECORD = "staged.json"
SILENT_PEAK = -120.0  # dBFS written for digital silence, which has no finite level
SILENT_LUFS = -70.0  # the absolute gate of BS.1770: nothing below it is measured
TIME_GRAIN = 1e-4  # seconds: times are stored to this, so the last may round past the end
_RESERVED_IDS = {"shard", "staged"}  # their .json would collide with the store's own files


class Staged(Record):
    """A staged dialogue: its record (audio path still a bare file name) and what its files must be."""

    record: Dialogue
    files: dict[str, FileInfo]


def stage(corpus: str | Path, record: Dialogue, audio: Samples, stems: Samples | None = None) -> Dialogue:
    """Write a recorded dialogue under `.work/done/<id>/`, whole or not at all. Safe to call from several processes.

    Args:
        corpus: directory a `CorpusWriter` has opened.
        record: dialogue whose turns carry words; its `audio` is filled in here.
        audio: float32 `[2, T]` at 24 kHz in -1..1, channel 0 the agent.
        stems: float32 `[S, T]`, up to 8 parts the mix was made of, kept beside it.

    Returns:
        The record with `audio` filled; its path is a bare file name until the dialogue is published.

    Raises:
        ValueError: words out of order of time or outside the audio, samples not finite or beyond full scale.
        DiskFullError: no space; nothing half-written is left.
    """
    check_words(record, audio.shape[-1] / SAMPLE_RATE)
    assert audio.ndim == 2, "audio is [channels, samples]"
    flac = encode_flac(audio)  # in memory: a full disk is met by a plain write, the checksum needs no second reading
    entry = AudioFile(
        path=f"{record.id}.flac",
        sha256=hashlib.sha256(flac).hexdigest(),
        sample_rate=SAMPLE_RATE,
        samples=audio.shape[1],
        peak_dbfs=tuple(_peak_dbfs(channel) for channel in audio),
        lufs=tuple(round(max(SILENT_LUFS, loudness(channel)), 2) for channel in audio),
    )
    record = record.model_copy(update={"audio": entry})
    contents = {f"{record.id}.flac": flac, f"{record.id}.json": alignments_bytes(record)}
    if stems is not None:
        contents[f"{record.id}.stems.flac"] = encode_flac(stems)
    files = {name: FileInfo.of(data) for name, data in contents.items()}
    contents[STAGED_RECORD] = Staged(record=record, files=files).model_dump_json().encode()
    _write_whole(Path(corpus) / WORK, record.id, contents)
    return record


def load_staged(corpus: str | Path, id: str) -> Staged | None:
    """A staged dialogue whose files are complete and match their checksums; else it is removed and None returned."""
    folder = Path(corpus) / WORK / DONE / id
    if not folder.exists():
        return None
    try:
        staged = Staged.model_validate_json((folder / STAGED_RECORD).read_bytes())
        sound = staged.record.id == id and all(
            (folder / name).stat().st_size == file.bytes and sha256_of(folder / name) == file.sha256
            for name, file in staged.files.items()
        )
    except (OSError, ValueError):
        sound = False
    if sound:
        return staged
    remove(folder)
    return None


def staged_contents(corpus: str | Path, id: str) -> dict[str, bytes]:
    """Every file of a staged dialogue by name, to be adopted elsewhere; it is no longer staged here."""
    folder = Path(corpus) / WORK / DONE / id
    contents = {path.name: path.read_bytes() for path in sorted(folder.iterdir())}
    remove(folder)
    return contents


def adopt(corpus: str | Path, id: str, contents: Mapping[str, bytes]) -> None:
    """Stage a dialogue that was staged on another machine. Raises DiskFullError, leaving nothing half-written."""
    _write_whole(Path(corpus) / WORK, id, contents)


def check_words(record: Dialogue, duration: float) -> None:
    """Raise ValueError for a word that is empty, has no length or lies outside `duration` seconds of audio."""
    if record.id in _RESERVED_IDS:
        raise ValueError(f"a dialogue cannot be called {record.id!r}")
    for turn in record.turns:
        for word in turn.words:
            if not word.text.strip():
                raise ValueError(f"{record.id}: an empty word at {word.start} s")
            if not 0 <= word.start < word.end <= duration + TIME_GRAIN:
                span = f"{word.text!r} at {word.start}..{word.end} s"
                raise ValueError(f"{record.id}: {span} does not fit in {duration:.4f} s of audio")


def _peak_dbfs(channel: Samples) -> float:
    peak = float(np.abs(channel).max(initial=0.0))
    return round(max(SILENT_PEAK, 20 * math.log10(peak)), 2) if peak else SILENT_PEAK


def _write_whole(work: Path, id: str, contents: Mapping[str, bytes]) -> None:
    done = work / DONE
    done.mkdir(exist_ok=True)
    with disk_full_told(work):
        folder = Path(tempfile.mkdtemp(prefix=TEMPORARY, dir=work))
    try:
        for name, data in contents.items():
            write_synced(folder / name, data)
        sync_directory(folder)
        _move_into_place(folder, done / id)
    except BaseException:
        remove(folder)
        raise


def _move_into_place(folder: Path, target: Path) -> None:
    """Rename a folder, replacing one that is there: the same dialogue staged before."""
    while True:
        try:
            publish(folder, target)
        except OSError as error:
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
            remove(target)
        else:
            return

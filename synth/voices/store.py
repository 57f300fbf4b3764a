"""A user's voice bank: reference clips with licence and consent, their embeddings in a faiss index beside them.

    bank.json        the voices, in the format of `voice_bank/bank.json`
    ID.flac          their clips: mono, 24 kHz, at most 30 s
    index.faiss      one embedding a voice, in the order of index.json
    index.json       which embedder made them, and the checksum of every clip
    split.json       evaluation voices, and those kept out of training because they sound like one (`voice_pairs`)

A recipe names such a folder under `[voices] folders`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from corpus.audio import SAMPLE_RATE, Samples, encode_flac
from corpus.durable import replace_synced, sha256_of
from corpus.lock import FileLock
from corpus.record import UNSTATED

from ..engines.voice_profile import VoiceProfile
from .audit import ClipProblem, ClipReport, audit_clip
from .embedding import Embedder, Embeddings, alike_rows
from .entry import BankEntry, Side
from .records import (
    BANK_LIST,
    ENTRIES,
    INDEX,
    INDEX_LIST,
    SPLIT,
    IndexedVoice,
    IndexInfo,
    Split,
    VoiceRights,
    listed,
    parsed,
)

LOCK = ".lock"
LONGEST_CLIP = 30.0  # s: more than any engine listens to
CLIPS = (".flac", ".wav", ".ogg", ".opus", ".mp3")
OTHERS = (".m4a", ".aac", ".wma", ".aiff", ".aif", ".amr", ".webm", ".mp4", ".caf")  # sound that is not read here
COMMIT_EVERY = 50  # voices, between which a kill loses what was added


@dataclass(frozen=True)
class Added:
    """What became of the clips: ids of new voices, and the refused with their problems."""

    ids: tuple[str, ...]
    refused: tuple[ClipReport, ...]
    notes: tuple[ClipReport, ...] = ()  # taken, with something to be told


class VoiceStore:
    """A voice bank in a folder. Reading needs no embedder; adding does."""

    def __init__(self, folder: str | Path) -> None:
        """Open a bank; a folder without one is an empty bank. Raises ValueError when a file of it is broken."""
        self.folder = Path(folder)
        entries: list[BankEntry] = parsed(self.folder / BANK_LIST, ENTRIES, [])
        self.entries = tuple(entries)
        self.info = parsed(self.folder / INDEX_LIST, TypeAdapter(IndexInfo), IndexInfo(embedder=""))
        self.split = parsed(self.folder / SPLIT, TypeAdapter(Split), Split())
        indexed = self.info.voices[: len(self.entries)]  # bank.json is written last: what it lacks was cut short
        if [voice.id for voice in indexed] != [entry.id for entry in self.entries]:
            raise ValueError(f"{self.folder}: {INDEX_LIST} does not list the voices of {BANK_LIST}")
        self.info = self.info.model_copy(update={"voices": indexed})
        self._loaded: Any = None  # the faiss index, once it is needed

    def ids(self, side: Side | None = None) -> list[str]:
        """The voices of a side of the split, in order; all of them for None."""
        return [entry.id for entry in self.entries if self.split.keeps(entry.id, side)]

    def entry(self, id: str) -> BankEntry:
        """A voice's entry. Raises ValueError for an id that is not here."""
        for entry in self.entries:
            if entry.id == id:
                return entry
        raise ValueError(f"{self.folder} holds no voice {id!r}")

    def embeddings(self) -> Embeddings:
        """All vectors `[voices, size]`, in the order of the entries. Raises ValueError when the index does not fit."""
        if not self.entries:
            return np.zeros((0, 0), np.float32)
        vectors: Embeddings = self._index().reconstruct_n(0, len(self.entries))
        return vectors

    def nearest(self, vector: Embeddings) -> tuple[str, float] | None:
        """The voice most like a vector and their cosine; None for an empty bank."""
        if not self.entries:
            return None
        cosines, rows = self._index().search(np.ascontiguousarray(vector[None], np.float32), 1)
        return self.entries[int(rows[0, 0])].id, float(cosines[0, 0])

    def check_embedder(self, embedder: Embedder) -> None:
        """Raise ValueError when the stored vectors were made by another embedder."""
        if self.entries and self.info.embedder != embedder.name:
            raise ValueError(
                f"the voices of {self.folder} were measured with {self.info.embedder}, not {embedder.name}: "
                "make a new bank of its clips"
            )

    def add(self, paths: Sequence[Path], rights: VoiceRights, embedder: Embedder) -> Added:
        """Add clips as voices, one each, refusing what is unfit or already here; cut short, it keeps those before.

        Raises:
            ValueError: licence or consent are not stated, another embedder made the bank, another process writes it.
        """
        rights = rights.checked()
        self.check_embedder(embedder)
        ids: list[str] = []
        refused, notes = [], []
        with self._locked():
            try:
                for path in paths:
                    report = self._with_duplicates(audit_clip(path, embedder), rights, embedder)
                    if report.problems:
                        refused.append(report)
                    else:
                        ids.append(self._store(report, rights, embedder))
                        notes += [report] if report.note else []
                        if len(ids) % COMMIT_EVERY == 0:
                            self._commit()
            finally:
                if ids:
                    self._commit()
        return Added(tuple(ids), tuple(refused), tuple(notes))

    def audit(self, embedder: Embedder) -> list[tuple[str, ClipProblem]]:
        """Every problem of the bank by voice: unfit or changed clips, speakers under two names, unstated rights."""
        self.check_embedder(embedder)
        problems: list[tuple[str, ClipProblem]] = []
        for entry, indexed in zip(self.entries, self.info.voices, strict=True):
            report = audit_clip(self.clip_path(entry), embedder)
            problems += [(entry.id, problem) for problem in report.problems]
            if report.sha256 and sha256_of(self.clip_path(entry)) != indexed.file:
                problems.append((entry.id, ClipProblem("changed", "its clip is not the one that was added")))
            if UNSTATED in entry.licence or UNSTATED in entry.consent:
                problems.append((entry.id, ClipProblem("no licence", f"its licence or consent is {UNSTATED}")))
        for one, other, cosine in alike_rows(self.embeddings(), embedder.alike):
            if self.entries[one].speaker != self.entries[other].speaker:
                what = f"it sounds like {self.entries[one].id} (cosine {cosine:.2f})"
                problems.append((self.entries[other].id, ClipProblem("same speaker", what)))
        return problems

    def clip_path(self, entry: BankEntry) -> Path:
        """Where a voice's clip lies."""
        return self.folder / entry.file

    def save_split(self, split: Split) -> None:
        """Write which voices are for evaluation."""
        with self._locked():
            self._write(SPLIT, split.model_dump_json(indent=1).encode())
        self.split = split

    def _with_duplicates(self, report: ClipReport, rights: VoiceRights, embedder: Embedder) -> ClipReport:
        """The report, with a problem where the bank has this clip or, under another name, this speaker."""
        if report.problems or report.embedding is None:
            return report
        same = next((voice.id for voice in self.info.voices if voice.clip == report.sha256), None)
        if same is not None:
            return replace(report, problems=(ClipProblem("same clip", f"it is the clip of {same}"),))
        near = self.nearest(report.embedding)
        if near is None:
            return report
        id, cosine = near
        if cosine < embedder.alike or (rights.speaker and self.entry(id).speaker == rights.speaker):
            return report
        what = f"it sounds like {id} (cosine {cosine:.2f}); if it is the same person, give both one --speaker"
        return replace(report, problems=(ClipProblem("same speaker", what),))

    def _store(self, report: ClipReport, rights: VoiceRights, embedder: Embedder) -> str:
        """Write one clip and take its voice into the lists, which `_commit` writes."""
        assert report.embedding is not None, "a clip without problems was listened to"
        id = self._free_id(report.path.stem)
        samples = report.samples[: int(LONGEST_CLIP * SAMPLE_RATE)]
        peak = max(1.0, float(np.abs(samples).max()))
        self._write(f"{id}.flac", encode_flac((samples / peak)[None]))
        entry = BankEntry(
            id=id,
            file=f"{id}.flac",
            licence=rights.licence,
            consent=rights.consent,
            source=rights.source or report.path.name,
            speaker=rights.speaker or id,
            language=rights.language,
            profile=_profile(samples),
        )
        index = self._index() if self.entries else _new_index(embedder.size)
        index.add(np.ascontiguousarray(report.embedding[None], np.float32))
        indexed = IndexedVoice(id=id, clip=report.sha256, file=sha256_of(self.folder / entry.file))
        voices = (*self.info.voices, indexed)
        self._loaded = index
        self.entries, self.info = (*self.entries, entry), IndexInfo(embedder=embedder.name, voices=voices)
        return id

    def _commit(self) -> None:
        import faiss

        self._write(INDEX, faiss.serialize_index(self._index()).tobytes())
        self._write(INDEX_LIST, self.info.model_dump_json(indent=1).encode())
        self._write(BANK_LIST, listed(self.entries))

    def _free_id(self, stem: str) -> str:
        base = re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-") or "voice"
        taken, number, id = {entry.id for entry in self.entries}, 2, base
        while id in taken:
            id, number = f"{base}-{number}", number + 1
        return id

    def _index(self) -> Any:
        """The faiss index of at least all voices, the first of them those of the entries."""
        import faiss

        if self._loaded is None:
            path = self.folder / INDEX
            try:
                index = faiss.deserialize_index(np.frombuffer(path.read_bytes(), np.uint8))
            except (OSError, RuntimeError) as error:
                raise ValueError(f"cannot read {path}: {str(error).splitlines()[0]}") from None
            if index.ntotal < len(self.entries):
                raise ValueError(f"{path} holds {index.ntotal} voices, {BANK_LIST} {len(self.entries)}")
            self._loaded = _new_index(index.d)
            self._loaded.add(index.reconstruct_n(0, len(self.entries)))
        return self._loaded

    def _write(self, name: str, data: bytes) -> None:
        replace_synced(self.folder / name, data, self.folder)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        lock = FileLock(self.folder / LOCK, self.folder)
        lock.acquire()
        try:
            yield
        finally:
            lock.release()


def _new_index(size: int) -> Any:
    import faiss

    return faiss.IndexFlatIP(size)


def stored_entries(folder: Path, side: Side | None = None) -> list[BankEntry]:
    """The voices of a bank's folder, for the loader of all banks. Raises ValueError when there is none."""
    store = VoiceStore(folder)
    ids = set(store.ids(side))
    chosen = [entry for entry in store.entries if entry.id in ids]
    if not chosen:
        raise ValueError(
            f"{folder} holds no {side + ' ' if side else ''}voice; type: synth voices add DIR --bank {folder}"
        )
    return chosen


def clips_of(path: Path) -> list[Path]:
    """The sound files of a folder, at any depth, or the one file. Raises ValueError when there is none."""
    files = [path] if path.is_file() else sorted(one for one in path.rglob("*") if _is_clip(one))
    if not files:
        raise ValueError(f"{path} holds no sound file ({', '.join(CLIPS)})")
    return files


def passed_over(path: Path) -> list[Path]:
    """Files of a folder that look like sound and are not read: other formats, and what macOS leaves beside each."""
    if path.is_file():
        return []
    return sorted(one for one in path.rglob("*") if one.suffix.lower() in (*CLIPS, *OTHERS) and not _is_clip(one))


def _is_clip(path: Path) -> bool:
    return path.is_file() and path.suffix.lower() in CLIPS and not path.name.startswith("._")


def _profile(samples: Samples) -> VoiceProfile | None:
    """Pitch and timbre; None where pyworld is missing or nothing voiced is heard."""
    try:
        from ..engines.pseudo.speaker import measure

        return measure(samples, SAMPLE_RATE)
    except (ModuleNotFoundError, ValueError):
        return None

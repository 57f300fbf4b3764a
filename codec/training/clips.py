"""Recordings to train and judge codecs on: folders of audio, JSON-lines manifests and Duologue corpora."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import soundfile  # type: ignore[import-untyped]

from corpus.durable import sha256_of
from corpus.manifest import IDENTITY
from corpus.store import Corpus

AUDIO_SUFFIXES = (".wav", ".flac", ".ogg", ".opus", ".mp3")


@dataclass(frozen=True)
class Clip:
    """One channel of one recording: where it lies, how long it is, who speaks and how often to draw it."""

    path: Path
    seconds: float
    speaker: str
    weight: float = 1.0  # relative chance of a second of this clip
    channel: int | None = None  # None averages the channels
    start: float = 0.0  # s into the file
    text: str | None = None


def find_clips(sources: Sequence[str | Path], weights: Mapping[str, float] | None = None) -> list[Clip]:
    """List the clips of folders of audio, JSON-lines manifests and Duologue corpora, in a stable order.

    A manifest line holds `path` (relative to the manifest), `seconds`, and optionally `speaker`, `source` and `text`;
    `weights` maps `source`, and the name of a corpus' folder, to the relative chance of a second of it (1 where
    unnamed, 0 drops it). In a folder the speaker is the folder a file lies in.

    Raises:
        ValueError: a source is missing or holds no audio.
    """
    clips: list[Clip] = []
    for source in map(Path, sources):
        if source.suffix == ".jsonl" and source.is_file():
            found = _manifest_clips(source, weights or {})
        elif (source / IDENTITY).is_file():
            found = _corpus_clips(Corpus(source), (weights or {}).get(source.resolve().name, 1.0))
        elif source.is_dir():
            found = _folder_clips(source)
        else:
            raise ValueError(f"{source} is neither a folder of audio, a corpus nor a .jsonl manifest")
        if not found:
            raise ValueError(f"{source} holds no audio ({', '.join(AUDIO_SUFFIXES)})")
        clips += found
    return clips


def without_twins(clips: Sequence[Clip]) -> tuple[list[Clip], int]:
    """The clips without those that hold the same part of the same file again, under any name; and how many went.

    Files are the same when their bytes are; only those of equal size are read to know.
    """
    sizes: dict[int, set[Path]] = {}
    for clip in clips:
        path = clip.path.resolve()
        sizes.setdefault(path.stat().st_size, set()).add(path)
    digests = {path: sha256_of(path) for paths in sizes.values() if len(paths) > 1 for path in paths}
    kept: dict[tuple[object, ...], Clip] = {}
    for clip in clips:
        path = clip.path.resolve()
        kept.setdefault((digests.get(path, path), clip.channel, clip.start, clip.seconds), clip)
    return list(kept.values()), len(clips) - len(kept)


def fingerprint(clips: Sequence[Clip]) -> str:
    """SHA-256 of who speaks how long, whatever the folders are called: another set of clips has another one."""
    rows = sorted([clip.path.name, clip.speaker, round(clip.seconds, 3), clip.weight] for clip in clips)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


def _manifest_clips(manifest: Path, weights: Mapping[str, float]) -> list[Clip]:
    clips = []
    for number, line in enumerate(manifest.read_text(encoding="utf-8-sig").splitlines(), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            path, seconds = manifest.parent / row["path"], float(row["seconds"])
        except (ValueError, KeyError, TypeError) as error:
            raise ValueError(f"{manifest}:{number}: needs `path` and `seconds` ({error!r})") from None
        weight = weights.get(row.get("source", ""), 1.0)
        if weight > 0:
            clips.append(Clip(path, seconds, str(row.get("speaker") or path.stem), weight, text=row.get("text")))
    return clips


def _corpus_clips(corpus: Corpus, weight: float) -> list[Clip]:
    """One clip per turn, on its speaker's own channel."""
    clips = []
    for dialogue in corpus:
        speakers = {speaker.id: speaker for speaker in dialogue.speakers}
        path = corpus.audio_path(dialogue)
        for turn in dialogue.turns:
            speaker = speakers[turn.speaker]
            name = speaker.voice.id if speaker.voice else f"{dialogue.id}/{speaker.id}"
            if turn.start is None or turn.end is None:
                continue  # planned, never spoken
            seconds = turn.end - turn.start
            clips.append(Clip(path, seconds, name, weight, speaker.channel, turn.start, turn.text))
    return clips


def _folder_clips(folder: Path) -> list[Clip]:
    clips = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES):
        try:
            info = soundfile.info(str(path))
        except soundfile.LibsndfileError as error:
            raise ValueError(f"cannot read {path} as audio: {error}") from None
        speaker = path.parent.name if path.parent != folder else path.stem
        clips.append(Clip(path, info.frames / info.samplerate, speaker))
    return clips

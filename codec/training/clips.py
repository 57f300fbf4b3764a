"""Recordings to train and judge codecs on: folders of audio, JSON-lines manifests and Duologue corpora."""

from __future__ import annotations

import difflib
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import soundfile  # type: ignore[import-untyped]
from pydantic import ConfigDict, Field, model_validator

from corpus.layouts import training_and_validation
from corpus.manifest import IDENTITY
from corpus.store import Corpus
from corpus.strict import Strict, load_lines
from corpus.suggestion import suggestion

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
    held_out: bool = False  # of a manifest for validation


def find_clips(sources: Sequence[str | Path], weights: Mapping[str, float] | None = None) -> list[Clip]:
    """List the clips of folders of audio, JSON-lines manifests and Duologue corpora, in a stable order.

    A manifest line holds `path` (relative to the manifest), `seconds` (or `duration`), and optionally `speaker`,
    `source` and `text`; `weights` maps `source`, and the name of a corpus' folder, to the relative chance of a second
    of it (1 where unnamed, 0 drops it). In a folder the speaker is the folder a file lies in; of a folder with
    `train.jsonl` and `eval.jsonl` (or names like these) both are taken, the clips of the latter as held out.

    Raises:
        ValueError: a source is missing or holds no audio, or a manifest has a bad line.
    """
    clips: list[Clip] = []
    for source in map(Path, sources):
        if source.suffix == ".jsonl" and source.is_file():
            found = _manifest_clips(source, weights or {})
        elif (source / IDENTITY).is_file():
            found = _corpus_clips(Corpus(source), (weights or {}).get(source.resolve().name, 1.0))
        elif source.is_dir():
            found = _both(source, weights or {}) or _folder_clips(source)
        else:
            raise ValueError(f"{source} is neither a folder of audio, a corpus nor a .jsonl manifest")
        if not found:
            raise ValueError(f"{source} holds no audio ({', '.join(AUDIO_SUFFIXES)})")
        clips += found
    return clips


def without_twins(clips: Sequence[Clip]) -> tuple[list[Clip], int]:
    """The clips without those that hold the same part of the same sound again, under any name; and how many went.

    Of twins one that is held out stays, else the first. Sounds are the same when their samples are, whatever the files
    are like; only files of one length are read to know.
    """
    lengths: dict[object, set[Path]] = {}
    for path in {clip.path.resolve() for clip in clips}:
        lengths.setdefault(_length(path), set()).add(path)
    sounds = {path: _sound(path) for paths in lengths.values() if len(paths) > 1 for path in paths}
    kept: dict[tuple[object, ...], int] = {}
    for index in sorted(range(len(clips)), key=lambda index: not clips[index].held_out):
        clip, path = clips[index], clips[index].path.resolve()
        kept.setdefault((sounds.get(path, path), clip.channel, clip.start, clip.seconds), index)
    return [clips[index] for index in sorted(kept.values())], len(clips) - len(kept)


def _length(path: Path) -> tuple[int, int, int]:
    info = _info(path)
    return info.frames, info.samplerate, info.channels


def _sound(path: Path) -> str:
    """A digest of a file's samples, as 16 bits."""
    digest = hashlib.sha256()
    try:
        with soundfile.SoundFile(str(path)) as file:
            for block in file.blocks(1 << 18, dtype="int16", always_2d=True):
                digest.update(np.ascontiguousarray(block).tobytes())
    except (soundfile.LibsndfileError, OSError) as error:
        raise ValueError(f"cannot read {path} as audio: {error}") from None
    return digest.hexdigest()


def _info(path: Path) -> Any:
    try:
        return soundfile.info(str(path))
    except (soundfile.LibsndfileError, OSError) as error:
        raise ValueError(f"cannot read {path} as audio: {error}") from None


def fingerprint(clips: Sequence[Clip]) -> str:
    """SHA-256 of who speaks how long, whatever the folders are called: another set of clips has another one."""
    rows = sorted([clip.path.name, clip.speaker, round(clip.seconds, 3), clip.weight] for clip in clips)
    return hashlib.sha256(json.dumps(rows).encode()).hexdigest()


class ClipLine(Strict):
    """A line of a manifest; what further keys it has is not for us."""

    model_config = ConfigDict(extra="ignore")

    path: str  # relative to the manifest
    seconds: Annotated[float, Field(gt=0)] | None = None
    duration: Annotated[float, Field(gt=0)] | None = None  # moshi-finetune's word for it
    speaker: str | None = None
    source: str | None = None
    text: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _spelt_rightly(cls, values: Any) -> Any:
        """Refuse a key that is none of ours and looks like one that the line lacks."""
        if isinstance(values, dict):
            lacking = cls.model_fields.keys() - values.keys()
            for key in values.keys() - cls.model_fields.keys():
                if difflib.get_close_matches(str(key), lacking, n=1, cutoff=0.75):
                    raise ValueError(f"unknown key {key!r}{suggestion(str(key), lacking)}")
        return values

    @model_validator(mode="after")
    def _timed(self) -> ClipLine:
        if self.seconds is None and self.duration is None:
            raise ValueError("seconds is missing")
        return self


def _manifest_clips(manifest: Path, weights: Mapping[str, float], held_out: bool = False) -> list[Clip]:
    clips = []
    for line in load_lines(manifest, ClipLine, "manifest"):
        path, weight = manifest.parent / line.path, weights.get(line.source or "", 1.0)
        seconds = line.seconds if line.seconds is not None else line.duration
        assert seconds is not None, "checked"
        if weight > 0:
            clips.append(Clip(path, seconds, line.speaker or path.stem, weight, text=line.text, held_out=held_out))
    return clips


def _both(folder: Path, weights: Mapping[str, float]) -> list[Clip]:
    """The clips of a folder's manifests for training and for validation, if it has one of each."""
    named = training_and_validation(sorted(folder.glob("*.jsonl")))
    if named is None:
        return []
    return [*_manifest_clips(named[0], weights), *_manifest_clips(named[1], weights, held_out=True)]


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
        info = _info(path)
        speaker = path.parent.name if path.parent != folder else path.stem
        clips.append(Clip(path, info.frames / info.samplerate, speaker))
    return clips

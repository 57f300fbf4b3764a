"""Lhotse manifests: cuts over sound files, read from .jsonl or .jsonl.gz without Lhotse; Lhotse Shar, too.

Words come from each supervision's alignment "word"; a supervision with text alone is timed by an aligner. Cuts of
several tracks (mixed, padded) are left out; export those as plain cuts first. Audio in a Shar archive is read from
`recording.NNNNNN.tar` beside `cuts.NNNNNN.jsonl.gz`.
"""

from __future__ import annotations

import gzip
import json
import tarfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, get_args

from ..audio import SAMPLE_RATE, Samples, read, to_samples
from ..interleave import TimedWord
from ..record import Event, WordSource
from .cut_records import SHAR_SOURCE
from .recordings import Recording, Rights, Unreadable, Utterance, file_audio, utterances_of

SLACK = 0.5  # s by which words may stick out of their supervision


def recordings(source: Path, rights: Rights) -> Iterator[Recording | Unreadable]:
    """Every cut of a manifest, or of the folder's cuts*.jsonl[.gz]. Raises ValueError when there is none."""
    manifests = [source] if source.is_file() else sorted(source.glob("cuts*.jsonl*"))
    if not manifests:
        raise ValueError(f"{source} is no cuts manifest and holds no cuts*.jsonl[.gz]")
    for manifest in manifests:
        opened = gzip.open if manifest.suffix == ".gz" else open
        shard = manifest.name.partition(".")[2].partition(".")[0]
        archive = ShardAudio(manifest.parent / f"recording.{shard}.tar")
        with opened(manifest, "rt", encoding="utf-8-sig") as lines:
            for number, line in enumerate(lines, 1):
                name = f"{manifest.name}:{number}"
                try:
                    cut = json.loads(line)
                    name = cut["id"]
                    yield _recording(cut, manifest.parent, rights, archive)
                except (KeyError, TypeError, IndexError, AttributeError) as error:
                    yield Unreadable(name, f"is not a plain cut: {type(error).__name__} {error}")
                except ValueError as error:
                    yield Unreadable(name, str(error))


class ShardAudio:
    """The sound files of a Shar archive by recording, found when first asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._places: dict[str, tuple[int, int]] | None = None  # recording -> first byte, bytes

    def read(self, id: str) -> Samples:
        """Float32 `[C, T]` at 24 kHz. Raises ValueError where the archive or the recording is not there or broken."""
        if self._places is None:
            try:
                with tarfile.open(self.path) as archive:
                    members = [one for one in archive.getmembers() if one.isfile() and not one.name.endswith(".json")]
            except (OSError, tarfile.TarError) as error:
                raise ValueError(f"its audio should be in {self.path.name}, which cannot be read: {error}") from None
            self._places = {Path(one.name).stem: (one.offset_data, one.size) for one in members}
        if id not in self._places:
            raise ValueError(f"{self.path.name} holds no sound file of recording {id!r}")
        first, size = self._places[id]
        with self.path.open("rb") as file:
            file.seek(first)
            return read(f"{self.path.name}: {id}", content=file.read(size))


def _recording(cut: dict[str, Any], folder: Path, rights: Rights, archive: ShardAudio) -> Recording:
    if cut["type"] not in ("MonoCut", "MultiCut"):
        raise ValueError(f"is a {cut['type']}")
    (source,) = cut["recording"]["sources"]
    if source["type"] not in ("file", SHAR_SOURCE):
        raise ValueError(f"its audio is of type {source['type']!r}, neither a file nor in a Shar archive")
    channels = cut["channel"] if isinstance(cut["channel"], list) else [cut["channel"]]
    utterances = [
        utterance
        for supervision in cut.get("supervisions", [])
        for utterance in _utterances(supervision, channels, rights)
    ]
    if source["type"] == "file":
        whole = file_audio(folder / source["source"])
    else:
        whole = partial(archive.read, str(cut["recording"]["id"]))
    bad = sum(_bad_rows(supervision) for supervision in cut.get("supervisions", []))
    audio = _cut_audio(whole, channels, float(cut["start"]), float(cut["duration"]))
    return Recording(cut["id"], audio, tuple(utterances), bad)


def _bad_rows(supervision: dict[str, Any]) -> int:
    rows = (supervision.get("alignment") or {}).get("word") or []
    return sum(not str(symbol).strip() or float(length) <= 0 for symbol, _, length, *_ in rows)


def _cut_audio(
    whole: Callable[[], Samples], channels: list[int], start: float, duration: float
) -> Callable[[], Samples]:
    def load() -> Samples:
        audio = whole()
        if max(channels) >= len(audio):
            raise ValueError(f"its recording has {len(audio)} channels, the cut names {channels}")
        return audio[channels, to_samples(start) : to_samples(start) + round(duration * SAMPLE_RATE)]

    return load


def _utterances(supervision: dict[str, Any], channels: list[int], rights: Rights) -> Iterator[Utterance]:
    channel = supervision.get("channel", channels[0])
    place = channels.index(channel[0] if isinstance(channel, list) else channel)
    start, end = float(supervision["start"]), float(supervision["start"]) + float(supervision["duration"])
    speaker, custom = supervision.get("speaker") or "", supervision.get("custom") or {}
    event: Event = custom["event"] if custom.get("event") in get_args(Event) else "turn"
    rows = (supervision.get("alignment") or {}).get("word") or []
    sources = custom.get("word_sources") or [None] * len(rows)
    words = []
    for (symbol, begin, length, *_), given in zip(rows, sources, strict=True):
        source: WordSource = given if given in get_args(WordSource) else rights.times
        listed = TimedWord(str(symbol), float(begin), float(begin) + float(length))
        words += [word for one in utterances_of([listed], place, speaker, source) for word in one.words]
    text = (supervision.get("text") or "").strip()
    if words and not start - SLACK <= words[0].start <= words[-1].end <= end + SLACK:
        raise ValueError(f"the word times of supervision {supervision['id']} lie outside it")
    if words:
        said = " ".join(word.text for word in words)
        yield Utterance(place, speaker, said, words[0].start, words[-1].end, tuple(words), event)
    elif text:
        yield Utterance(place, speaker, text, max(start, 0.0), end, event=event)

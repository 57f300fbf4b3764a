"""Lhotse manifests: cuts over sound files, read from .jsonl or .jsonl.gz without Lhotse.

Words come from each supervision's alignment "word"; a supervision with text alone is timed by an aligner. Cuts of
several tracks (mixed, padded) and audio inside archives are left out; export those as plain cuts first.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args

from ..audio import SAMPLE_RATE, Samples, read, to_samples
from ..interleave import TimedWord
from ..record import Event, WordSource
from .recordings import Recording, Rights, Unreadable, Utterance, utterances_of

SLACK = 0.5  # s by which words may stick out of their supervision


def recordings(source: Path, rights: Rights) -> Iterator[Recording | Unreadable]:
    """Every cut of a manifest, or of the folder's cuts*.jsonl[.gz]. Raises ValueError when there is none."""
    manifests = [source] if source.is_file() else sorted(source.glob("cuts*.jsonl*"))
    if not manifests:
        raise ValueError(f"{source} is no cuts manifest and holds no cuts*.jsonl[.gz]")
    for manifest in manifests:
        opened = gzip.open if manifest.suffix == ".gz" else open
        with opened(manifest, "rt", encoding="utf-8") as lines:
            for number, line in enumerate(lines, 1):
                name = f"{manifest.name}:{number}"
                try:
                    cut = json.loads(line)
                    name = cut["id"]
                    yield _recording(cut, manifest.parent, rights)
                except (KeyError, TypeError, IndexError, AttributeError) as error:
                    yield Unreadable(name, f"is not a plain cut: {type(error).__name__} {error}")
                except ValueError as error:
                    yield Unreadable(name, str(error))


def _recording(cut: dict[str, Any], folder: Path, rights: Rights) -> Recording:
    if cut["type"] not in ("MonoCut", "MultiCut"):
        raise ValueError(f"is a {cut['type']}")
    (source,) = cut["recording"]["sources"]
    if source["type"] != "file":
        raise ValueError(f"its audio is of type {source['type']!r}, not a file")
    channels = cut["channel"] if isinstance(cut["channel"], list) else [cut["channel"]]
    utterances = [
        utterance
        for supervision in cut.get("supervisions", [])
        for utterance in _utterances(supervision, channels, rights)
    ]
    audio = _cut_audio(folder / source["source"], channels, float(cut["start"]), float(cut["duration"]))
    return Recording(cut["id"], audio, tuple(utterances))


def _cut_audio(path: Path, channels: list[int], start: float, duration: float) -> Callable[[], Samples]:
    def load() -> Samples:
        audio = read(path)
        if max(channels) >= len(audio):
            raise ValueError(f"{path} has {len(audio)} channels, the cut names {channels}")
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

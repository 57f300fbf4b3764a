"""Calls as people record them, of bursts for words, and a recognizer that knows what was put into them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import soundfile

from corpus.audio import SAMPLE_RATE, Samples
from corpus.interleave import TimedWord
from tests.support.tiny_corpus import dialogue

TEXTS = {0: "hello there how are you very well it is sunny", 1: "fine thanks and you good to hear that"}


def sound() -> Samples:
    """Eight seconds, `[2, T]`."""
    return dialogue(0)[1]


def recognizer(channel: int, rename: dict[str, str] | None = None) -> Callable[[Samples], list[TimedWord]]:
    """What hears the words of a side where they are; `rename` lets it hear others."""
    record, _ = dialogue(0)
    said = [(rename or {}).get(word.text, word.text) for word in record.words(channel)]
    return lambda _: [
        TimedWord(text, word.start, word.end) for text, word in zip(said, record.words(channel), strict=True)
    ]


def both(samples: Samples) -> list[TimedWord]:
    """Hears either side, known by where it is loudest."""
    agent = np.argmax(np.abs(samples)) / SAMPLE_RATE
    words = [word for word in dialogue(0)[0].words(0) if word.start <= agent < word.end]
    return recognizer(0 if words else 1)(samples)


def write_call(folder: Path, name: str, rate: int = SAMPLE_RATE, sides: tuple[str, ...] = ()) -> None:
    """A file of two channels, or one for each of two `sides`."""
    folder.mkdir(parents=True, exist_ok=True)
    if not sides:
        soundfile.write(folder / f"{name}.wav", sound().T, rate)
    for side, samples in zip(sides, sound(), strict=False):
        soundfile.write(folder / f"{name}{side}.wav", samples, rate)


def write_json(path: Path, content: object) -> None:
    """A transcript."""
    path.write_text(json.dumps(content), encoding="utf-8")

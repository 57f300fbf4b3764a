"""Words that nobody may hear or read: a beep lies over their sound, and one mark stands for them in the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby

import numpy as np

from ..audio import SAMPLE_RATE, Samples, to_samples
from ..record import Word
from .recordings import Redactor, Utterance, Words

MARK = "…"  # in place of covered words, however many they were
BEEP_HZ, BEEP_LEVEL = 1_000.0, 0.05
MARGIN = {"forced": 0.08, "native": 0.15, "proportional": 0.4}  # s covered on both sides, by how exact the times are

Spoken = tuple[Utterance, Words]


def redacted(audio: Samples, spoken: Sequence[Spoken], redact: Redactor) -> tuple[Samples, list[Spoken], int]:
    """Cover words in the sound of their channel and in the text.

    Args:
        audio: float32 `[C, T]` at 24 kHz.
        spoken: utterances with their words, by time.
        redact: says which words, of those of each speaker in order.

    Returns:
        The audio with beeps, the utterances with marks, and how many stretches were covered.
    """
    flags = _flags(spoken, redact)
    covered = audio.copy()
    out: list[Spoken] = []
    count = 0
    for utterance, words in spoken:
        kept: list[Word] = []
        own = flags[utterance.channel, utterance.speaker]
        for hidden, run in groupby([(next(own), word) for word in words], key=lambda pair: pair[0]):
            group = [word for _, word in run]
            if hidden:
                _beep(covered[utterance.channel], group)
                group = [group[0].model_copy(update={"text": MARK, "end": max(word.end for word in group)})]
                count += 1
            kept += group
        out.append((replace(utterance, text="", words=()), tuple(kept)))
    return covered, out, count


def _flags(spoken: Sequence[Spoken], redact: Redactor) -> dict[tuple[int, str], Iterator[bool]]:
    """Whether each word is to be covered, by channel and speaker, in the order of their words."""
    said: dict[tuple[int, str], list[str]] = {}
    for utterance, words in spoken:
        said.setdefault((utterance.channel, utterance.speaker), []).extend(word.text for word in words)
    return {key: map(bool, flags) for key, flags in zip(said, redact(list(said.values())), strict=True)}


def _beep(channel: Samples, words: Sequence[Word]) -> None:
    margin = max(MARGIN[word.source] for word in words)
    first = to_samples(max(0.0, words[0].start - margin))
    last = min(len(channel), to_samples(max(word.end for word in words) + margin))
    times = np.arange(last - first) / SAMPLE_RATE
    channel[first:last] = BEEP_LEVEL * np.sin(2 * np.pi * BEEP_HZ * times)

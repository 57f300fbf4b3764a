"""What is wrong with one recording and its words: code and one line for each fault. `lint.RULES` holds the codes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from .audio import SAMPLE_RATE
from .envelope import FLOOR_DB, Envelope
from .interleave import TimedWord
from .manifest import MAIN_SPEAKER, USER_SPEAKER

DURATION_SLACK = 0.05  # seconds between manifest and file
TIME_SLACK = 0.01  # seconds a word may end after the audio
SILENT_PEAK = 1e-3  # a channel that never exceeds this (-60 dBFS) is silent
ZERO_RUN = 0.5  # seconds of exact zeros: more is no recorded silence
WORD_BELOW = 35.0  # dB a word may lie below its channel's speech level
SWAP_MARGIN = 6.0  # dB by which the other channel must follow the agent's words better


def file_fault(path: Path) -> str | None:
    """Code of what keeps a file from being read at all; None when nothing does."""
    try:
        with path.open("rb") as file:
            return "ogg" if file.read(4) == b"OggS" else None
    except (OSError, ValueError):
        return "audio-missing"


def audio_faults(envelope: Envelope, duration: float | None) -> Iterator[tuple[str, str]]:
    """Code and words of what is wrong with the samples."""
    if not envelope.finite:
        yield "not-finite", "holds samples that are NaN or infinite"
    if envelope.channels != 2:
        yield "channels", f"{envelope.channels} channel{'s' * (envelope.channels > 1)} instead of 2"
    if envelope.rate != SAMPLE_RATE:
        yield "sample-rate", f"{envelope.rate} Hz instead of {SAMPLE_RATE}"
    if duration is not None and abs(duration - envelope.duration) > DURATION_SLACK:
        yield "duration", f"the manifest says {duration:.2f} s, the file holds {envelope.duration:.2f} s"
    for channel in range(envelope.channels):
        if envelope.peak[channel] < SILENT_PEAK:
            yield "silent-channel", f"channel {channel} never exceeds {SILENT_PEAK:g}"
        elif (run := envelope.longest_zero(channel)) > ZERO_RUN:
            yield "digital-silence", f"channel {channel} holds {run:.2f} s of exact zeros in a row"
        if envelope.clips[channel]:
            yield "clipping", f"channel {channel} is clipped in {envelope.clips[channel]} places"


def word_faults(words: list[TimedWord], envelope: Envelope | None) -> Iterator[tuple[str, str]]:
    """Code and words of what is wrong with the word list, alone and against the recording."""
    if not any(word.speaker == MAIN_SPEAKER for word in words):
        yield "no-words", "no word of the agent"
    unsorted = [second for first, second in itertools.pairwise(words) if second.start < first.start]
    yield from _told("unsorted-words", unsorted, "starts before the row above it")
    yield from _told("empty-word", [word for word in words if not word.text.strip()], "has no text")
    yield from _told("no-length", [word for word in words if word.end <= word.start], "does not end after it starts")
    if envelope is None:
        return
    limit = envelope.duration + TIME_SLACK
    yield from _told(
        "outside-audio",
        [word for word in words if word.start < 0 or max(word.start, word.end) > limit],
        f"lies outside {envelope.duration:.2f} s of audio",
    )
    inside = [word for word in words if 0 <= word.start < word.end <= limit]
    if envelope.channels == 2:
        yield from _channel_faults(inside, envelope)


def _channel_faults(words: list[TimedWord], envelope: Envelope) -> Iterator[tuple[str, str]]:
    """Words against the energy of the channel they belong to."""
    follows = [_contrast(words, MAIN_SPEAKER, envelope, channel) for channel in (0, 1)]
    if follows[1] - follows[0] > SWAP_MARGIN and follows[1] > 0:
        what = f"during the agent's words channel 0 is {follows[0]:+.0f} dB and channel 1 {follows[1]:+.0f} dB louder"
        yield "swapped-channels", what
        return
    for channel, speaker in enumerate((MAIN_SPEAKER, USER_SPEAKER)):
        if envelope.peak[channel] < SILENT_PEAK:
            continue
        spoken = [word for word in words if word.speaker == speaker]
        tops = (envelope.level[channel, envelope.span(word.start, word.end)].max(initial=FLOOR_DB) for word in spoken)
        levels = [float(top) for top in tops]
        if levels:
            speech = max(float(np.median(levels)), float(np.percentile(envelope.level[channel], 99)))
            quiet = [word for word, level in zip(spoken, levels, strict=True) if level < speech - WORD_BELOW]
            yield from _told("word-in-silence", quiet, f"lies {WORD_BELOW:g} dB below the speech of channel {channel}")


def _contrast(words: list[TimedWord], speaker: str, envelope: Envelope, channel: int) -> float:
    """By how many dB a channel is louder during a speaker's words than elsewhere; 0 where there is no elsewhere."""
    during = np.zeros(envelope.level.shape[1], bool)
    for word in words:
        if word.speaker == speaker:
            during[envelope.span(word.start, word.end)] = True
    if during.all() or not during.any():
        return 0.0
    level = envelope.level[channel]
    return float(level[during].mean() - level[~during].mean())


def _told(code: str, words: list[TimedWord], what: str) -> Iterator[tuple[str, str]]:
    """One finding for all words of a file that share a fault, told by the first."""
    if words:
        more = f" ({len(words)} words)" if len(words) > 1 else ""
        yield code, f"{words[0].text!r} at {words[0].start:.2f}..{words[0].end:.2f} s {what}{more}"

"""Turn-taking measured from audio: IPUs, pauses, gaps, overlaps, floor-transfer offsets, distance to a reference.

    channel 0   ####   ####------------###            # IPU: speech bounded by at least 0.2 s of silence
    channel 1              ######          ####       pause: silence between IPUs of one speaker
                    pause  ^overlap^   gap            gap: silence at a change of speaker

Quantities follow Nguyen et al. 2023 (dGSLM) as used in the Moshi paper, Table 9: all are seconds per minute, IPUs are
summed over channels, so IPU - overlap + pause + gap is close to 60.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import ks_2samp, wasserstein_distance  # type: ignore[import-untyped]

from .audio import SAMPLE_RATE, Samples
from .record import Dialogue, TimingStats

HOP = SAMPLE_RATE // 100  # 10 ms between energy readings
MIN_SILENCE = 0.2  # s: shorter silences stay inside an IPU
MIN_SPEECH = 0.05  # s: shorter bursts are clicks, not speech
FLOOR_MARGIN = 10.0  # dB above the noise floor that counts as speech
SPEECH_RANGE = 38.0  # dB below the speech level where speech still counts

Segment = tuple[float, float]
Offsets = npt.NDArray[np.float64]


@dataclass(frozen=True)
class TimingSummary:
    """Turn-taking of a corpus: s/min of IPU, pause, gap, overlap; offsets in seconds, share of them below zero."""

    seconds: float
    ipu: float
    pause: float
    gap: float
    overlap: float
    median_offset: float
    overlapped_share: float
    offsets: Offsets


def level(channel: Samples) -> npt.NDArray[np.float64]:
    """Energy of mono audio `[T]` in dBFS every 10 ms, over 20 ms windows: `[ceil(T / 240)]`."""
    padded = np.pad(channel, (0, -len(channel) % HOP)).astype(np.float64)
    blocks = (padded.reshape(-1, HOP) ** 2).mean(axis=1)
    paired = (blocks + np.append(blocks[1:], blocks[-1:])) / 2
    return np.asarray(10 * np.log10(paired + 1e-12), dtype=np.float64)


def speech_threshold(levels: npt.NDArray[np.float64]) -> float:
    """The level in dBFS above which a channel is speaking, from its own noise floor and speech level."""
    floor, speech = np.percentile(levels, [10, 98])
    return float(min(max(floor + FLOOR_MARGIN, speech - SPEECH_RANGE), speech - 6))


def speech_segments(channel: Samples) -> list[Segment]:
    """The IPUs of one channel `[T]` in seconds, found by energy; empty when nothing rises above the noise floor."""
    if not len(channel):
        return []
    levels = level(channel)
    if np.percentile(levels, 99.5) - np.percentile(levels, 5) < FLOOR_MARGIN:
        return []
    active = levels > speech_threshold(levels)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], active.astype(np.int8), [0]])))
    hop = HOP / SAMPLE_RATE
    bursts = [(start * hop, end * hop) for start, end in edges.reshape(-1, 2) if (end - start) * hop >= MIN_SPEECH]
    return join(bursts)


def join(segments: Iterable[Segment], silence: float = MIN_SILENCE) -> list[Segment]:
    """Join segments that are less than `silence` seconds apart."""
    joined: list[Segment] = []
    for start, end in sorted(segments):
        if joined and start - joined[-1][1] < silence:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def measure(channels: Sequence[Sequence[Segment]], seconds: float) -> TimingStats:
    """Turn-taking of one dialogue from the IPUs of its channels.

    A floor transfer is a change of speaker between successive IPUs, those wholly inside another channel's IPU left out;
    its offset is the silence (positive) or overlap (negative) there, in seconds.
    """
    if seconds <= 0:
        raise ValueError("a dialogue needs a positive duration")
    ipus = sorted((start, end, speaker) for speaker, segments in enumerate(channels) for start, end in segments)
    pause = gap = overlap = 0.0
    offsets: list[float] = []
    reach, holder = -1.0, -1  # end of the speech heard so far, and whose it is
    for start, end, speaker in ipus:
        if holder >= 0:
            if start >= reach:
                if speaker == holder:
                    pause += start - reach
                else:
                    gap += start - reach
            else:
                overlap += min(end, reach) - start
            if speaker != holder and end > reach:
                offsets.append(round(start - reach, 4))
        if end > reach:
            reach, holder = end, speaker
    minutes = seconds / 60
    ipu = sum(end - start for start, end, _ in ipus)
    return TimingStats(
        seconds=round(seconds, 4),
        ipu=round(ipu / minutes, 4),
        pause=round(pause / minutes, 4),
        gap=round(gap / minutes, 4),
        overlap=round(overlap / minutes, 4),
        offsets=tuple(offsets),
    )


def measure_audio(audio: Samples) -> TimingStats:
    """Turn-taking of one recording `[C, T]` at 24 kHz, one speaker a channel."""
    return measure([speech_segments(channel) for channel in audio], audio.shape[1] / SAMPLE_RATE)


def summarise(stats: Iterable[TimingStats]) -> TimingSummary:
    """Pool dialogues: rates weighted by duration, offsets together. Raises ValueError when there are none."""
    rows = list(stats)
    seconds = sum(row.seconds for row in rows)
    if not seconds:
        raise ValueError("no dialogue to summarise")
    offsets = np.array([offset for row in rows for offset in row.offsets], dtype=np.float64)

    def pooled(name: str) -> float:
        return float(sum(getattr(row, name) * row.seconds for row in rows) / seconds)

    return TimingSummary(
        seconds=seconds,
        ipu=pooled("ipu"),
        pause=pooled("pause"),
        gap=pooled("gap"),
        overlap=pooled("overlap"),
        median_offset=float(np.median(offsets)) if len(offsets) else float("nan"),
        overlapped_share=float((offsets < 0).mean()) if len(offsets) else float("nan"),
        offsets=offsets,
    )


def offset_distance(measured: Offsets, reference: Offsets) -> float:
    """Wasserstein-1 distance between two samples of floor-transfer offsets, in seconds; NaN if either is empty."""
    if not len(measured) or not len(reference):
        return float("nan")
    return float(wasserstein_distance(measured, reference))


def offset_test(measured: Offsets, reference: Offsets) -> tuple[float, float]:
    """The two-sample Kolmogorov-Smirnov test of offsets: how far apart the distributions get, and the p value of that.

    NaN where either sample is empty. Of many thousand offsets any difference is significant: look at the distance.
    """
    if not len(measured) or not len(reference):
        return float("nan"), float("nan")
    result = ks_2samp(measured, reference)
    return float(result.statistic), float(result.pvalue)


def turn_offsets(dialogue: Dialogue) -> list[float]:
    """Floor-transfer offsets (s) by the turns of a record: each turn against the end of the other side's before it.

    Backchannels take no floor and are left out, as the sources that presets are fitted to leave them out.
    """
    offsets: list[float] = []
    holder, reach = -1, 0.0
    timed = [
        (turn.start, turn.end, dialogue.channel(turn))
        for turn in dialogue.turns
        if turn.event != "backchannel" and turn.start is not None and turn.end is not None
    ]
    for start, end, channel in sorted(timed):
        if holder >= 0 and channel != holder:
            offsets.append(round(start - reach, 4))
        holder, reach = channel, end
    return offsets

"""From sound and from what is known of its turns to what the listener shall say, frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from corpus.audio import Samples

from .config import FUTURE, HOPS
from .features import HOP

Flags = NDArray[np.bool_]
StopKind = Literal["end", "gap", "cut", "filler", "backchannel"]

LEAST_SILENCE = 6  # hops of silence from which turn_end is asked for
LONG_SILENCE = 160  # hops from which it counts less: the decision has fallen
LONGEST_SILENCE = 300  # hops after which it is not asked for
SOON = 50  # hops before an end in which it "ends soon"


@dataclass(frozen=True)
class Stop:
    """The voice falls silent."""

    hop: int  # the first silent one, of 10 ms
    over: bool  # the turn is over, or goes on after a pause
    weight: float  # in training; 0: neither (a backchannel)
    kind: StopKind


@dataclass(frozen=True)
class FrameLabels:
    """What is to be learnt of T frames of 80 ms; all float32."""

    speech: Samples  # [T], 1 where at least half of the frame is voice
    turn_end: Samples  # [T], 1 over, 0 a pause
    turn_end_weight: Samples  # [T], 0 where nobody asks
    ends_soon: Samples  # [T]
    ends_soon_weight: Samples  # [T]
    backchannel: Samples  # [T]
    future: Samples  # [T, 4], share of voice in the spans of `config.FUTURE` ahead


def levels(samples: Samples) -> NDArray[np.float64]:
    """Level of each hop of 10 ms over three of them, in dB of full scale `[n]`."""
    hops = len(samples) // HOP
    power = (samples[: hops * HOP].reshape(hops, HOP).astype(np.float64) ** 2).mean(1)
    return np.asarray(10 * np.log10(np.convolve(power, np.ones(3) / 3, "same") + 1e-12))


def voice_activity(samples: Samples) -> Flags:
    """Where a clean recording at 24 kHz holds voice, for each hop of 10 ms.

    Voice is within 35 dB of the loud places and above the quiet ones; gaps below 80 ms are bridged, islands below
    50 ms dropped.
    """
    level = levels(samples)
    loud, quiet = np.percentile(level, 95), np.percentile(level, 8)
    active = np.asarray(level > max(loud - 35, -62, min(quiet + 9, loud - 18)))
    return ~bridged(~bridged(active, 8), 5)


def bridged(flags: Flags, shortest: int) -> Flags:
    """Gaps between flags that are shorter than `shortest`, closed; the ends stay as they are."""
    out = flags.copy()
    for start, end in runs(~flags):
        if start > 0 and end < len(flags) and end - start < shortest:
            out[start:end] = True
    return out


def runs(flags: Flags) -> list[tuple[int, int]]:
    """Start and end of each run of True."""
    steps = np.diff(np.concatenate([[0], flags.astype(np.int8), [0]]))
    return [(int(a), int(b)) for a, b in zip(np.flatnonzero(steps == 1), np.flatnonzero(steps == -1), strict=True)]


def frame_labels(active: Flags, stops: Sequence[Stop], backchannel: Flags) -> FrameLabels:
    """Labels of whole frames.

    Args:
        active: `[8 T]`, the user's voice by hops.
        stops: where it falls silent and what that means; a stop whose silence is not heard has no effect.
        backchannel: `[8 T]`, where what he says is not meant to take the floor.
    """
    frames = len(active) // HOPS
    speech = _majority(active)
    turn_end, weight = np.zeros(frames, np.float32), np.zeros(frames, np.float32)
    soon, soon_weight = np.zeros(frames, np.float32), speech.copy()
    voiced = np.flatnonzero(active)
    for stop in sorted(stops, key=lambda stop: stop.hop):
        later = voiced[voiced >= stop.hop]
        resumes = int(later[0]) if len(later) else len(active)
        for frame in range(stop.hop // HOPS, frames):
            now = (frame + 1) * HOPS
            if now > resumes or now - stop.hop > LONGEST_SILENCE:
                break
            if now - stop.hop >= LEAST_SILENCE:
                turn_end[frame] = stop.over
                weight[frame] = stop.weight * (1.0 if now - stop.hop <= LONG_SILENCE else 0.25)
        before = slice(max(0, (stop.hop - SOON) // HOPS), (stop.hop + HOPS - 1) // HOPS)
        if stop.over:
            soon[before] = 1
        if not stop.weight:
            soon_weight[before] = 0
    return FrameLabels(speech, turn_end, weight, soon, soon_weight, _majority(backchannel), _future(active))


def _majority(flags: Flags) -> Samples:
    return np.asarray(flags.reshape(-1, HOPS).sum(1) >= HOPS // 2, np.float32)


def _future(active: Flags) -> Samples:
    spans = [(round(100 * start), round(100 * end)) for start, end in FUTURE]
    total = np.concatenate([[0], np.cumsum(np.concatenate([active, np.zeros(spans[-1][1], bool)]))])
    now = np.arange(1, len(active) // HOPS + 1) * HOPS
    shares = [(total[now + end] - total[now + start]) / (end - start) for start, end in spans]
    return np.asarray(np.stack(shares, 1), np.float32)

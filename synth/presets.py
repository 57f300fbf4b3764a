"""Timing presets: how speakers of a genre take turns, and the bands a corpus of that genre must measure in.

Sources of the targets: `fisher` from the Moshi paper's Table 9 (Fisher ground truth) and Levinson & Torreira 2015;
`candor` from the CANDOR corpus (Reece et al. 2023: 47.9 % overlapped, medians -410 and 380 ms); `service` from
task-oriented calls (a slow regime, offsets near 700 ms); `assistant` is a designed target: a quick agent that seldom
talks over its user. Where a source gives no s/min, the band follows from its offsets at 20 to 26 transfers a minute.

What is planned differs a little from the reference: short replies cannot overlap by much, and backchannels, barge-ins
and pauses add transfers of their own. The planned figures are those whose rendered audio measures like the reference.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Band = tuple[float, float]


@dataclass(frozen=True)
class Spread:
    """A log-normal length in seconds, given by its median and the deviation of its logarithm, cut at `longest`."""

    median: float
    sigma: float
    longest: float

    def draw(self, rng: random.Random, scale: float = 1.0) -> float:
        """One length in seconds, `scale` times as long before the cut."""
        return min(self.median * scale * math.exp(rng.gauss(0.0, self.sigma)), self.longest)


@dataclass(frozen=True)
class Transfer:
    """Floor-transfer offsets: a share of overlaps, the rest gaps."""

    overlapped: float  # share of transfers that begin before the other has ended
    overlap: Spread
    gap: Spread

    def draw(self, rng: random.Random, *, overlap_shift: float = 0.0, gap_scale: float = 1.0) -> float:
        """One offset in seconds. `overlap_shift` is added to the log-odds of overlapping."""
        odds = math.log(self.overlapped / (1 - self.overlapped)) + overlap_shift
        if rng.random() < 1 / (1 + math.exp(-odds)):
            return -self.overlap.draw(rng)
        return self.gap.draw(rng, gap_scale)


@dataclass(frozen=True)
class TimingPreset:
    """How a genre takes turns (durations in seconds) and where a rendered corpus must measure."""

    name: str
    reference: Transfer  # what people of the genre do: measured corpora are compared with it
    to_agent: Transfer  # what is planned when the agent takes the floor
    to_user: Transfer  # and when the user does
    pause: Spread
    pause_at_sentence: float  # probability of a pause between sentences of one turn
    pause_at_comma: float
    join: Spread  # silence at punctuation where no pause is made
    think: Spread  # long thinking pauses and holds
    backchannel_rate: float  # probability at each place that invites one
    backchannel_delay: tuple[float, float]  # mean and deviation, against the end of the inviting word
    yield_latency: Spread  # overlap from the onset of a barge-in to the other's falling silent
    dyad: float  # deviation of the latent shared by both speakers
    individual: float  # deviation of the latent of each
    bands: dict[str, Band] = field(hash=False)

    def offsets(self, n: int) -> npt.NDArray[np.float64]:
        """A sample of `n` floor-transfer offsets of the reference, in seconds; the same at every call."""
        rng = random.Random(0)
        return np.array([self.reference.draw(rng) for _ in range(n)])


def fisher() -> TimingPreset:
    """Telephone talk between strangers."""
    transfer = Transfer(0.43, overlap=Spread(0.29, 0.65, 1.4), gap=Spread(0.21, 0.65, 2.0))
    return TimingPreset(
        name="fisher",
        reference=Transfer(0.36, overlap=Spread(0.27, 0.65, 1.4), gap=Spread(0.28, 0.70, 2.0)),
        to_agent=transfer,
        to_user=transfer,
        pause=Spread(0.44, 0.50, 1.6),
        pause_at_sentence=0.68,
        pause_at_comma=0.26,
        join=Spread(0.08, 0.30, 0.16),
        think=Spread(1.4, 0.35, 3.0),
        backchannel_rate=0.30,
        backchannel_delay=(0.08, 0.16),
        yield_latency=Spread(0.38, 0.35, 0.9),
        dyad=0.30,
        individual=0.15,
        bands={
            "ipu": (48.0, 55.0),
            "pause": (5.0, 8.0),
            "gap": (3.5, 5.5),
            "overlap": (2.5, 4.5),
            "median_offset": (0.0, 0.25),
            "overlapped_share": (0.25, 0.50),
        },
    )


def candor() -> TimingPreset:
    """Video talk between strangers: quick, half of the transfers overlapped."""
    transfer = Transfer(0.60, overlap=Spread(0.46, 0.55, 1.6), gap=Spread(0.30, 0.60, 2.0))
    return TimingPreset(
        name="candor",
        reference=Transfer(0.479, overlap=Spread(0.41, 0.55, 1.6), gap=Spread(0.38, 0.60, 2.0)),
        to_agent=transfer,
        to_user=transfer,
        pause=Spread(0.45, 0.50, 1.6),
        pause_at_sentence=0.70,
        pause_at_comma=0.30,
        join=Spread(0.08, 0.30, 0.16),
        think=Spread(1.3, 0.35, 3.0),
        backchannel_rate=0.45,
        backchannel_delay=(0.08, 0.18),
        yield_latency=Spread(0.38, 0.35, 0.9),
        dyad=0.35,
        individual=0.20,
        bands={
            "ipu": (49.0, 58.0),
            "pause": (4.0, 8.0),
            "gap": (3.5, 6.5),
            "overlap": (4.0, 7.5),
            "median_offset": (-0.05, 0.25),
            "overlapped_share": (0.38, 0.58),
        },
    )


def service() -> TimingPreset:
    """Task-oriented calls: long gaps while each side thinks or looks something up, hardly any overlap."""
    transfer = Transfer(0.014, overlap=Spread(0.15, 0.40, 0.5), gap=Spread(0.74, 0.42, 2.5))
    return TimingPreset(
        name="service",
        reference=transfer,
        to_agent=transfer,
        to_user=transfer,
        pause=Spread(0.42, 0.45, 1.5),
        pause_at_sentence=0.45,
        pause_at_comma=0.12,
        join=Spread(0.08, 0.30, 0.16),
        think=Spread(1.6, 0.35, 3.5),
        backchannel_rate=0.06,
        backchannel_delay=(0.15, 0.12),
        yield_latency=Spread(0.40, 0.35, 0.9),
        dyad=0.25,
        individual=0.12,
        bands={
            "ipu": (38.0, 48.0),
            "pause": (2.0, 6.0),
            "gap": (9.0, 15.0),
            "overlap": (0.0, 1.2),
            "median_offset": (0.55, 0.95),
            "overlapped_share": (0.0, 0.10),
        },
    )


def assistant() -> TimingPreset:
    """A voice assistant: answers quickly, waits through pauses, seldom talks over its user, may be talked over."""
    return TimingPreset(
        name="assistant",
        reference=Transfer(0.15, overlap=Spread(0.25, 0.50, 1.2), gap=Spread(0.37, 0.55, 2.0)),
        to_agent=Transfer(0.06, overlap=Spread(0.15, 0.40, 0.5), gap=Spread(0.29, 0.45, 1.5)),
        to_user=Transfer(0.22, overlap=Spread(0.30, 0.55, 1.2), gap=Spread(0.40, 0.60, 2.0)),
        pause=Spread(0.50, 0.50, 1.8),
        pause_at_sentence=0.70,
        pause_at_comma=0.25,
        join=Spread(0.08, 0.30, 0.16),
        think=Spread(1.6, 0.40, 4.0),
        backchannel_rate=0.15,
        backchannel_delay=(0.10, 0.14),
        yield_latency=Spread(0.32, 0.30, 0.7),
        dyad=0.20,
        individual=0.12,
        bands={
            "ipu": (45.0, 54.0),
            "pause": (4.5, 9.0),
            "gap": (4.0, 8.0),
            "overlap": (0.7, 3.0),
            "median_offset": (0.15, 0.45),
            "overlapped_share": (0.08, 0.30),
        },
    )


PRESETS = {"fisher": fisher, "candor": candor, "service": service, "assistant": assistant}

"""Timing presets: how speakers of a genre take turns, and the bands a corpus of that genre must measure in.

Floor-transfer offsets are one distribution that runs across zero, from long overlaps to long gaps: a curve through
quantiles, see `OffsetCurve`. What people do comes from outside, as quantiles that others published:

`fisher`: telephone talk. 30.1 % of the transfers overlap (Levinson & Torreira 2015, Switchboard), most lie near 200 ms
(Heldner & Edlund 2010; Stivers et al. 2009). Seconds per minute are those of the Moshi paper's Table 9 (Fisher), whose
4.2 s of gaps say how far the long ones reach. CallHome has 3 backchannels a minute wholly inside the other's speech.

`candor`: video talk (Reece et al. 2023). 47.9 % overlap, with a median of -410 ms; the gaps' is 380 ms, that of all 80,
and all are near normal: the normal curve nearest to these four. About 1,000 backchannels an hour of speech.

`service`: task-oriented calls. Six two-channel ones of SpokenWOZ have 148 transfers, a tenth of them below 380 ms, half
below 740, nine tenths below 1190, 1.4 % overlapped, and 23 enclosed vocalisations an hour.

`assistant`: a designed target and no measurement: a quick agent that seldom talks over its user.

Where a source gives no seconds per minute, the band follows from its offsets at 17 to 26 transfers a minute.

What is planned differs a little from the reference: short replies cannot overlap by much, and barge-ins add transfers
of their own. The planned curves are those whose spoken dialogues measure like the reference.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from functools import cached_property
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Band = tuple[float, float]
_NORMAL = NormalDist()
_FAR = 8.0  # deviations: nothing lies beyond


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
class OffsetCurve:
    """Floor-transfer offsets as one distribution: a curve through quantiles, normal between them and beyond.

    Attributes:
        quantiles: (share of transfers below, offset in seconds), rising, two or more; negative offsets overlap.
        shortest, longest: what lies beyond is cut off there.
    """

    quantiles: tuple[tuple[float, float], ...]
    shortest: float = -2.0
    longest: float = 3.0

    @cached_property
    def _curve(self) -> tuple[list[float], list[float]]:
        """Scores of the normal distribution and the offsets there; the outer stretches go on straight."""
        scores = [_NORMAL.inv_cdf(share) for share, _ in self.quantiles]
        offsets = [offset for _, offset in self.quantiles]

        def beyond(end: int, beside: int, score: float) -> float:
            slope = (offsets[end] - offsets[beside]) / (scores[end] - scores[beside])
            return offsets[end] + slope * (score - scores[end])

        return [-_FAR, *scores, _FAR], [beyond(0, 1, -_FAR), *offsets, beyond(-1, -2, _FAR)]

    def at(self, score: float | npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """Offsets (s) at scores of the standard normal distribution; 0 is the median."""
        scores, offsets = self._curve
        return np.clip(np.interp(score, scores, offsets), self.shortest, self.longest)

    def draw(self, rng: random.Random, latent: float = 0.0, spread: float = 1.0) -> float:
        """One offset in seconds. `latent` moves the score: negative for those who come in early."""
        return float(self.at(latent + spread * rng.gauss(0.0, 1.0)))


@dataclass(frozen=True)
class TimingPreset:
    """How a genre takes turns (durations in seconds) and where a rendered corpus must measure.

    `bands` holds, besides seconds per minute, `backchannels` an hour of speech and `backchannels_enclosed` a minute.
    """

    name: str
    reference: OffsetCurve  # what people of the genre do, from outside: measured corpora are compared with it
    to_agent: OffsetCurve  # what is planned when the agent takes the floor
    to_user: OffsetCurve  # and when the user does
    pause: Spread
    pause_at_sentence: float  # probability of a pause between sentences of one turn
    pause_at_comma: float
    join: Spread  # silence at punctuation where no pause is made
    think: Spread  # long thinking pauses and holds
    backchannel_rate: float  # probability at each clause end inside a turn
    backchannel_within: float  # and between two words of a clause, far enough from the last one
    backchannel_delay: tuple[float, float]  # mean and deviation, against the end of the inviting word
    yield_latency: Spread  # overlap from the onset of a barge-in to the other's falling silent
    dyad: float  # deviation of the latent shared by both speakers, of 1 that offsets have in all
    individual: float  # deviation of the latent of each
    bands: dict[str, Band] = field(hash=False)

    def offsets(self, n: int) -> npt.NDArray[np.float64]:
        """`n` floor-transfer offsets of the reference, in seconds, evenly through its distribution."""
        shares = (np.arange(n) + 0.5) / n
        return self.reference.at(np.array([_NORMAL.inv_cdf(share) for share in shares]))


def fisher() -> TimingPreset:
    """Telephone talk between strangers."""
    transfer = OffsetCurve(((0.05, -0.70), (0.301, -0.01), (0.5, 0.19), (0.9, 0.51)))
    return TimingPreset(
        name="fisher",
        reference=OffsetCurve(((0.301, 0.0), (0.5, 0.2), (0.9, 0.55))),
        to_agent=transfer,
        to_user=transfer,
        pause=Spread(0.44, 0.50, 1.6),
        pause_at_sentence=0.74,
        pause_at_comma=0.31,
        join=Spread(0.08, 0.30, 0.16),
        think=Spread(1.4, 0.35, 3.0),
        backchannel_rate=0.38,
        backchannel_within=0.02,
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
            "overlapped_share": (0.25, 0.40),
            "offset_distance": (0.0, 0.06),
            "offset_ks": (0.0, 0.08),
            "backchannels": (240.0, 480.0),
            "backchannels_enclosed": (2.0, 4.0),
        },
    )


def candor() -> TimingPreset:
    """Video talk between strangers: quick, half of the transfers overlapped."""
    transfer = OffsetCurve(((0.1587, -0.78), (0.5, -0.03), (0.8413, 0.57)))
    return TimingPreset(
        name="candor",
        reference=OffsetCurve(((0.1587, -0.557), (0.8413, 0.617))),
        to_agent=transfer,
        to_user=transfer,
        pause=Spread(0.45, 0.50, 1.6),
        pause_at_sentence=0.70,
        pause_at_comma=0.30,
        join=Spread(0.08, 0.30, 0.16),
        think=Spread(1.3, 0.35, 3.0),
        backchannel_rate=0.90,
        backchannel_within=0.24,
        backchannel_delay=(0.08, 0.18),
        yield_latency=Spread(0.38, 0.35, 0.9),
        dyad=0.35,
        individual=0.20,
        bands={
            "ipu": (49.0, 60.0),
            "pause": (4.0, 8.0),
            "gap": (4.5, 7.0),
            "overlap": (4.0, 9.0),
            "median_offset": (-0.05, 0.25),
            "overlapped_share": (0.38, 0.58),
            "offset_distance": (0.0, 0.08),
            "offset_ks": (0.0, 0.08),
            "backchannels": (800.0, 1200.0),
            "backchannels_enclosed": (5.0, 13.0),
        },
    )


def service() -> TimingPreset:
    """Task-oriented calls: long gaps while each side thinks or looks something up, hardly any overlap."""
    calls = OffsetCurve(((0.014, 0.0), (0.1, 0.38), (0.5, 0.74), (0.9, 1.19)))
    return TimingPreset(
        name="service",
        reference=calls,
        to_agent=calls,
        to_user=calls,
        pause=Spread(0.42, 0.45, 1.5),
        pause_at_sentence=0.45,
        pause_at_comma=0.12,
        join=Spread(0.08, 0.30, 0.16),
        think=Spread(1.6, 0.35, 3.5),
        backchannel_rate=0.06,
        backchannel_within=0.0,
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
            "offset_distance": (0.0, 0.08),
            "offset_ks": (0.0, 0.1),
            "backchannels": (20.0, 110.0),
            "backchannels_enclosed": (0.15, 1.0),
        },
    )


def assistant() -> TimingPreset:
    """A voice assistant: answers quickly, waits through pauses, seldom talks over its user, may be talked over."""
    return TimingPreset(
        name="assistant",
        reference=OffsetCurve(((0.05, -0.16), (0.15, 0.0), (0.5, 0.30), (0.9, 0.80))),
        to_agent=OffsetCurve(((0.01, -0.15), (0.07, 0.0), (0.5, 0.28), (0.9, 0.62)), shortest=-0.4),
        to_user=OffsetCurve(((0.05, -0.40), (0.22, 0.0), (0.5, 0.32), (0.9, 0.90)), shortest=-1.2),
        pause=Spread(0.50, 0.50, 1.8),
        pause_at_sentence=0.70,
        pause_at_comma=0.25,
        join=Spread(0.08, 0.30, 0.16),
        think=Spread(1.6, 0.40, 4.0),
        backchannel_rate=0.25,
        backchannel_within=0.02,
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
            "offset_distance": (0.0, 0.06),
            "offset_ks": (0.0, 0.1),
            "backchannels": (120.0, 360.0),
            "backchannels_enclosed": (1.0, 3.0),
        },
    )


PRESETS = {"fisher": fisher, "candor": candor, "service": service, "assistant": assistant}

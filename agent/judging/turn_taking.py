"""Turn-taking judged from speech and word times: Full-Duplex-Bench's quantities, from their published definitions.

    user    ######  ----pause----  ####|end                       takeover in a pause: bad; after the end: good
    agent                               <-latency-> #########

Lin et al. 2025 (arXiv 2503.04721, v1; arXiv 2507.23159, v1.5). Where they listen with a recognizer, words come from the
agent's text stream and count only where speech is heard with them; a talker without a text still has the length of its
speech. Where they ask a language model whether an agent resumed, a run of the same seed without the disturbance tells.
Times are seconds of one clock.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from corpus.interleave import TimedWord
from corpus.timing import Segment

SHORT_SECONDS, SHORT_WORDS = 1.0, 3  # speech below both is no takeover
BACKCHANNEL_WORDS = 2  # most words of a backchannel, which is shorter than SHORT_SECONDS
LONG_SECONDS = 3.0  # a listener's speech beyond this has taken the floor
WORD_MARGIN = 0.4  # a word is heard if speech is this near to its start
WINDOW = 0.2  # s, of the histogram of backchannel times
REACH = 1.5  # s around a clause end that the histogram covers
KEPT_SHARE = 0.5  # of the speech of the undisturbed run that makes a floor kept

Counts = npt.NDArray[np.float64]


@dataclass(frozen=True)
class SpeechTimes:
    """What one side said: its IPUs, and its words by start."""

    segments: tuple[Segment, ...]
    words: tuple[TimedWord, ...] = ()

    @classmethod
    def heard(cls, segments: Iterable[Segment], words: Iterable[TimedWord] = ()) -> SpeechTimes:
        """Segments as they are, and the words that speech is heard with."""
        kept = tuple(sorted(segments))
        return cls(kept, tuple(word for word in words if _nearest(kept, word.start) is not None))

    def within(self, start: float, end: float) -> SpeechTimes:
        """The part of a span: segments cut to it, words that start in it."""
        cut = ((max(a, start), min(b, end)) for a, b in self.segments)
        return SpeechTimes(
            tuple((a, b) for a, b in cut if a < b), tuple(w for w in self.words if start <= w.start < end)
        )

    @property
    def seconds(self) -> float:
        """Length of all segments."""
        return sum(end - start for start, end in self.segments)

    @property
    def span(self) -> float:
        """From the first segment's start to the last one's end; 0 without any."""
        return self.segments[-1][1] - self.segments[0][0] if self.segments else 0.0

    def words_of(self, segment: int) -> int:
        """How many words belong to a segment."""
        return sum(_nearest(self.segments, word.start) == segment for word in self.words)


@dataclass(frozen=True)
class Listening:
    """What an agent did while the user held the floor."""

    takeover: bool
    backchannels: tuple[float, ...]  # onsets


def takeover(speech: SpeechTimes) -> bool:
    """Whether speech takes the turn: not if there is none, nor if it spans less than 1 s and has 3 words or fewer."""
    return bool(speech.segments) and (speech.span >= SHORT_SECONDS or len(speech.words) > SHORT_WORDS)


def turn_latency(speech: SpeechTimes, end: float, until: float) -> float | None:
    """Seconds from the end of the user's turn to the agent's speech, at least 0; None without a takeover by `until`."""
    after = speech.within(end, until)
    return after.segments[0][0] - end if takeover(after) else None


def listen(speech: SpeechTimes, start: float, end: float) -> Listening:
    """Judge an agent while the user's turn lasts from start to end.

    More than 3 s of speech in one go takes the floor. A backchannel begins in the turn, is shorter than 1 s, its part
    after the turn included, and has at most two words.
    """
    long = any(b - a > LONG_SECONDS for a, b in speech.within(start, end).segments)
    onsets = tuple(
        a
        for index, (a, b) in enumerate(speech.segments)
        if start <= a < end and b - a < SHORT_SECONDS and speech.words_of(index) <= BACKCHANNEL_WORDS
    )
    return Listening(long, onsets)


def clause_offsets(onsets: Iterable[float], clause_ends: Sequence[float]) -> list[float]:
    """Seconds of each backchannel after the clause end nearest to it; those without one are left out."""
    return [min((onset - end for end in clause_ends), key=abs) for onset in onsets if clause_ends]


def offset_histogram(offsets: Iterable[float]) -> Counts:
    """Counts of offsets in windows of 0.2 s from -1.5 to 1.5 s, `[15]`; what lies beyond is in the outer windows."""
    bins = round(2 * REACH / WINDOW)
    counts = np.zeros(bins)
    for offset in offsets:
        counts[min(max(math.floor((offset + REACH) / WINDOW + 1e-9), 0), bins - 1)] += 1
    return counts


def divergence(one: Counts, other: Counts) -> float:
    """Jensen-Shannon divergence of two histograms in bits, 0 to 1; 1 if either is empty."""
    if not one.sum() or not other.sum():
        return 1.0
    p, q = one / one.sum(), other / other.sum()
    middle = (p + q) / 2
    return float(sum((part[part > 0] * np.log2(part[part > 0] / middle[part > 0])).sum() for part in (p, q)) / 2)


def stop_latency(speech: SpeechTimes, onset: float, until: float) -> float | None:
    """Seconds from an interruption's onset until the agent, speaking at the time, falls silent.

    None if it was not speaking, or did not fall silent before `until`.
    """
    running = next((end for start, end in speech.segments if start <= onset < end), None)
    return None if running is None or running >= until else running - onset


def response_latency(speech: SpeechTimes, onset: float, end: float, stop_by: float, until: float) -> float | None:
    """Seconds from an interruption's end to the agent's next turn, at least 0.

    None if the agent did not stop for it before `stop_by`, or took no turn before `until`.
    """
    stopped = stop_latency(speech, onset, stop_by)
    if stopped is None:
        return None
    silent = max(end, onset + stopped)
    waited = turn_latency(speech, silent, until)
    return None if waited is None else silent - end + waited


def keeps_floor(speech: SpeechTimes, undisturbed: SpeechTimes, onset: float, until: float) -> bool | None:
    """Whether an agent goes on in spite of a disturbance, as far as it would have gone without.

    Kept if from onset to `until` it speaks at least half as long as the undisturbed run does; None if that one is all
    but done by then (less than 0.5 s left), so that there is nothing to tell.
    """
    planned = undisturbed.within(onset, until).seconds
    if planned < SHORT_SECONDS / 2:
        return None
    return speech.within(onset, until).seconds >= KEPT_SHARE * planned


def silence_ratio(speech: SpeechTimes, seconds: float) -> float:
    """Share of a recording in which a side is silent."""
    return 1.0 - min(speech.seconds / seconds, 1.0) if seconds > 0 else 1.0


def waits_and_answers(pause_tor: float, turn_tor: float) -> float:
    """Geometric mean of waiting through pauses and taking the turns offered: 0 for whoever never speaks or waits."""
    return math.sqrt((1.0 - pause_tor) * turn_tor)


def _nearest(segments: Sequence[Segment], time: float) -> int | None:
    """The segment that a word's start belongs to."""
    distances = [(max(start - time, time - end, 0.0), index) for index, (start, end) in enumerate(segments)]
    distance, index = min(distances, default=(math.inf, 0))
    return index if distance <= WORD_MARGIN else None

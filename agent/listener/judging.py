"""How well ends are told from pauses: scores at decisions, pauses taken for ends, false triggers, cost."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from corpus.audio import FRAME_SAMPLES, Samples

from .config import HOPS
from .features import HOP
from .listener import Listener
from .sounds import Group, JudgedSound, Kind

MISSED = (0.05, 0.13)  # shares of the ends that are missed
SILENT = 0.5  # chance of speech below which a frame is silent
FORGOTTEN = 13  # silent frames after which lone voiced ones before them are no turn


@dataclass(frozen=True)
class DecisionScore:
    """What somebody thought at a decision: the higher, the more over."""

    group: Group
    kind: Kind
    over: bool
    value: float


@dataclass(frozen=True)
class Separation:
    """Ends against pauses."""

    pauses: int
    ends: int
    auc: float
    taken: tuple[float, ...]  # pauses taken for ends at each share of `MISSED`


def separation(ends: Sequence[float], pauses: Sequence[float]) -> Separation:
    """How well scores tell ends from pauses. None of either: ValueError."""
    if not ends or not pauses:
        raise ValueError("to tell ends from pauses, some of each are needed")
    high, low = np.asarray(ends), np.asarray(pauses)
    auc = float(((high[:, None] > low) + 0.5 * (high[:, None] == low)).mean())
    taken = tuple(float((low >= np.quantile(high, missed)).mean()) for missed in MISSED)
    return Separation(len(pauses), len(ends), auc, taken)


def frame_after(hop: int, silence: float) -> int:
    """The frame that ends 0.03 s before to 0.05 s after so many seconds of silence from a hop."""
    return int(np.ceil((hop + 100 * silence - 3) / HOPS)) - 1


def listen(listener: Listener, sound: Samples) -> Iterator[tuple[float, float]]:
    """Speech and turn end of each frame of a sound."""
    state = listener.init_state()
    for frame in sound[: len(sound) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES):
        cues, state = listener.step(frame, state)
        yield cues.speech, cues.turn_end


def scores(listener: Listener, sounds: Iterable[JudgedSound], silence: float = 0.3) -> list[DecisionScore]:
    """The listener's log odds of an end at every decision, after so much silence."""
    return scores_at(listener, sounds, [silence])[silence]


def scores_at(
    listener: Listener, sounds: Iterable[JudgedSound], silences: Sequence[float]
) -> dict[float, list[DecisionScore]]:
    """The same after several silences; pauses that are shorter are left out."""
    out: dict[float, list[DecisionScore]] = {silence: [] for silence in silences}
    for judged in sounds:
        ends = [end for _, end in listen(listener, judged.sound)]
        for silence, decision in product(silences, judged.decisions):
            frame = frame_after(decision.hop, silence)
            if (frame + 1) * HOPS <= decision.until and frame < len(ends):
                out[silence].append(DecisionScore(judged.group, decision.kind, decision.over, log_odds(ends[frame])))
    return out


def asked(
    opinion: Callable[[Samples, float], float], sounds: Iterable[JudgedSound], silence: float = 0.3
) -> list[DecisionScore]:
    """The same for whoever hears the sound up to the decision: `opinion(sound at 24 kHz, seconds of silence)`."""
    out = []
    for judged in sounds:
        for decision in judged.decisions:
            now = (frame_after(decision.hop, silence) + 1) * FRAME_SAMPLES
            if now <= min(decision.until * HOP, len(judged.sound)):
                heard = judged.sound[:now]
                quiet = (now // HOP - decision.hop) / 100
                out.append(DecisionScore(judged.group, decision.kind, decision.over, log_odds(opinion(heard, quiet))))
    return out


def log_odds(probability: float) -> float:
    """Of a probability, kept finite."""
    kept = min(max(probability, 1e-6), 1 - 1e-6)
    return float(np.log(kept / (1 - kept)))


def figures(scores: Sequence[DecisionScore]) -> dict[str, Separation]:
    """The table's rows, of what scores there are: gaps of reading (not behind a sentence's end) against all ends, the
    gaps behind sentences, the calls, the pauses put in."""
    reading = ("requests", "reading")

    def of(groups: Sequence[str], over: bool, *kinds: Kind) -> list[float]:
        chosen = (s for s in scores if s.group in groups and s.over == over)
        return [s.value for s in chosen if not kinds or s.kind in kinds]

    rows = {
        "natural gaps": (of(reading, True), of(reading, False, "clause", "phrase")),
        "gaps behind sentences": (of(reading, True), of(reading, False, "sentence")),
        "calls": (of(["calls"], True), of(["calls"], False)),
        "pauses put in": (of(["spliced"], True), of(["spliced"], False)),
    }
    return {name: separation(ends, pauses) for name, (ends, pauses) in rows.items() if ends and pauses}


def triggers(listener: Listener, sound: Samples, threshold: float, wait: int = 3) -> int:
    """How often somebody would begin to answer: voice was heard, then `wait` silent frames in a row, then turn end."""
    heard, silent, count = 0, 0, 0
    for speech, turn_end in listen(listener, sound):
        if speech >= SILENT:
            heard, silent = heard + 1, 0
        else:
            silent += 1
            heard = heard if silent < FORGOTTEN else 0
            if heard >= 2 and silent >= wait and turn_end >= threshold:
                count, heard = count + 1, 0
    return count


def fitted_thresholds(
    listener: Listener, sounds: Sequence[JudgedSound], silences: Sequence[float], budget: float
) -> dict[float, float]:
    """For each silence the least `turn_end` by which no more than `budget` of the pauses are taken for ends.

    Pauses behind a sentence's end do not count: there nobody can tell.
    """
    out = {}
    for silence, scores in scores_at(listener, sounds, silences).items():
        pauses = [score.value for score in scores if not score.over and score.kind != "sentence"]
        if not pauses:
            raise ValueError(f"no pause lasts {silence} s: thresholds need some")
        out[silence] = float(1 / (1 + np.exp(-np.quantile(pauses, 1 - budget))))
    return out


def milliseconds_per_frame(listener: Listener, frames: int = 200) -> float:
    """Median cost of a step."""
    sound = np.random.default_rng(0).normal(0, 0.1, (frames, FRAME_SAMPLES)).astype(np.float32)
    state, costs = listener.init_state(), []
    for frame in sound:
        start = time.perf_counter()
        _, state = listener.step(frame, state)
        costs.append(time.perf_counter() - start)
    return 1e3 * float(np.median(costs))

"""Sounds that judge turn ends: people's own gaps and ends, pauses put in, telephone calls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import soxr  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, Samples

from ..tokens.telephone import companded
from .effects import in_room
from .features import HOP
from .labels import bridged, runs, voice_activity
from .recordings import TurnClip, room_tone
from .turns import quietest

Group = Literal["requests", "reading", "spliced", "calls"]
Kind = Literal["end", "sentence", "clause", "phrase", "cut", "hold"]
LEAST_PAUSE = 35  # hops; shorter silences are over before the decision at 0.3 s
LEVEL = 10 ** (-24 / 20)  # RMS of the loudest third of a sound
LEAD = 100  # hops of room tone before the first voice
PAUSES = (0.4, 0.8, 1.2, 2.0)  # seconds


@dataclass(frozen=True)
class Decision:
    """The voice falls silent at a hop: is the turn over?"""

    hop: int
    over: bool
    kind: Kind
    until: int  # the hop where the voice resumes, or where the sound ends


@dataclass(frozen=True)
class JudgedSound:
    """A sound at 24 kHz and the decisions in it."""

    group: Group
    name: str
    speaker: str
    sound: Samples
    decisions: tuple[Decision, ...]


def natural(clips: Iterable[TurnClip], group: Group, generator: np.random.Generator) -> list[JudgedSound]:
    """Recordings as they are: their gaps of 0.35 s and more are pauses, their last voice an end."""
    out = []
    for clip in clips:
        start = max(0, clip.first - 30)
        shift = LEAD - start
        gaps = [
            Decision(gap.start + shift, False, gap.border, gap.end + shift)
            for gap in clip.gaps
            if gap.end - gap.start >= LEAST_PAUSE
        ]
        sound = _framed(clip, [clip.hops(start, clip.last + 40)], generator)
        end = Decision(clip.last + shift, True, "end", len(sound) // HOP)
        out.append(JudgedSound(group, clip.recording.name, clip.recording.speaker, sound, (*gaps, end)))
    return out


def spliced(clips: Iterable[TurnClip], generator: np.random.Generator) -> list[JudgedSound]:
    """Recordings with one pause of room tone put in between two words of a phrase, nothing else changed."""
    out = []
    for clip in clips:
        inside = [
            word
            for word in clip.words[:-1]
            if clip.first + 60 < 100 * word.start and 100 * word.end < clip.last - 40 and word.text[-1:].isalnum()
        ]
        if not inside:
            continue
        word = inside[generator.integers(len(inside))]
        hop = quietest(clip, int(100 * word.end) - 8, int(100 * word.end) + 9)
        if any(gap.start - 4 <= hop <= gap.end + 4 for gap in clip.gaps):
            continue
        start, pause = max(0, clip.first - 30), round(100 * generator.choice(PAUSES))
        head = clip.hops(start, hop).copy()
        head[-HOP:] *= np.linspace(1, 0, HOP, dtype=np.float32)
        pieces = [head, room_tone(clip.tone, pause * HOP, generator), clip.hops(hop, clip.last + 40)]
        sound, cut, end = _framed(clip, pieces, generator), LEAD + hop - start, LEAD + clip.last - start + pause
        decisions = (Decision(cut, False, "cut", cut + pause), Decision(end, True, "end", len(sound) // HOP))
        out.append(JudgedSound("spliced", clip.recording.name, clip.recording.speaker, sound, decisions))
    return out


def call(name: str, sides: Sequence[tuple[str, Samples]]) -> list[JudgedSound]:
    """Both sides of a call: a pause is a silence of 0.35 s or more after which the same side goes on, the other silent;
    an end one after which the other talks for 0.8 s or more before. Overlaps are left out."""
    active = [~bridged(~bridged(voice_activity(sound), 12), 12) for _, sound in sides]
    hops = min(map(len, active))
    out = []
    for own, (speaker, sound) in enumerate(sides):
        mine, other = active[own][:hops], active[1 - own][:hops]
        decisions = []
        for _, stop in runs(mine):
            again, answer = _next(mine, stop), _next(other, stop)
            if again - stop < LEAST_PAUSE or other[max(0, stop - 10) : stop + 10].any():
                continue
            if again < min(answer, hops):
                decisions.append(Decision(stop, False, "hold", again))
            elif other[answer:again].sum() >= 80 and answer - stop < 400:
                decisions.append(Decision(stop, True, "end", again))
        out.append(JudgedSound("calls", name, speaker, levelled(sound[: hops * HOP]), tuple(decisions)))
    return out


def _next(active: np.ndarray[tuple[int], np.dtype[np.bool_]], hop: int) -> int:
    later = np.flatnonzero(active[hop:])
    return hop + int(later[0]) if len(later) else len(active)


def _framed(clip: TurnClip, pieces: Sequence[Samples], generator: np.random.Generator) -> Samples:
    before, after = (room_tone(clip.tone, hops * HOP, generator) for hops in (LEAD, 160))
    return levelled(np.concatenate([before, *pieces, after]))


def levelled(sound: Samples) -> Samples:
    """At -24 dB of full scale."""
    return np.asarray(sound * LEVEL / np.sqrt(_loud(sound) + 1e-12), np.float32)


def _loud(sound: Samples) -> float:
    """Mean power of the loudest third."""
    power = np.sort((sound[: len(sound) // HOP * HOP].reshape(-1, HOP) ** 2).mean(1))
    return float(power[-len(power) // 3 :].mean())


def on_telephone(sound: Samples) -> Samples:
    """At 8 kHz, in mu-law."""
    return np.resize(soxr.resample(companded(soxr.resample(sound, SAMPLE_RATE, 8000)), 8000, SAMPLE_RATE), len(sound))


def in_noise(sound: Samples, noise: Samples, snr: float, generator: np.random.Generator) -> Samples:
    """With noise so many dB below the voice."""
    looped = np.resize(np.roll(noise, int(generator.integers(len(noise)))), len(sound))
    return np.asarray(
        sound + looped * np.sqrt(_loud(sound) / ((noise**2).mean() + 1e-12)) * 10 ** (-snr / 20), np.float32
    )


def in_living_room(sound: Samples, response: Samples) -> Samples:
    """In a recorded room; the response as it was read."""
    direct = response[int(np.argmax(np.abs(response))) :]
    return in_room(sound, direct / np.float32(np.sqrt((direct**2).sum())))

"""A spoken turn as pieces: cut where the plan wants a silence, trimmed to its words, resampled to 24 kHz.

Where a turn has one planned pause:

    engine's clip   ..hello, . . . . how are you?...     ('.' silence the engine made)
    pieces            [hello,]      [how are you?]
    on the clock      [hello,]--0.45 s--[how are you?]   the plan's pause, from word end to word start
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples, resample, to_samples, to_seconds
from corpus.record import Turn, UtteranceQuality, Word

ATTACK = 0.03  # s kept before a piece's first word
RELEASE = 0.06  # s kept after a piece's last word
CUT_FADE = 0.03  # s over which an interrupted speaker falls silent
EDGE_FADE = 0.004  # s over which every piece fades in and out


@dataclass(frozen=True)
class TurnPiece:
    """A stretch of one turn without planned silences. Word times are seconds from the start of the turn's clip."""

    start: int  # samples from the start of the clip
    samples: Samples  # [T] at 24 kHz
    words: tuple[Word, ...]


@dataclass(frozen=True)
class SpokenClip:
    """One turn as it will be heard, from its first to its last sample."""

    pieces: tuple[TurnPiece, ...]

    @property
    def words(self) -> tuple[Word, ...]:
        """All spoken words, in order."""
        return tuple(word for piece in self.pieces for word in piece.words)

    @property
    def duration(self) -> float:
        """Seconds, edges included."""
        last = self.pieces[-1]
        return (last.start + len(last.samples)) / SAMPLE_RATE

    def word_end(self, number: int | None = None) -> float:
        """Seconds from the clip's start to the end of its word `number` (1 is the first; None the last)."""
        words = self.words
        return words[min(number or len(words), len(words)) - 1].end

    def scaled(self, gain: float) -> SpokenClip:
        """The same clip, louder or softer by a linear gain."""
        return SpokenClip(tuple(replace(piece, samples=piece.samples * np.float32(gain)) for piece in self.pieces))

    def audio(self) -> Samples:
        """All pieces one after the other, without the planned silences: `[T]`."""
        return np.concatenate([piece.samples for piece in self.pieces])


def cut_clip(samples: Samples, rate: int, words: Sequence[Word], turn: Turn, grid: int = 1) -> SpokenClip:
    """Cut an engine's clip into the pieces of a turn.

    Args:
        samples: mono audio `[T]` at `rate` Hz.
        words: one for each word of `turn.text`, seconds from the start of `samples`.
        turn: gives the silences between words and, if it is interrupted, the word after which it breaks off.
        grid: pieces begin at multiples of this many samples; silences get longer for it.
    """
    audio = resample(samples, rate, SAMPLE_RATE)
    kept = words[: turn.cut_word]
    silences = {pause.after_word: pause.seconds for pause in turn.pauses if pause.after_word < len(kept)}
    bounds = [0, *sorted(silences), len(kept)]
    pieces: list[TurnPiece] = []
    clock = 0.0  # s on the clip where the next piece's first word starts, less its attack
    for first, last in itertools.pairwise(bounds):
        begin = _edge(words, first, len(audio), before=True)
        end = _edge(words, last, len(audio), before=False)
        is_cut = last == len(kept) < len(words)
        if is_cut:
            end = min(end, words[last - 1].end + CUT_FADE)
        if pieces:  # the planned silence runs from word end to word start
            clock = pieces[-1].words[-1].end + silences[first] - (words[first].start - begin)
        start = max(to_samples(clock), pieces[-1].start + len(pieces[-1].samples) if pieces else 0)
        start = -(-start // grid) * grid
        shift = start / SAMPLE_RATE - to_samples(begin) / SAMPLE_RATE
        sound = _faded(audio[to_samples(begin) : to_samples(end)], CUT_FADE if is_cut else EDGE_FADE)
        pieces.append(TurnPiece(start, sound, tuple(moved(word, shift) for word in words[first:last])))
    return SpokenClip(tuple(pieces))


def _edge(words: Sequence[Word], boundary: int, length: int, *, before: bool) -> float:
    """Where a piece begins (`before`) or ends, in seconds of the engine's clip: at most half-way into the silence."""
    left = words[boundary - 1].end if boundary else 0.0
    right = words[boundary].start if boundary < len(words) else length / SAMPLE_RATE
    middle = (left + max(right, left)) / 2
    outer = 0.0 if boundary == 0 else length / SAMPLE_RATE if boundary == len(words) else middle
    return max(right - ATTACK, outer) if before else min(left + RELEASE, outer)


def moved(word: Word, shift: float) -> Word:
    """A word `shift` seconds later."""
    return word.model_copy(update={"start": round(word.start + shift, 4), "end": round(word.end + shift, 4)})


def _faded(samples: Samples, release: float) -> Samples:
    """A copy that fades in over 4 ms and out over `release` seconds, so that no edge clicks."""
    faded = samples.astype(np.float32, copy=True)
    rise, fall = (min(to_samples(seconds), len(faded) // 2) for seconds in (EDGE_FADE, release))
    faded[:rise] *= np.linspace(0, 1, rise, endpoint=False, dtype=np.float32)
    if fall:
        faded[-fall:] *= np.linspace(1, 0, fall, dtype=np.float32)
    return faded


def spoken_turn(turn: Turn, clip: SpokenClip, onset: int, quality: UtteranceQuality | None = None) -> Turn:
    """The turn with its words on the recording's clock, the clip starting at sample `onset`."""
    words = tuple(moved(word, to_seconds(onset)) for word in clip.words)
    return turn.model_copy(update={"start": words[0].start, "end": words[-1].end, "words": words, "quality": quality})

"""Plans put on the clock without a voice: every word lasts about as long as its letters say.

Text without sound costs next to nothing: a model can read far more of it than it can hear (`agent train --unspoken`).
"""

from __future__ import annotations

import random

import numpy as np

from corpus.audio import FRAME_SAMPLES, SAMPLE_RATE, to_samples
from corpus.record import Dialogue, Turn, Word

from ..seeds import choices
from .clips import SpokenClip, cut_clip, spoken_turn
from .timeline import onsets

SECONDS_PER_WORD, SECONDS_PER_LETTER, DEVIATION = 0.0285, 0.0532, 0.05  # fitted to 400 words of the default voice
SHORTEST_WORD = 0.05  # s
BETWEEN_WORDS, AT_PUNCTUATION = 0.015, 0.28  # s
MARKS = ",.?!"
EDGE = 0.1  # s before the first word and after the last


def word_times(text: str, rate: float, rng: random.Random) -> tuple[Word, ...]:
    """A text's words as a voice might time them, in seconds, from `EDGE` on; `rate` is times the default voice's."""
    words, at = [], EDGE
    for word in text.split():
        length = SECONDS_PER_WORD + SECONDS_PER_LETTER * len(word.strip(MARKS)) + rng.gauss(0.0, DEVIATION)
        length = max(length, SHORTEST_WORD) / rate
        words.append(Word(text=word, start=round(at, 4), end=round(at + length, 4), source="proportional"))
        at += length + (AT_PUNCTUATION if word[-1] in MARKS else BETWEEN_WORDS) / rate
    return tuple(words)


def rehearse(plan: Dialogue, *, steady: bool = False) -> Dialogue:
    """The plan with times for its turns and words, as a recording of it would have; `steady` as in the recipe."""
    grids = {speaker.id: FRAME_SAMPLES if steady and speaker.role == "agent" else 1 for speaker in plan.speakers}
    rng = choices(plan.seed, "rehearse")
    clips = {turn.index: _clip(turn, plan.speaker(turn.speaker).rate, rng, grids[turn.speaker]) for turn in plan.turns}
    starts = onsets(plan, clips, FRAME_SAMPLES if steady else 1)
    turns = tuple(spoken_turn(turn, clips[turn.index], starts[turn.index]) for turn in plan.turns)
    return plan.model_copy(update={"turns": turns})


def _clip(turn: Turn, rate: float, rng: random.Random, grid: int) -> SpokenClip:
    words = word_times(turn.text, rate, rng)
    silence = np.zeros(to_samples(words[-1].end + EDGE), np.float32)
    return cut_clip(silence, SAMPLE_RATE, words, turn, grid)

"""Word times of a spoken clip: the engine's own, else forced alignment, else each word's share of the speech.

Whatever their source, the times are one per whitespace token, strictly increasing, inside the clip, and drawn in to
where there is energy, so that no word holds the silence next to it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from corpus.audio import Samples
from corpus.record import Word, WordSource

from .aligner import Aligner
from .forced import forced_spans

STEP = 0.005  # s, of the energy clock
_FEWEST_STEPS = 3  # of any sounding word
_SILENCE_DB = -70.0
_BELOW_SPEECH_DB = 40.0  # under the loud steps: silence
_ABOVE_FLOOR_DB = 10.0  # over the quietest step, in a noisy clip
_SILENT_SHARE = 0.1  # of a neighbour, for a word that makes no sound ("-")

Span = tuple[float, float]


def align(
    samples: Samples,
    rate: int,
    text: str,
    native: tuple[Word, ...] | None = None,
    language: str = "en",
    aligner: Aligner | None = None,
) -> tuple[Word, ...]:
    """Time the words of a clip.

    Args:
        samples: float32 `[T]`, the text spoken and nothing else.
        rate: Hz.
        text: what is said; its whitespace tokens are the words.
        native: the engine's own times, used as they are when given.
        language: ISO 639-1 code; English is forced without an aligner, others get their share of the speech.
        aligner: a model that knows the language, see `aligner`.

    Returns:
        One word per token, seconds within the clip; `source` says where its time comes from.

    Raises:
        ValueError: the text is blank, the clip is silent or too short for its words, or `native` has another count.
    """
    tokens = text.split()
    if not tokens:
        raise ValueError("cannot align a blank text")
    if native is not None:
        if len(native) != len(tokens):
            raise ValueError(f"the engine timed {len(native)} words of {len(tokens)} in {text!r}")
        return native
    start, end = speech_span(samples, rate)
    if end - start < 2 * _FEWEST_STEPS * STEP * len(tokens):
        raise ValueError(f"{end - start:.2f} s of speech cannot hold the {len(tokens)} words of {text!r}")
    if aligner is not None:
        spans = aligner.spans(samples, rate, tokens)
    else:
        spans = forced_spans(samples, rate, tokens) if language == "en" else None
    if spans is None:
        return timed(tokens, proportional(tokens, start, end), samples, rate, "proportional")
    return timed(tokens, spans, samples, rate, "forced")


def timed(
    tokens: Sequence[str], spans: Sequence[Span | None], samples: Samples, rate: int, source: WordSource
) -> tuple[Word, ...]:
    """Draw spans in to the clip's energy, give soundless tokens (None) a sliver of a neighbour, and make words."""
    sounding = [index for index, span in enumerate(spans) if span is not None]
    assert sounding, "no token has a span"
    fitted = _on_energy([span for span in spans if span is not None], Energy.of(samples, rate))
    out: list[Span | None] = [None] * len(tokens)
    for index, span in zip(sounding, fitted, strict=True):
        out[index] = span
    return words_of(tokens, out, source)


def words_of(tokens: Sequence[str], spans: Sequence[Span | None], source: WordSource) -> tuple[Word, ...]:
    """As `timed` where the clip is not made yet: the spans as they are, slivers for soundless tokens."""
    full = _with_slivers(list(spans))
    return tuple(
        Word(text=token, start=round(start, 4), end=round(end, 4), source=source)
        for token, (start, end) in zip(tokens, full, strict=True)
    )


def proportional(tokens: Sequence[str], start: float, end: float) -> list[Span]:
    """Share `start`..`end` seconds out among tokens by their letters and digits."""
    weights = np.array([2 + sum(character.isalnum() for character in token) for token in tokens], np.float64)
    edges = start + (end - start) * np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
    return [(float(a), float(b)) for a, b in pairwise(edges)]


@dataclass(frozen=True)
class Energy:
    """Energy of a clip in steps of 5 ms: step `i` is measured over 10 ms around its middle."""

    level: npt.NDArray[np.float64]  # dB per step
    speech: npt.NDArray[np.bool_]  # whether the step is speech, by its level

    @staticmethod
    def of(samples: Samples, rate: int) -> Energy:
        """Measure a clip, float32 `[T]` at `rate` Hz."""
        count = int(len(samples) / rate / STEP)
        window = round(2 * STEP * rate)
        power = np.concatenate([[0.0], np.cumsum(np.pad(samples.astype(np.float64), window) ** 2)])
        starts = np.round((np.arange(count) - 0.5) * STEP * rate).astype(np.int64) + window
        level = 10 * np.log10(np.maximum(power[starts + window] - power[starts], 0.0) / window + 1e-12)
        if not len(level):
            return Energy(level, np.zeros(0, np.bool_))
        loud, floor = float(np.percentile(level, 95)), float(level.min())
        threshold = max(loud - _BELOW_SPEECH_DB, min(floor + _ABOVE_FLOOR_DB, loud - _BELOW_SPEECH_DB / 2), _SILENCE_DB)
        return Energy(level, np.asarray(level > threshold, np.bool_))

    @property
    def span(self) -> Span:
        """First and last second with speech. A silent clip raises ValueError."""
        steps = np.flatnonzero(self.speech)
        if not len(steps):
            raise ValueError("the clip is silent")
        return float(steps[0] * STEP), float((steps[-1] + 1) * STEP)


def speech_span(samples: Samples, rate: int) -> Span:
    """First and last second with speech energy. A silent clip raises ValueError."""
    return Energy.of(samples, rate).span


def _on_energy(spans: Sequence[Span], energy: Energy) -> list[Span]:
    """Move the edges of spans onto the energy: out to the end of the sound they cut, in from the silence they hold.

    Two words in one stretch of sound meet at the quietest step between them.
    """
    speech, count = energy.speech, len(energy.level)
    edges = [(round(start / STEP), round(end / STEP)) for start, end in spans]
    out: list[Span] = []
    floor = 0
    for index, (first, last) in enumerate(edges):
        limit = count - _FEWEST_STEPS * (len(edges) - index - 1)  # room for the words to come
        following = min(edges[index + 1][0], limit) if index + 1 < len(edges) else count
        first = min(max(first, floor), limit - _FEWEST_STEPS)
        last = min(max(last, first + _FEWEST_STEPS), limit)
        ceiling = last + int(np.argmin(energy.level[last:following])) if limit < count and following > last else last
        ceiling = following if limit == count else ceiling
        while first > floor and speech[first - 1] and speech[first]:
            first -= 1
        while last < ceiling and speech[last] and speech[last - 1]:
            last += 1
        while last - first > _FEWEST_STEPS and not speech[first]:
            first += 1
        while last - first > _FEWEST_STEPS and not speech[last - 1]:
            last -= 1
        out.append((first * STEP, last * STEP))
        floor = max(last, ceiling)
    return out


def _with_slivers(spans: Sequence[Span | None]) -> list[Span]:
    """Give each None a small share at the end of the span before it, or at the start of the first one."""
    first = next(index for index, span in enumerate(spans) if span is not None)
    out: list[Span] = []
    index = first
    while index < len(spans):
        span = spans[index]
        assert span is not None, "runs of None are consumed with the span before them"
        run = next((n for n, later in enumerate(spans[index + 1 :]) if later is not None), len(spans) - index - 1)
        leading = first if index == first else 0
        out += _split(span, leading, run)
        index += 1 + run
    return out


def _split(span: Span, before: int, after: int) -> list[Span]:
    """A span as `before` slivers, the rest of it, and `after` slivers."""
    start, end = span
    width = (end - start) * min(_SILENT_SHARE, 0.5 / max(1, before + after))
    cuts = [start + width * number for number in range(before + 1)]
    return list(pairwise([*cuts, *(end - width * number for number in reversed(range(after + 1)))]))

"""What can go wrong with one request to an engine, as codes a run can count; and the checks every clip passes.

A failure is about one clip: the renderer tries again with another seed, then rejects the dialogue with the codes.
What no other seed can mend (a missing extra, a voice that cannot be cloned) is a plain ValueError and stops the run.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from typing import Literal

import numpy as np

from corpus.audio import Samples
from corpus.record import Word

from ..alignment.align import STEP, speech_span
from .protocol import Speech

MOST_FAILURES = 8  # requests in a row, after which a worker or a server is given up
FEWEST_STEPS = 6  # of the aligner's energy clock, of speech for each word: what it needs to place them

FailureCode = Literal[
    "timeout",  # no answer in time; a worker is killed for it
    "died",  # the worker's process ended
    "garbage",  # the answer is no JSON, no audio, or does not fit the protocol
    "refused",  # the engine says it cannot speak this
    "server",  # the server answered with an error, or not at all
    "not-finite",  # samples that are NaN or infinite
    "silent",  # no speech in the clip
    "short",  # less speech than its words can take
]


class EngineFailureError(ValueError):
    """One request that an engine failed.

    Attributes:
        code: the reason, for counting.
    """

    def __init__(self, code: FailureCode, message: str) -> None:
        super().__init__(f"{message} [{code}]")
        self.code: FailureCode = code


class FailuresInARow:
    """Counts the requests that an engine failed one after the other, and gives it up at `MOST_FAILURES`."""

    def __init__(self, engine: str) -> None:
        self._engine = engine
        self._count = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """Around one request. Raises ValueError in place of the last failure that is borne."""
        try:
            yield
        except EngineFailureError as error:
            self._count += 1
            if self._count >= MOST_FAILURES:
                raise ValueError(
                    f"engine {self._engine} failed {self._count} times in a row; the last: {error}"
                ) from None
            raise
        self._count = 0

    @property
    def given_up(self) -> bool:
        """Whether it failed as often as is borne."""
        return self._count >= MOST_FAILURES


def require_words(text: str) -> None:
    """Raise ValueError if a text holds nothing to say."""
    if not any(character.isalnum() for character in text):
        raise ValueError(f"nothing to say in {text!r}: write at least one word")


def checked(engine: str, samples: Samples, rate: int, text: str, words: Sequence[Word] | None = None) -> Speech:
    """An engine's raw clip as speech: mono, finite, within full scale, long enough for its words.

    Args:
        engine: its name, for the message.
        samples: `[T]`, any float type.
        rate: Hz.
        text: what it is to say.
        words: the engine's own times, if it has any.

    Raises:
        EngineFailureError: not-finite, silent, short, or garbage when `words` do not fit the text or the clip.
    """
    samples = np.ascontiguousarray(samples, np.float32)
    if samples.ndim != 1:
        raise EngineFailureError("garbage", f"engine {engine} gave audio of shape {samples.shape} for {text!r}")
    if not np.isfinite(samples).all():
        raise EngineFailureError("not-finite", f"engine {engine} gave samples that are not finite for {text!r}")
    try:
        start, end = speech_span(samples, rate)
    except ValueError:
        raise EngineFailureError("silent", f"engine {engine} gave silence for {text!r}") from None
    count = len(text.split())
    if end - start < FEWEST_STEPS * STEP * count:
        raise EngineFailureError("short", f"engine {engine} gave {end - start:.2f} s of speech for {text!r}")
    if words is not None:
        _check_words(engine, words, text, len(samples) / rate)
    samples = samples / np.float32(max(1.0, float(np.abs(samples).max())))
    return Speech(samples, rate, None if words is None else tuple(words))


def _check_words(engine: str, words: Sequence[Word], text: str, seconds: float) -> None:
    edges = [edge for word in words for edge in (word.start, word.end)]
    if [word.text for word in words] != text.split():
        raise EngineFailureError("garbage", f"engine {engine} timed other words than those of {text!r}")
    in_order = all(before <= after for before, after in pairwise(edges))
    if not in_order or edges[0] < 0 or edges[-1] > seconds or any(word.end <= word.start for word in words):
        raise EngineFailureError("garbage", f"engine {engine} gave word times out of order or of the clip for {text!r}")

"""A clause on its way to sound, shared between the lane that makes it and the frame that plays it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from corpus.audio import Samples

from ..parts import HeardWord, Voiced
from ..work import Job, Lane, Steps

NOTHING = np.zeros(0, np.float32)


class ClauseSound:
    """Grows in a lane; see `Voicing`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._voiced: Voiced | None = None
        self._job: Job | None = None

    def begin(self, lane: Lane, steps: Callable[[ClauseSound], Steps]) -> ClauseSound:
        """Queue its making; returns itself."""
        self._job = lane.submit(self._made(steps), self._failed)
        if self._job is None:
            self.end("the mouth is behind: too many clauses wait for it")
        return self

    def add(self, samples: Samples, words: Iterable[HeardWord]) -> None:
        """More sound, and the words whose times are known with it."""
        with self._lock:
            before = self._voiced or Voiced(NOTHING, (), False)
            self._voiced = Voiced(np.concatenate([before.samples, samples]), (*before.words, *words), False)

    def end(self, fault: str = "") -> None:
        """Nothing more comes."""
        with self._lock:
            before = self._voiced or Voiced(NOTHING, (), False)
            if not before.done:
                self._voiced = Voiced(before.samples, before.words, True, fault)

    def audio(self) -> Voiced | None:
        """See `Voicing.audio`."""
        return self._voiced

    def cancel(self) -> None:
        """See `Voicing.cancel`."""
        if self._job is not None:
            self._job.cancel()
        self.end()

    def _made(self, steps: Callable[[ClauseSound], Steps]) -> Iterator[object]:
        yield from steps(self)
        self.end()

    def _failed(self, error: Exception) -> None:
        self.end(f"the mouth failed: {' '.join(str(error).split())[:200] or type(error).__name__}")

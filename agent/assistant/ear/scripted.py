"""The ear `script:FILE`, for tests: it knows beforehand what will be said, and hears each word when it is over.

The file holds a JSON object a line: `{"text": "hello", "start": 0.4, "end": 0.7}`, seconds of the session's sound.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path

from corpus.audio import FRAME_SECONDS, Samples
from corpus.strict import load_lines

from ..parts import Encoded, Heard, HeardWord

LAG = 0.24  # s after its end that a word is heard


class ScriptedEar:
    """Hears the same words in every session.

    Args:
        name: as the user gave it.
        words: of the user, in order.
        lag: s after a word's end until it is heard.
    """

    def __init__(self, name: str, words: Sequence[HeardWord], lag: float = LAG) -> None:
        self.name, self._words, self._lag = name, tuple(words), lag

    def open(self) -> ScriptedEarStream:
        """See `Ear.open`."""
        return ScriptedEarStream(self._words, self._lag)


class ScriptedEarStream:
    """One session's ear; see `EarStream`."""

    def __init__(self, words: Sequence[HeardWord], lag: float) -> None:
        self._coming, self._lag = deque(words), lag
        self._phrase: list[HeardWord] = []
        self._number, self._frames = 0, 0
        self._results: deque[Heard] = deque()

    def push(self, frame: Samples) -> None:
        """See `EarStream.push`."""
        self._frames += 1
        now, known = self._now, len(self._phrase)
        while self._coming and self._coming[0].end + self._lag <= now:
            self._phrase.append(self._coming.popleft())
        if len(self._phrase) > known:
            self._tell(final=False)

    def phrase_ends(self, at: float) -> None:
        """See `EarStream.phrase_ends`; words that are over by then are heard at once."""
        while self._coming and self._coming[0].start < at:
            self._phrase.append(self._coming.popleft())
        self._tell(final=True)
        self._phrase, self._number = [], self._number + 1

    def results(self) -> list[Heard]:
        """See `EarStream.results`."""
        results = list(self._results)
        self._results.clear()
        return results

    def encoder_frames(self) -> Encoded | None:
        """None: there is no encoder."""
        return None

    def look(self, after: float) -> None:
        """See `EarStream.look`: this one hears frame by frame."""

    def close(self) -> None:
        """See `EarStream.close`."""
        self._coming.clear()
        self._results.clear()

    @property
    def _now(self) -> float:
        return round(self._frames * FRAME_SECONDS, 4)

    def _tell(self, *, final: bool) -> None:
        words = tuple(self._phrase)
        committed = len(words) if final else max(0, len(words) - 1)
        self._results.append(Heard(words, final, committed, self._number, self._now))


def read_script(name: str, path: Path) -> ScriptedEar:
    """The ear of a file. Raises ValueError with the line that is wrong."""
    return ScriptedEar(name, sorted(load_lines(path, HeardWord, "script"), key=lambda word: word.start))

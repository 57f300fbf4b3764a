"""The ear `own`: the words that the full-duplex model itself understands, told to it by the session that runs it."""

from __future__ import annotations

from collections import deque

from corpus.audio import FRAME_SECONDS, Samples

from ..parts import Encoded, Heard, HeardWord


class OwnEar:
    """Hands back what it is told; it works no more than that."""

    name = "own"

    def open(self) -> OwnEarStream:
        """See `Ear.open`."""
        return OwnEarStream()


class OwnEarStream:
    """One session's words; see `EarStream`. All words are committed: the model never takes one back."""

    def __init__(self) -> None:
        self._frames = self._phrase = 0
        self._words: list[HeardWord] = []
        self._results: deque[Heard] = deque()

    def hear(self, word: HeardWord) -> None:
        """The model has understood a word."""
        self._words.append(word)
        self._tell(tuple(self._words), final=False)

    def push(self, frame: Samples) -> None:
        """See `EarStream.push`; the model hears the frame by itself."""
        self._frames += 1

    def phrase_ends(self, at: float) -> None:
        """See `EarStream.phrase_ends`."""
        words = tuple(word for word in self._words if word.start < at)
        self._words = self._words[len(words) :]
        self._tell(words, final=True)
        self._phrase += 1
        if self._words:
            self._tell(tuple(self._words), final=False)

    def results(self) -> list[Heard]:
        """See `EarStream.results`."""
        results = list(self._results)
        self._results.clear()
        return results

    def encoder_frames(self) -> Encoded | None:
        """None: the model's own hearing is read elsewhere."""
        return None

    def look(self, after: float) -> None:
        """See `EarStream.look`: this one hears frame by frame."""

    def close(self) -> None:
        """See `EarStream.close`."""
        self._results.clear()

    def _tell(self, words: tuple[HeardWord, ...], *, final: bool) -> None:
        if self._results and not self._results[-1].final:
            self._results.pop()
        self._results.append(Heard(words, final, len(words), self._phrase, round(self._frames * FRAME_SECONDS, 4)))

"""What the ear has made of the user so far: the words still to be answered, and whether they are all there are."""

from __future__ import annotations

from .parts import Heard

GIVEN_UP = 0.8  # s after the voice's end, from when the words there are must do


class OpenPhrase:
    """The open phrase of one user. Times are seconds of his sound."""

    def __init__(self) -> None:
        self.words = ""
        self._phrase = 0  # the ear's number of it
        self._until = self._voice_end = self._now = 0.0

    @property
    def fresh(self) -> bool:
        """Whether the ear has listened to all of the voice so far, or has had the time to."""
        return self._until >= self._voice_end or self._now >= self._voice_end + GIVEN_UP

    def voice(self, voiced: bool, now: float) -> None:
        """The frame that ends now was the user's voice, or was not."""
        self._now = now
        if voiced:
            self._voice_end = now

    def take(self, heard: Heard) -> bool:
        """Take news of the ear; returns whether the words have changed."""
        if heard.phrase < self._phrase:
            return False  # of what was answered already
        self._until = max(self._until, heard.until)
        before, self.words = self.words, heard.text
        return self.words != before

    def forget(self) -> None:
        """The phrase was closed: what comes of it is not heard any more."""
        self._phrase += 1
        self.words = ""

"""An ear that decodes the open phrase again and again, for any recognizer that hears a whole phrase at once.

A look is due when a second of sound has come since the last one, one quiet frame after the voice, so that the words are
there when the floor makes up its mind, and when somebody asks for one (`look`): in noise no frame is quiet. Closing a
phrase whose last look heard all its voice costs nothing.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

from corpus.audio import FRAME_SECONDS, Samples

from ..parts import Encoded, Heard, HeardWord
from ..work import Job, Lane
from .agreement import Agreed, agree
from .phrase import Gate, PhraseSound, joined_frames, seconds

EVERY, PAUSE = 13, 1  # frames of sound between looks; quiet ones after which the voice has stopped
EVERY_SHARE = 0.2  # of the phrase's length, where that is longer
SETTLED = 25  # quiet frames after which what was heard is decided: 2 s
LONG = 190  # frames of a phrase, from which committed words are no longer decoded again: 15 s


@dataclass(frozen=True)
class Look:
    """What a recognizer made of a phrase's sound.

    Attributes:
        words: with times since the session's start.
        voice_end: s where the voice ends; None for no voice at all.
        encoded: its encoder's last frames, if it has such.
        fault: for the log.
    """

    words: tuple[HeardWord, ...]
    voice_end: float | None
    encoded: Encoded | None = None
    fault: str = ""


class PhraseRecognizer(Protocol):
    """Hears whole phrases; called in a lane's thread."""

    def look(self, sound: Samples, start: float, *, last: bool) -> Look:
        """The words of float32 `[T]` at 24 kHz, which begins at `start` s; `last` where none will look again."""
        ...

    def voice_end(self, sound: Samples, start: float) -> float | None:
        """The cheap part of `look`: where the voice ends."""
        ...


@dataclass
class _Phrase:
    number: int
    sound: PhraseSound
    agreed: Agreed = field(default_factory=Agreed)
    looked: int = 0  # frame up to which the last look heard
    looking: bool = False  # a look is queued or at work
    look: Job | None = None
    look_until: int = 0
    closing: bool = False
    at: float = 0.0  # s, where it was closed
    final: Heard | None = None
    last: Look = field(default_factory=lambda: Look((), None))


class PhraseStream:
    """One session's ear on a shared recognizer."""

    def __init__(self, recognizer: PhraseRecognizer, lane: Lane) -> None:
        self._recognizer, self._lane = recognizer, lane
        self._lock = threading.RLock()
        self._gate = Gate()
        self._phrase = _Phrase(0, PhraseSound(0))
        self._results: deque[Heard] = deque()
        self._closing: deque[_Phrase] = deque()  # closed ones whose final words are not told
        self._encoded: Encoded | None = None
        self._asked = -1  # a look is wanted that hears more than up to this frame
        self._closed = False

    def push(self, frame: Samples) -> None:
        """See `EarStream.push`."""
        with self._lock:
            phrase = self._phrase
            phrase.sound.hear(frame.copy(), self._gate.loud(frame))
            if not phrase.sound.is_open or phrase.looking:
                return
            new_voice = phrase.looked < phrase.sound.voice_end
            if phrase.looked <= self._asked or (new_voice and self._due(phrase)):
                self._submit(phrase)
            elif not new_voice and phrase.sound.quiet >= SETTLED:
                self._settle(phrase, phrase.sound.end)

    def phrase_ends(self, at: float) -> None:
        """See `EarStream.phrase_ends`."""
        with self._lock:
            phrase = self._phrase
            rest = phrase.sound.split(round(at / FRAME_SECONDS))
            self._phrase, self._asked = _Phrase(phrase.number + 1, rest, looked=rest.start), -1
            phrase.closing, phrase.at = True, at
            self._closing.append(phrase)
            if phrase.looked >= phrase.sound.voice_end:
                self._close(phrase)
                return
            if phrase.looking and phrase.look_until >= phrase.sound.voice_end:
                return  # the look at work heard all of it, and closes it
            if phrase.looking and phrase.look is not None:
                phrase.look.cancel()
            job = self._lane.submit(self._finally(phrase), lambda error: self._failed(phrase, error))
            if job is None:
                self._close(phrase, "the ear is behind: too much waits for it")

    def results(self) -> list[Heard]:
        """See `EarStream.results`."""
        with self._lock:
            results = list(self._results)
            self._results.clear()
            return results

    def encoder_frames(self) -> Encoded | None:
        """See `EarStream.encoder_frames`."""
        return self._encoded

    def look(self, after: float) -> None:
        """See `EarStream.look`; what it wants begins with the next frame, and hears that too."""
        with self._lock:
            phrase, frame = self._phrase, round(after / FRAME_SECONDS)
            heard = phrase.look_until if phrase.looking else phrase.looked
            self._asked = frame if heard <= frame else -1

    def close(self) -> None:
        """See `EarStream.close`."""
        with self._lock:
            self._closed = True
            if self._phrase.look is not None:
                self._phrase.look.cancel()

    def _due(self, phrase: _Phrase) -> bool:
        sound = phrase.sound
        every = max(EVERY, round(EVERY_SHARE * (sound.end - sound.start)))
        return sound.quiet >= PAUSE or sound.end - max(phrase.looked, sound.start) >= every

    def _submit(self, phrase: _Phrase) -> None:
        phrase.look_until, phrase.looking = phrase.sound.end, True
        frames, start = phrase.sound.frames(phrase.look_until), phrase.sound.start
        steps = self._looking(phrase, frames, start, phrase.look_until)
        phrase.look = self._lane.submit(steps, lambda error: self._failed(phrase, error))
        if phrase.look is None:
            phrase.looking = False  # the lane is full: the next frame asks again

    def _looking(self, phrase: _Phrase, frames: tuple[Samples, ...], start: int, until: int) -> Iterator[None]:
        try:
            look = self._recognizer.look(joined_frames(frames), seconds(start), last=False)
        finally:
            with self._lock:
                phrase.looking = False
        with self._lock:
            self._taken(phrase, look, start, until)
            if phrase.closing and phrase.looked >= phrase.sound.voice_end:
                self._close(phrase, look.fault)
        yield

    def _finally(self, phrase: _Phrase) -> Iterator[None]:
        """The last look at a closed phrase, if there was voice after the one before."""
        sound = phrase.sound
        if phrase.looked < sound.voice_end:
            frames, new = sound.frames(sound.end), max(phrase.looked, sound.start)
            recent = joined_frames(frames[new - sound.start :])
            if self._recognizer.voice_end(recent, seconds(new)) is not None:
                look = self._recognizer.look(joined_frames(frames), seconds(sound.start), last=True)
                with self._lock:
                    self._taken(phrase, look, sound.start, sound.end)
        with self._lock:
            self._close(phrase, phrase.last.fault)
        yield

    def _taken(self, phrase: _Phrase, look: Look, start: int, until: int) -> None:
        """A look is over; the lock is held."""
        phrase.looked, phrase.last = max(phrase.looked, until), look
        if self._closed:
            return
        if look.encoded is not None:
            self._encoded = look.encoded
        if look.fault:
            self._tell(phrase, look.fault)
            return
        if look.voice_end is None and not phrase.agreed.words:
            phrase.sound.forget_voice(until)
            return
        phrase.agreed = agree(phrase.agreed, look.words, seconds(start), seconds(until))
        if not phrase.closing:
            self._shorten(phrase)
            self._tell(phrase)  # be it only that nothing changed up to here

    def _shorten(self, phrase: _Phrase) -> None:
        """Stop decoding the beginning of a long phrase: from a gap between committed words on, half-way at best."""
        sound, agreed = phrase.sound, phrase.agreed
        if sound.end - sound.start < LONG:
            return
        middle = seconds((sound.start + sound.end) // 2)
        for word, after in zip(agreed.words[: agreed.committed], agreed.words[1 : agreed.committed + 1], strict=False):
            if word.end >= middle:
                sound.drop_before(int((word.end + after.start) / 2 / FRAME_SECONDS))
                return

    def _settle(self, phrase: _Phrase, at: int) -> None:
        """Nothing was said for long: what was heard stays as it is, and is not decoded with what will come."""
        agreed = phrase.agreed
        phrase.agreed = Agreed(agreed.words, len(agreed.words))
        phrase.sound.forget_voice(at)
        if phrase.agreed != agreed:
            self._tell(phrase)

    def _close(self, phrase: _Phrase, fault: str = "") -> None:
        words = tuple(word for word in phrase.agreed.words if word.start < phrase.at)
        phrase.final = Heard(words, True, len(words), phrase.number, phrase.at, fault)
        while self._closing and (final := self._closing[0].final) is not None:  # in order, whoever is ready first
            self._results.append(final)
            self._closing.popleft()

    def _tell(self, phrase: _Phrase, fault: str = "") -> None:
        if phrase.closing:
            return
        if self._results and not self._results[-1].final and not self._results[-1].fault:
            self._results.pop()  # nobody asked for it in time
        words, committed = phrase.agreed.words, phrase.agreed.committed
        self._results.append(Heard(words, False, committed, phrase.number, seconds(phrase.looked), fault))

    def _failed(self, phrase: _Phrase, error: Exception) -> None:
        """A look or the last one broke, in the lane's thread."""
        with self._lock:
            fault = f"the ear failed: {' '.join(str(error).split())[:200] or type(error).__name__}"
            if phrase.closing:
                self._close(phrase, fault)
            else:
                phrase.looked = phrase.look_until
                self._tell(phrase, fault)

"""What an importer finds: recordings with timed words, bare text or sound alone, and what may be done with them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audio import Samples, read
from ..interleave import TimedWord
from ..record import Event, Word, WordSource

BEYOND = "words beyond the audio, left out"
BAD_ROWS = "rows of words without text or length, left out"
CHANNELS = "channels after the first two, kept, though agent and user are the first two"
NO_AGENT = "recordings in which the left channel, the agent's, has no words"
OVERSHOOT = "recordings beyond full scale, scaled down"
REDACTED = "stretches of names and numbers covered by a beep"
TURN_SILENCE = 0.6  # s within one speaker's words from which a new turn begins

Words = tuple[Word, ...]
Aligner = Callable[[Samples, int, str], Words]  # mono audio, Hz, text -> a word per whitespace token
Hearer = Callable[[Samples, str | None], Sequence[Words]]  # `[T]` at 24 kHz, what is said if known -> turns
Redactor = Callable[[Sequence[Sequence[str]]], Sequence[Sequence[bool]]]  # words, by speaker -> which to cover


@dataclass(frozen=True)
class Rights:
    """What may be done with recordings, as whoever imports them states it. `language` is an ISO 639-1 code."""

    licence: str
    consent: str
    source: str
    language: str = "en"
    times: WordSource = "forced"  # who timed the words that are listed with times

    def __post_init__(self) -> None:
        missing = [name for name in ("licence", "consent", "source") if not getattr(self, name).strip()]
        if missing:
            options = " ".join(f"--{name} TEXT" for name in missing)
            raise ValueError(f"state the {' and the '.join(missing)} of these recordings: {options}")


@dataclass(frozen=True)
class Utterance:
    """One stretch of speech on a channel. Without `words`, its text is timed by an aligner within start..end (s)."""

    channel: int
    speaker: str  # its name in the source; may be empty
    text: str
    start: float
    end: float | None = None  # None: the end of the recording
    words: tuple[Word, ...] = ()
    event: Event = "turn"


@dataclass(frozen=True)
class Unheard:
    """A channel whose words nobody has timed: they are heard, by what is said there if that is written."""

    channel: int
    text: str | None = None


@dataclass(frozen=True)
class Recording:
    """One recording of a source, by the name it has there. `read` gives float32 `[C, T]` at 24 kHz."""

    name: str
    read: Callable[[], Samples]
    utterances: tuple[Utterance, ...]
    bad_rows: int = 0  # words that were listed without text or without length
    unheard: tuple[Unheard, ...] = ()


@dataclass(frozen=True)
class Treatment:
    """What is done with recordings on the way into a corpus.

    Attributes:
        align: times the words of text that has no times.
        hear: finds the words of a channel.
        redact: says which words nobody may hear or read.
        lufs: loudness every channel is brought to; None leaves it.
    """

    align: Aligner | None = None
    hear: Hearer | None = None
    redact: Redactor | None = None
    lufs: float | None = None


@dataclass(frozen=True)
class Unreadable:
    """Something of a source that is no usable recording, and why."""

    name: str
    why: str


@dataclass(frozen=True)
class Remark:
    """Something of a recording that was taken otherwise than it stands there: what, and how many of it."""

    name: str
    what: str
    count: int


Importer = Callable[[Path, Rights], Iterator[Recording | Unreadable]]


def file_audio(path: Path) -> Callable[[], Samples]:
    """Reads a file when called; raises ValueError then if it cannot be read."""
    return lambda: read(path)


def usable_rows(words: Iterable[TimedWord]) -> list[TimedWord]:
    """The rows that have a text and a length."""
    return [word for word in words if word.text.strip() and word.start < word.end]


def utterances_of(words: Iterable[TimedWord], channel: int, speaker: str, source: WordSource) -> list[Utterance]:
    """Timed words of one channel as turns, split where the speaker is silent for 0.6 s. Bad rows are left out."""
    rows = sorted(usable_rows(words), key=lambda word: (word.start, word.end))
    return [utterance_of(turn, channel, speaker) for turn in turns_of([_split(row, source) for row in rows])]


def turns_of(rows: Iterable[Sequence[Word]]) -> list[Words]:
    """Rows of a word or more, in order of time, as turns: split where there is silence for 0.6 s."""
    turns: list[list[Word]] = []
    for row in rows:
        if not turns or row[0].start - turns[-1][-1].end >= TURN_SILENCE:
            turns.append([])
        turns[-1] += row
    return [tuple(turn) for turn in turns]


def shifted(words: Words, seconds: float) -> Words:
    """Words of a stretch that begins so many seconds into a recording, by the recording's clock."""
    return tuple(
        word.model_copy(update={"start": round(word.start + seconds, 4), "end": round(word.end + seconds, 4)})
        for word in words
    )


def utterance_of(turn: Words, channel: int, speaker: str) -> Utterance:
    """A turn of timed words as an utterance."""
    return Utterance(channel, speaker, " ".join(word.text for word in turn), turn[0].start, turn[-1].end, turn)


def _split(row: TimedWord, source: WordSource) -> list[Word]:
    """One word per whitespace token: a row of several shares its time evenly."""
    tokens = row.text.split()
    edges = np.linspace(row.start, row.end, len(tokens) + 1)
    return [
        Word(text=token, start=round(float(start), 4), end=round(float(end), 4), source=source)
        for token, start, end in zip(tokens, edges[:-1], edges[1:], strict=True)
    ]

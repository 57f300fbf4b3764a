"""What an importer finds: recordings with timed words or bare text, and how one becomes a dialogue.

The left channel is the agent's and the right the user's. A recording of one channel is the agent's; the user is silent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..audio import SAMPLE_RATE, Samples, read, to_samples
from ..interleave import TimedWord
from ..record import AGENT_CHANNEL, USER_CHANNEL, Dialogue, Event, Role, Speaker, Turn, Voice, Word, WordSource

BEYOND = "words beyond the audio, left out"
BAD_ROWS = "rows of words without text or length, left out"
CHANNELS = "channels after the first two, kept, though agent and user are the first two"
NO_AGENT = "recordings in which the left channel, the agent's, has no words"
TURN_SILENCE = 0.6  # s within one speaker's words from which a new turn begins

Aligner = Callable[[Samples, int, str], tuple[Word, ...]]  # mono audio, Hz, text -> a word per whitespace token


@dataclass(frozen=True)
class Rights:
    """What may be done with recordings, as whoever imports them states it. `language` is an ISO 639-1 code."""

    licence: str
    consent: str
    source: str
    language: str = "en"
    times: WordSource = "forced"  # who timed the words that are listed with times

    def __post_init__(self) -> None:
        for name in ("licence", "consent", "source"):
            if not getattr(self, name).strip():
                raise ValueError(f"say what the recordings' {name} is: --{name} TEXT")


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
class Recording:
    """One recording of a source, by the name it has there. `read` gives float32 `[C, T]` at 24 kHz."""

    name: str
    read: Callable[[], Samples]
    utterances: tuple[Utterance, ...]
    bad_rows: int = 0  # words that were listed without text or without length


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
    kept = usable_rows(words)
    turns: list[list[Word]] = []
    for row in sorted(kept, key=lambda word: (word.start, word.end)):
        if not turns or row.start - turns[-1][-1].end >= TURN_SILENCE:
            turns.append([])
        turns[-1] += _split(row, source)
    return [
        Utterance(channel, speaker, " ".join(word.text for word in turn), turn[0].start, turn[-1].end, tuple(turn))
        for turn in turns
    ]


def as_dialogue(
    recording: Recording, id: str, number: int, rights: Rights, align: Aligner | None
) -> tuple[Dialogue, Samples, tuple[Remark, ...]]:
    """A recording as a dialogue without audio entry, its audio `[2 or more, T]` at 24 kHz, and what is to be told.

    Raises:
        ValueError: no audio, no words, a word outside the audio, or text without times and no aligner.
    """
    audio = recording.read()
    if len(audio) == 1:
        audio = np.concatenate([audio, np.zeros_like(audio)])
    seconds = audio.shape[1] / SAMPLE_RATE
    spoken = []
    beyond = 0
    for utterance in recording.utterances:
        if utterance.channel >= len(audio):
            raise ValueError(f"its words name channel {utterance.channel}, its audio has {len(audio)}")
        words = utterance.words or _aligned(utterance, audio[utterance.channel], align)
        fitting = tuple(word for word in (_clipped(word, seconds) for word in words) if word.start < word.end)
        beyond += len(words) - len(fitting)
        if fitting:
            spoken.append((utterance, fitting))
    if not spoken:
        raise ValueError("it holds no words")
    spoken.sort(key=lambda pair: (pair[1][0].start, pair[0].channel))
    ids, speakers = _speakers((utterance for utterance, _ in spoken), recording.name, rights)
    turns = tuple(
        Turn(
            index=index,
            speaker=ids[utterance.channel, utterance.speaker],
            event=utterance.event,
            text=" ".join(word.text for word in words),
            start=words[0].start,
            end=max(word.end for word in words),
            words=words,
        )
        for index, (utterance, words) in enumerate(spoken)
    )
    dialogue = Dialogue(id=id, seed=number, language=rights.language, timing="recorded", speakers=speakers, turns=turns)
    silent_agent = all(utterance.channel != AGENT_CHANNEL for utterance, _ in spoken)
    found = (
        (BEYOND, beyond),
        (BAD_ROWS, recording.bad_rows),
        (CHANNELS, len(audio) - 2),
        (NO_AGENT, int(silent_agent)),
    )
    return dialogue, audio, tuple(Remark(recording.name, what, count) for what, count in found if count > 0)


def _speakers(
    utterances: Iterable[Utterance], name: str, rights: Rights
) -> tuple[dict[tuple[int, str], str], tuple[Speaker, ...]]:
    """Ids by channel and source name: the first of the left channel is the agent, of the right the user."""
    ids: dict[tuple[int, str], str] = {}
    first: dict[int, tuple[Role, str]] = {AGENT_CHANNEL: ("agent", "agent"), USER_CHANNEL: ("user", "user")}
    speakers = []
    for utterance in utterances:
        key = utterance.channel, utterance.speaker
        if key in ids:
            continue
        role, id = first.pop(utterance.channel, ("other", f"other{len(ids)}"))
        ids[key] = id
        voice = Voice(
            id=_voice_id(utterance, name),
            kind="recorded",
            engine="",
            licence=rights.licence,
            source=f"{rights.source}: {name}",
            consent=rights.consent,
        )
        speakers.append(Speaker(id=id, role=role, channel=utterance.channel, voice=voice))
    for channel, (role, id) in first.items():  # whoever says nothing still has a place
        speakers.append(Speaker(id=id, role=role, channel=channel))
    return ids, tuple(sorted(speakers, key=lambda speaker: (speaker.channel, speaker.id)))


def _voice_id(utterance: Utterance, name: str) -> str:
    raw = utterance.speaker or f"{name}-{utterance.channel}"
    return re.sub(r"[^A-Za-z0-9_-]+", "-", raw).strip("-") or "unnamed"


def _split(row: TimedWord, source: WordSource) -> list[Word]:
    """One word per whitespace token: a row of several shares its time evenly."""
    tokens = row.text.split()
    edges = np.linspace(row.start, row.end, len(tokens) + 1)
    return [
        Word(text=token, start=round(float(start), 4), end=round(float(end), 4), source=source)
        for token, start, end in zip(tokens, edges[:-1], edges[1:], strict=True)
    ]


def _aligned(utterance: Utterance, channel: Samples, align: Aligner | None) -> tuple[Word, ...]:
    if align is None:
        raise ValueError("its words have no times and there is no aligner")
    first = to_samples(utterance.start)
    last = len(channel) if utterance.end is None else to_samples(utterance.end)
    words = align(channel[first:last], SAMPLE_RATE, utterance.text)
    shift = first / SAMPLE_RATE
    return tuple(
        word.model_copy(update={"start": round(word.start + shift, 4), "end": round(word.end + shift, 4)})
        for word in words
    )


def _clipped(word: Word, seconds: float) -> Word:
    """A word inside the audio: manifests round their times."""
    return word.model_copy(update={"start": max(word.start, 0.0), "end": min(word.end, round(seconds, 4))})

"""People by name: their recordings cut into phrases where they pause, and stretches of phrases to be said in a turn."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np

from corpus.audio import SAMPLE_RATE, Samples, gain_to, read_mono, to_samples
from corpus.record import RecordedSpan, Voice, Word
from corpus.timing import MIN_SILENCE

from ...engines.protocol import Speech
from .clips import PersonClip, read_clips
from .settings import RecordedSettings
from .words import TimedClip, kept

ENGINE = "recording"  # of a voice that no engine made
LEVEL = -23.0  # LUFS to which every recording is brought: people recorded themselves at any level
AROUND = 0.25  # s of a recording kept around a stretch, at most half-way to the next word
SENTENCE_MARKS, MARKS = ".?!", ".,;:?!"
_QUOTES = "\"'“”‘’«»()[]-–—…"


@dataclass(frozen=True)
class PhrasedClip:
    """A recording as phrases: stretches of words between two pauses. Phrase `i` is `words[bounds[i] : bounds[i+1]]`."""

    clip: PersonClip
    words: tuple[Word, ...]
    bounds: tuple[int, ...]

    @classmethod
    def of(cls, clip: PersonClip, words: Sequence[Word]) -> PhrasedClip:
        """Cut where the speaker is silent for 0.2 s or more."""
        pauses = [
            index for index, (one, other) in enumerate(pairwise(words), 1) if other.start - one.end >= MIN_SILENCE
        ]
        return cls(clip, tuple(words), (0, *pauses, len(words)))

    def text(self, first: int, last: int) -> str:
        """Phrases `first` to before `last` as a turn's text: punctuation stands where the speaker pauses."""
        phrases = []
        for start, end in pairwise(self.bounds[first : last + 1]):
            bare = [word.text.strip(MARKS + _QUOTES) or word.text for word in self.words[start:end]]
            mark = next((sign for sign in reversed(self.words[end - 1].text) if sign in MARKS), ",")
            phrases.append(" ".join(bare) + (mark if mark in SENTENCE_MARKS else ","))
        said = " ".join(phrases)
        return said if said[-1] in SENTENCE_MARKS else f"{said[:-1]}."

    def span(self, first: int, last: int) -> RecordedSpan:
        """Where those phrases are in the recording, from the first word's start to the last word's end."""
        words = self.words[self.bounds[first] : self.bounds[last]]
        return RecordedSpan(path=self.clip.path, start=words[0].start, end=words[-1].end)


@dataclass(frozen=True)
class Stretch:
    """Phrases `first` to before `last` of recording `clip` of a person, and how many words they hold."""

    clip: int
    first: int
    last: int
    words: int


@dataclass(frozen=True)
class Person:
    """One speaker, and all that was recorded of them."""

    voice: Voice
    recordings: tuple[PhrasedClip, ...]

    @cached_property
    def stretches(self) -> tuple[Stretch, ...]:
        """Every run of phrases in every recording."""
        return tuple(
            Stretch(number, first, last, clip.bounds[last] - clip.bounds[first])
            for number, clip in enumerate(self.recordings)
            for first in range(len(clip.bounds) - 1)
            for last in range(first + 1, len(clip.bounds))
        )

    @cached_property
    def vocabulary(self) -> int:
        """Words of all recordings that say something different: a phrase said a hundred times counts once."""
        return sum(len(text.split()) for text in {_plain(clip.words) for clip in self.recordings})


@dataclass(frozen=True)
class People:
    """Everyone recorded, by name. `root` is the folder that recordings' paths are relative to."""

    root: Path
    persons: tuple[Person, ...]

    @cached_property
    def digest(self) -> str:
        """sha256 of who says what when: what plans are made of, wherever the files lie."""
        digest = hashlib.sha256()
        for person in self.persons:
            for phrases in person.recordings:
                times = [(word.text, word.start, word.end) for word in phrases.words]
                digest.update(repr((person.voice.model_dump(), phrases.clip.path, times)).encode())
        return digest.hexdigest()

    @cached_property
    def _recordings(self) -> dict[str, PhrasedClip]:
        return {phrased.clip.path: phrased for person in self.persons for phrased in person.recordings}

    def speech(self, span: RecordedSpan, text: str) -> Speech:
        """The sound of a stretch, its words told as `text` writes them.

        Raises:
            ValueError: the recording is not there any more, or is not what it was.
        """
        phrased = self._recordings.get(span.path)
        words = [word for word in phrased.words if span.start <= word.start and word.end <= span.end] if phrased else []
        tokens = text.split()
        if phrased is None or len(words) != len(tokens):
            raise ValueError(f"{span.path} of the users' recordings is not what it was when the dialogue was planned")
        index = phrased.words.index(words[0])
        before = phrased.words[index - 1].end if index else 0.0
        after = index + len(words)
        samples = read_levelled(self.root / span.path)
        following = phrased.words[after].start if after < len(phrased.words) else len(samples) / SAMPLE_RATE
        begin = max(span.start - AROUND, (before + span.start) / 2)
        end = min(span.end + AROUND, (following + span.end) / 2)
        moved = tuple(
            Word(text=token, start=round(word.start - begin, 4), end=round(word.end - begin, 4), source=word.source)
            for token, word in zip(tokens, words, strict=True)
        )
        return Speech(samples[to_samples(begin) : to_samples(end)], SAMPLE_RATE, moved)


@lru_cache(maxsize=16)
def read_levelled(path: Path) -> Samples:
    """A recording at 24 kHz `[T]`, brought to the level of all."""
    samples = read_mono(path)
    gain = min(gain_to(samples, LEVEL), 0.99 / max(float(np.abs(samples).max()), 1e-6))
    return np.asarray(samples * np.float32(gain), np.float32)


def load_people(settings: RecordedSettings, language: str) -> People:
    """Everyone whose recordings are timed, on the side of the split that is asked for.

    Raises:
        ValueError: nothing is prepared, a held-out name is nobody's, or nobody is left.
    """
    stamps = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in _files(settings))
    return _load(settings, language, stamps)


def _files(settings: RecordedSettings) -> list[Path]:
    """The files that decide who is there."""
    names = (settings.recordings, settings.transcripts, settings.held_out)
    return [settings.kept, *(Path(name) for name in names if name)]


@lru_cache(maxsize=2)  # a recipe is written out again and again, each time with the digest of its people
def _load(settings: RecordedSettings, language: str, stamps: tuple[int, ...]) -> People:
    root, clips = read_clips(settings, language)
    known = kept(settings.kept)
    by_speaker: dict[str, list[tuple[PersonClip, TimedClip]]] = {}
    for clip in clips:
        timed = known.get(clip.path)
        if timed is None:
            raise ValueError(
                f"{clip.path} is not timed in {settings.kept} yet; synth plan --hours 0.01 --recipe FILE does that"
            )
        if timed.words:
            by_speaker.setdefault(clip.speaker, []).append((clip, timed))
    held = _held_out(settings, {clip.speaker for clip in clips})
    keeps = {None: lambda name: True, "train": lambda name: name not in held, "evaluation": held.__contains__}
    persons = [_person(name, timed) for name, timed in sorted(by_speaker.items()) if keeps[settings.side](name)]
    if not persons:
        side = f" for {settings.side}" if settings.side else ""
        raise ValueError(f"{settings.recordings} holds nobody{side} whose words could be timed")
    return People(root, tuple(persons))


def _held_out(settings: RecordedSettings, names: set[str]) -> frozenset[str]:
    if not settings.held_out:
        return frozenset()
    path = Path(settings.held_out)
    try:
        held = {line.strip() for line in path.read_text(encoding="utf-8-sig").splitlines()} - {""}
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read users.held_out {path}: {error}") from None
    unknown = sorted(held - names)
    if len(unknown) == len(held):
        raise ValueError(f"{path}: none of its names is a speaker of {settings.recordings}")
    return frozenset(held)


def _person(name: str, timed: Sequence[tuple[PersonClip, TimedClip]]) -> Person:
    clips = [clip for clip, _ in timed]
    voice = Voice(
        id=name,
        kind="recorded",
        engine=ENGINE,
        licence=", ".join(dict.fromkeys(clip.licence for clip in clips)),
        source=", ".join(dict.fromkeys(clip.source for clip in clips)),
        consent=", ".join(dict.fromkeys(clip.consent for clip in clips)),
    )
    return Person(voice, tuple(PhrasedClip.of(clip, spoken.words) for clip, spoken in timed))


def _plain(words: Sequence[Word]) -> str:
    return " ".join(word.text.strip(MARKS + _QUOTES).lower() for word in words)

"""Who says what: utterances and their words, out of corpora of ours and of recorded people."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from corpus.audio import FRAME_RATE, SAMPLE_RATE, Samples, read, to_samples
from corpus.reader import Corpus
from corpus.record import USER_CHANNEL, Word
from synth.alignment.pronounce import spoken_words

from ..hearing.config import OUT, SYMBOLS
from ..listener.recordings import ClipWord, TurnClip

AROUND = 0.15  # s of a recording that are kept before and after an utterance
LONGEST = 12.0  # s of an utterance
QUIETEST = 1e-4  # peak of a sound that holds anything
JOINED = 0.6  # s: words that lie closer belong to one utterance
ENGLISH = re.compile(r"[a-z' ]+")
HYPHEN = re.compile(r"[-–—/]")
NUMBER = re.compile(r"^\W*\d{1,6}\W*$")


@dataclass(frozen=True)
class Saying:
    """Some words of one speaker."""

    sound: NDArray[np.int16]  # [n] at 24 kHz
    words: tuple[tuple[str, float, float], ...]  # as the recognizer writes them, with seconds from its beginning
    source: str

    @property
    def text(self) -> str:
        """The words with single spaces: lower case, letters and apostrophes."""
        return " ".join(text for text, _, _ in self.words)

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return len(self.sound) / SAMPLE_RATE

    def samples(self) -> Samples:
        """The sound as float32."""
        return np.asarray(self.sound / np.float32(32768), np.float32)


def written(words: Sequence[str]) -> str | None:
    """Words as the recognizer writes them, numbers spelled out; None where that cannot be done."""
    parts = [part for word in words for part in HYPHEN.split(word)]
    if any(character.isdigit() for part in parts for character in NUMBER.sub("", part)):
        return None  # "2nd", "3.5", "1,000,000": said in more ways than one
    text = " ".join(" ".join(spoken_words(part)) for part in parts)
    text = " ".join(text.split())
    return text if text and ENGLISH.fullmatch(text) else None


def fits(text: str, seconds: float) -> bool:
    """Whether an utterance is neither too long nor said so fast that its letters find no place."""
    doubled = sum(a == b for a, b in pairwise(text))
    return 0.3 < seconds <= LONGEST and len(text) + doubled < FRAME_RATE * OUT * seconds * 0.95


def of_people(clips: Sequence[TurnClip]) -> Iterator[Saying]:
    """What recorded people say in English, cut like the users of a corpus."""
    for clip in clips:
        yield from _utterances(clip.sound, clip.words, clip.recording.source)


def of_corpus(corpus: Corpus, channels: Sequence[int] = (USER_CHANNEL,)) -> Iterator[Saying]:
    """What the users of a corpus say, or the speakers of other channels, cut where they are silent for a while."""
    for dialogue in corpus:
        sound = read(corpus.audio_path(dialogue))
        for channel in channels:
            yield from _utterances(sound[channel], dialogue.words(channel), corpus.directory.name)


def _utterances(sound: Samples, words: Sequence[ClipWord | Word], source: str) -> Iterator[Saying]:
    group: list[ClipWord | Word] = []
    for word in [*words, None]:
        if group and (word is None or word.start - group[-1].end > JOINED or word.end - group[0].start > LONGEST - 0.5):
            yield from _cut(sound, group, source)
            group = []
        if word is not None:
            group.append(word)


def _cut(channel: Samples, group: Sequence[ClipWord | Word], source: str) -> Iterator[Saying]:
    begin = max(0, to_samples(group[0].start - AROUND))
    sound = channel[begin : to_samples(group[-1].end + AROUND)]
    words = []
    for word in group:
        text = written([word.text])
        if text is None and any(character.isalnum() for character in word.text):
            return  # what cannot be written would be unheard
        if text is not None:
            words.append((text, word.start - begin / SAMPLE_RATE, word.end - begin / SAMPLE_RATE))
    level = float(np.abs(sound).max()) if len(sound) else 0.0
    if level > QUIETEST and words and fits(" ".join(text for text, _, _ in words), len(sound) / SAMPLE_RATE):
        yield Saying((sound / level * 0.5 * 32767).astype(np.int16), tuple(words), source)


def symbols(text: str) -> list[int]:
    """Ids of a text's letters."""
    return [SYMBOLS.index(letter) for letter in text]

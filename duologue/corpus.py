"""A corpus as a sequence: dialogues by number, each with its sound and its words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import overload

from corpus.audio import SAMPLE_RATE, Samples
from corpus.reader import Corpus
from corpus.record import Dialogue

from .words import SpokenWord


def load_corpus(directory: str | Path) -> LoadedCorpus:
    """Open a corpus that `synth generate` or `synth import` wrote; sound is read when it is asked for.

    Raises ValueError when the directory holds no corpus, an empty or a broken one.
    """
    corpus = Corpus(directory)
    if not len(corpus):
        raise ValueError(f"{directory} is an empty corpus: the command that writes it, given again, fills it")
    return LoadedCorpus(corpus)


@dataclass(frozen=True)
class LoadedDialogue:
    """One dialogue of a corpus; `record` holds all that is known of it (see `corpus.record`)."""

    record: Dialogue
    path: Path  # of its sound
    _corpus: Corpus

    @property
    def id(self) -> str:
        """Its name in the corpus."""
        return self.record.id

    @property
    def language(self) -> str:
        """Two letters."""
        return self.record.language

    @property
    def seconds(self) -> float:
        """How long it lasts."""
        return self.record.audio.duration if self.record.audio else 0.0

    @property
    def sample_rate(self) -> int:
        """Hz, of `audio`."""
        return SAMPLE_RATE

    @cached_property
    def audio(self) -> Samples:
        """Its sound, float32 `[2, T]` at 24 kHz: channel 0 the agent, 1 the user. Raises ValueError if unreadable."""
        return self._corpus.audio(self.record)

    @cached_property
    def words(self) -> tuple[SpokenWord, ...]:
        """Every word of both sides, by start time."""
        spoken = [
            SpokenWord(word.text, word.start, word.end, turn.speaker, self.record.channel(turn))
            for turn in self.record.turns
            for word in turn.words
        ]
        return tuple(sorted(spoken, key=lambda word: (word.start, word.end)))

    @property
    def text(self) -> str:
        """What is said, a line for every turn: `agent: Hello there.`"""
        return "\n".join(f"{turn.speaker}: {turn.spoken_text}" for turn in self.record.turns)

    def __repr__(self) -> str:
        return f"<dialogue {self.id}: {self.seconds:.1f} s, {len(self.words)} words, {self.language}>"


class LoadedCorpus(Sequence[LoadedDialogue]):
    """The dialogues of a corpus in order; `corpus[0]`, slices, `len`, and iteration shard by shard."""

    def __init__(self, corpus: Corpus) -> None:
        self.corpus = corpus

    @property
    def hours(self) -> float:
        """Of sound."""
        return self.corpus.seconds / 3600

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Two letters each, in order of the alphabet. Read once."""
        return tuple(sorted({dialogue.language for dialogue in self.corpus}))

    @cached_property
    def speakers(self) -> tuple[str, ...]:
        """Who speaks in it, by the ids of their voices; agent, user or other where none is known. Read once."""
        spoken = (speaker for dialogue in self.corpus for speaker in dialogue.speakers)
        return tuple(sorted({speaker.voice.id if speaker.voice else speaker.id for speaker in spoken}))

    @cached_property
    def _ids(self) -> list[str]:
        return self.corpus.ids()

    def __len__(self) -> int:
        return len(self.corpus)

    @overload
    def __getitem__(self, index: int) -> LoadedDialogue: ...
    @overload
    def __getitem__(self, index: slice) -> list[LoadedDialogue]: ...
    def __getitem__(self, index: int | slice) -> LoadedDialogue | list[LoadedDialogue]:
        """A dialogue by its number, or several; beyond the last raises IndexError."""
        if isinstance(index, slice):
            return [self._of(self.corpus.get(id)) for id in self._ids[index]]
        return self._of(self.corpus.get(self._ids[index]))

    def __iter__(self) -> Iterator[LoadedDialogue]:
        return map(self._of, self.corpus)

    def __repr__(self) -> str:
        languages = ", ".join(self.languages) or "no language"
        counts = f"{self.hours:.2f} hours, {len(self)} dialogues, {len(self.speakers)} speakers"
        return f"<corpus {self.corpus.directory}: {counts}, {languages}>"

    def _of(self, record: Dialogue) -> LoadedDialogue:
        return LoadedDialogue(record, self.corpus.audio_path(record), self.corpus)

"""Recordings with word lists, as moshi-finetune and J-Moshi lay them out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ..interleave import TimedWord
from ..layouts import BadLine, detect, items, read_words
from ..manifest import MAIN_SPEAKER
from ..record import AGENT_CHANNEL, USER_CHANNEL
from .recordings import Recording, Rights, Unreadable, Utterance, file_audio, usable_rows, utterances_of


def recordings(source: Path, rights: Rights) -> Iterator[Recording | Unreadable]:
    """Every recording of a source. Raises ValueError when it is of neither layout."""
    corpus = detect(source)
    for item in items(corpus):
        if isinstance(item, BadLine):
            yield Unreadable(f"{item.manifest.name}:{item.number}", item.why)
            continue
        name = item.audio.relative_to(corpus.root).with_suffix("").as_posix()
        try:
            words = read_words(item, corpus.layout)
            bad = len(words) - len(usable_rows(words))
            yield Recording(name, file_audio(item.audio), tuple(_utterances(words, rights)), bad)
        except ValueError as error:
            yield Unreadable(name, str(error))


def _utterances(words: Sequence[TimedWord], rights: Rights) -> Iterator[Utterance]:
    for channel in (AGENT_CHANNEL, USER_CHANNEL):
        own = [word for word in words if (word.speaker == MAIN_SPEAKER) == (channel == AGENT_CHANNEL)]
        yield from utterances_of(own, channel, "", rights.times)

"""Word errors of a recognizer, frame by frame as it hears live, and how late its words come."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from codec.metrics import word_errors
from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Samples, to_samples
from corpus.reader import Corpus

from ..hearing.recognizer import WordRecognizer
from ..listener.collection import Collection
from ..listener.recordings import clips, read_recordings
from ..listener.report import condition
from .material import Saying, of_corpus, of_people

BEFORE, AFTER = 0.5, 1.2  # s of silence around an utterance


@dataclass(frozen=True)
class Dictated:
    """What was said, what was written down, and when."""

    said: str
    heard: str
    late: float | None  # s from the utterance's end until its last word was given out; None where nothing was heard


@dataclass(frozen=True)
class DictationFigures:
    """Of one source under one condition."""

    source: str
    condition: str
    utterances: int
    words: int
    errors: float  # share of the words
    late: float  # s, median


@dataclass(frozen=True)
class DictationReport:
    """All figures."""

    figures: tuple[DictationFigures, ...]

    def as_json(self) -> list[dict[str, Any]]:
        """Plain numbers."""
        return [asdict(each) for each in self.figures]

    def text(self) -> str:
        """A line for each."""
        return "\n".join(
            f"{each.source}, {each.condition}: {100 * each.errors:.1f} % of {each.words} words wrong, "
            f"the last one told {each.late:.2f} s after the end ({each.utterances} utterances)"
            for each in self.figures
        )


def dictate(recognizer: WordRecognizer, sound: Samples, said: str = "") -> Dictated:
    """Hear an utterance, float32 `[T]` at 24 kHz, in an otherwise silent room."""
    start = to_samples(BEFORE)
    frames = -(-(start + len(sound) + to_samples(AFTER)) // FRAME_SAMPLES)
    padded = np.zeros(frames * FRAME_SAMPLES, np.float32)
    padded[start : start + len(sound)] = sound
    state, words, last = recognizer.init_state(), list[str](), None
    for index, frame in enumerate(padded.reshape(-1, FRAME_SAMPLES)):
        heard, state = recognizer.step(frame, state)
        words += [word.text for word in heard]
        last = index if heard else last
    end = BEFORE + len(sound) / SAMPLE_RATE
    return Dictated(said, " ".join(words), None if last is None else (last + 1) * FRAME_SECONDS - end)


def judge_dictation(
    model: str | Path,
    corpora: Sequence[Path],
    collection: Collection | None,
    part: str | None,
    conditions: Sequence[str],
    count: int,
    progress: Callable[[Dictated], None] = lambda _: None,
) -> DictationReport:
    """Dictate the users of corpora, and the people of a collection who are held out.

    Args:
        model: shipped name or folder.
        corpora: of ours.
        collection: of recordings; conditions other than "clean" need it.
        part: "judge" or "develop"; None for no people.
        conditions: see `agent.listener.report.condition`.
        count: utterances of each source at most, spread over all of them.
        progress: told of every utterance.

    Raises:
        ValueError: nobody says anything, or a condition lacks its recordings.
    """
    if collection is None and set(conditions) - {"clean"}:
        raise ValueError("conditions need --speech, the folder of rooms and noises")
    sources: dict[str, list[Saying]] = {}
    for utterance in _said(corpora, collection, part):
        sources.setdefault(utterance.source, []).append(utterance)
    if not sources:
        raise ValueError("nobody says anything: give --corpus or --speech")
    recognizer, figures = WordRecognizer.load(model), []
    for name in conditions:
        changed = (lambda sound: sound) if collection is None else condition(name, collection)
        for source, every in sources.items():
            some, results = every[:: -(-len(every) // count)], []
            for each in some:
                results.append(dictate(recognizer, changed(each.samples()), each.text))
                progress(results[-1])
            figures.append(_figures(source, name, results))
    return DictationReport(tuple(figures))


def _figures(source: str, name: str, results: Sequence[Dictated]) -> DictationFigures:
    wrong, words = np.sum([word_errors(each.said, each.heard) for each in results], axis=0)
    late = [each.late for each in results if each.late is not None]
    share = float(wrong) / max(1, int(words))
    return DictationFigures(source, name, len(results), int(words), share, float(np.median(late)) if late else np.nan)


def _said(corpora: Sequence[Path], collection: Collection | None, part: str | None) -> Iterator[Saying]:
    for folder in corpora:
        yield from of_corpus(Corpus(folder))
    if collection is not None and part is not None:
        rows = [
            row for row in read_recordings(collection.folder, ["train"]) if row.speaker in collection.held_out[part]
        ]
        yield from of_people([clip for clip in clips(rows, collection.transcripts) if clip.words])

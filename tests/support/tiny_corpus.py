"""Small two-channel dialogues of speech-like bursts, the same for the same number."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from corpus.audio import Samples, to_samples
from corpus.record import Dialogue, Speaker, Turn, Word
from corpus.store import CorpusInfo, CorpusWriter

SPEAKERS = (Speaker(id="agent", role="agent", channel=0), Speaker(id="user", role="user", channel=1))
TEXTS = ("hello there how are you", "fine thanks and you", "very well it is sunny", "good to hear that")


def info(seed: int = 1) -> CorpusInfo:
    return CorpusInfo(generator="test 1", engine="bursts", timing="fixed", seed=seed, recipe={"name": "tiny"})


def id_of(number: int) -> str:
    return f"d{number:07d}"


def dialogue(number: int, seconds: float = 8.0, seed: int = 0, turns: int = len(TEXTS)) -> tuple[Dialogue, Samples]:
    """A record without audio entry, and its audio `[2, T]`: each word a burst of noise, over a faint noise floor."""
    rng = np.random.default_rng([seed, number])
    audio = (1e-4 * rng.standard_normal((2, to_samples(seconds)))).astype(np.float32)
    spoken = []
    now = 0.3
    for index, text in enumerate(TEXTS[:turns]):
        words = []
        for word in text.split():
            length = round(float(rng.uniform(0.2, 0.3)), 4)
            words.append(Word(text=word, start=round(now, 4), end=round(now + length, 4), source="native"))
            span = slice(to_samples(now), to_samples(now + length))
            burst = rng.standard_normal(span.stop - span.start) * np.hanning(span.stop - span.start)
            audio[index % 2, span] += 0.1 * burst.astype(np.float32)
            now += length + 0.05
        spoken.append(
            Turn(
                index=index,
                speaker=SPEAKERS[index % 2].id,
                text=text,
                start=words[0].start,
                end=words[-1].end,
                words=tuple(words),
            )
        )
        now += 0.2
    return Dialogue(id=id_of(number), seed=number, speakers=SPEAKERS, turns=tuple(spoken)), audio


def stems_of(audio: Samples) -> Samples:
    return np.concatenate([audio, 0.5 * audio])


def write_corpus(directory: Path, dialogues: int = 6, shard: int = 2, seed: int = 1, short: bool = False) -> Path:
    """Finish a corpus of `dialogues` dialogues with stems, `shard` in each shard, from wherever it stands.

    `short`: one turn in 2 s a dialogue.
    """
    with CorpusWriter.open(directory, info(seed)) as writer:
        for first in range(writer.published.next_number, dialogues, shard):
            ids = [id_of(number) for number in range(first, min(first + shard, dialogues))]
            for number, id in enumerate(ids, first):
                if writer.staged(id) is None:
                    record, audio = dialogue(number, 2.0, seed, turns=1) if short else dialogue(number, seed=seed)
                    writer.stage(record, audio, stems_of(audio))
            writer.publish(ids)
        writer.finish()
    return directory


def contents(directory: Path) -> dict[str, bytes]:
    """Every file of a corpus by its relative path."""
    files = (path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}

"""Recordings of another format made into a corpus: read one by one, staged, published shard by shard, resumable."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..manifest import CorpusInfo
from ..store import CorpusWriter
from .begun import begun
from .dialogue_of import dialogue_of
from .recordings import Importer, Remark, Rights, Treatment, Unreadable

SHARD_DIALOGUES = 64
GENERATOR = "duologue import 2"  # 1: the timing of recordings was not measured
RECORDED = "recorded"  # in place of an engine and of a timing preset

Progress = Callable[[int, float], None]  # dialogues and seconds imported so far


@dataclass(frozen=True)
class Imported:
    """What an import gave. `skipped`: what could not be read, and why; `remarks`: what was taken otherwise."""

    dialogues: int
    seconds: float
    skipped: tuple[Unreadable, ...]
    remarks: tuple[Remark, ...] = ()


def import_corpus(
    source: str | Path,
    name: str,
    importer: Importer,
    out: str | Path,
    rights: Rights,
    treatment: Treatment | None = None,
    progress: Progress | None = None,
    shard_dialogues: int = SHARD_DIALOGUES,
    options: Mapping[str, str] | None = None,
) -> Imported:
    """Make a corpus of recordings in another format; the same call again continues one that was cut short.

    One that fails before anything of it is whole leaves nothing behind.

    Args:
        source: the folder or manifest to read.
        name: the format's name, part of the corpus's identity.
        importer: reads it, see `catalogue.importer`.
        out: the corpus directory.
        rights: what may be done with the recordings; stored with every voice.
        treatment: how words are found and what is done to the sound; nothing if None.
        progress: called after every dialogue.
        shard_dialogues: dialogues in each shard.
        options: what else decides the corpus's content, part of its identity.

    Raises:
        ValueError: the source is not of this format or gives no dialogue, `out` holds something else.
    """
    source = Path(source)
    recipe = {
        "name": source.stem or name,
        "format": name,
        "licence": rights.licence,
        "consent": rights.consent,
        "source": rights.source,
        "language": rights.language,
        **(options or {}),
    }
    info = CorpusInfo(generator=GENERATOR, engine=RECORDED, timing=RECORDED, seed=0, recipe=dict(recipe))
    skipped: list[Unreadable] = []
    remarks: list[Remark] = []
    with begun(out, info) as writer:
        ready: list[str] = []
        seconds = writer.published.seconds
        for id, length in _staged(source, importer, writer, rights, treatment or Treatment(), skipped, remarks):
            ready.append(id)
            seconds += length
            if progress:
                progress(writer.published.dialogues + len(ready), seconds)
            if len(ready) == shard_dialogues:
                writer.publish(ready)
                ready = []
        if ready:
            writer.publish(ready)
        if not writer.published.dialogues:
            reason = f"; the first: {skipped[0].name}: {skipped[0].why}" if skipped else ""
            raise ValueError(f"{source} gave no dialogue ({len(skipped)} unusable{reason})")
        writer.finish()
    return Imported(writer.published.dialogues, round(writer.published.seconds, 4), tuple(skipped), tuple(remarks))


def _staged(
    source: Path,
    importer: Importer,
    writer: CorpusWriter,
    rights: Rights,
    treatment: Treatment,
    skipped: list[Unreadable],
    remarks: list[Remark],
) -> Iterator[tuple[str, float]]:
    """Id and seconds of every dialogue still to be published, staged. Numbers follow the source's order."""
    first = writer.published.next_number
    for number, recording in enumerate(importer(source, rights)):
        if number < first:
            continue
        if isinstance(recording, Unreadable):
            skipped.append(recording)
            continue
        id = f"i{number:08d}"
        record = writer.staged(id)
        if record is None:
            try:
                dialogue, audio, told = dialogue_of(recording, id, number, rights, treatment)
                record = writer.stage(dialogue, audio)
                remarks += told
            except ValueError as error:
                skipped.append(Unreadable(recording.name, str(error)))
                continue
        assert record.audio is not None, "staging fills in the audio"
        yield id, record.audio.duration

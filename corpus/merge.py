"""Several corpora made into one: shards are linked where the disk allows, records and lists written anew."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .manifest import CorpusInfo, SourceInfo, dialogue_of, read_records, read_shard_info, shard_directories
from .reader import Corpus
from .writer import CorpusWriter, ShardEntry


def merge(sources: Sequence[str | Path], out: str | Path, generator: str = "duologue merge") -> CorpusInfo:
    """Make a new corpus of all dialogues of several, shard after shard, and return its identity.

    An id that is taken already gets a prefix, its own corpus's digest: `3f9a21-d0000003`. Cut short, it can be run
    again. The sources are left as they are; hard links share their bytes.

    Args:
        sources: two corpora or more.
        out: directory to create.
        generator: name and version of the program that merges, for the identity.

    Raises:
        ValueError: a source given twice, sources that share dialogues, differing sample rates, `out` inside a source,
            `out` already holding something else, or a broken source.
    """
    corpora = [Corpus(source) for source in sources]
    info = _merged_identity(corpora, Path(out), generator)
    ids: set[str] = set()
    recordings: set[str] = set()  # checksums
    with CorpusWriter.open(out, info) as writer:
        done = writer.published.shards
        position = 0
        for corpus in corpora:
            prefix, earlier = corpus.info.sha256[:6], frozenset(recordings)
            for shard in shard_directories(corpus.directory):
                entries = _entries(shard, prefix, ids)
                digests = {entry.record.audio.sha256 for entry in entries if entry.record.audio}
                if digests & earlier:
                    raise ValueError(f"{shard} holds recordings of another source: leave one of the two out")
                recordings |= digests
                if position >= done:
                    writer.publish_entries(entries)
                position += 1
        writer.finish()
    return info


def _merged_identity(corpora: Sequence[Corpus], out: Path, generator: str) -> CorpusInfo:
    if len(corpora) < 2:
        raise ValueError("give two corpora or more to merge")
    for index, corpus in enumerate(corpora):
        for other in corpora[:index]:
            if corpus.directory.samefile(other.directory):
                raise ValueError(f"{corpus.directory} is given twice")
            if corpus.info.sample_rate != other.info.sample_rate:
                rates = f"{other.info.sample_rate} and {corpus.info.sample_rate} Hz"
                raise ValueError(f"{other.directory} and {corpus.directory} differ in sample rate: {rates}")
            if {origin.sha256 for origin in _origins(corpus)} & {origin.sha256 for origin in _origins(other)}:
                raise ValueError(
                    f"{corpus.directory} and {other.directory} come from the same recipe and seed: "
                    "their dialogues are the same; generate one of them with another seed"
                )
        if corpus.directory.resolve() in (out.resolve(), *out.resolve().parents):
            raise ValueError(f"{out} lies inside the source {corpus.directory}: choose another --out")
    infos = [corpus.info for corpus in corpora]
    return CorpusInfo(
        generator=generator,
        engine="+".join(sorted({info.engine for info in infos})),
        timing="+".join(sorted({info.timing for info in infos})),
        seed=0,
        sample_rate=infos[0].sample_rate,
        recipe={},
        sources=tuple(
            SourceInfo(info=corpus.info, dialogues=len(corpus), seconds=corpus.seconds) for corpus in corpora
        ),
    )


def _origins(corpus: Corpus) -> list[CorpusInfo]:
    """The generated corpora that a corpus consists of: itself, or those it was merged from, at any depth."""
    pending, origins = [corpus.info], []
    while pending:
        info = pending.pop()
        pending += [source.info for source in info.sources]
        if not info.sources:
            origins.append(info)
    return origins


def _entries(shard: Path, prefix: str, ids: set[str]) -> list[ShardEntry]:
    """A source's shard as entries of the merged corpus, under ids that are free; `ids` learns them."""
    info, source = read_shard_info(shard), shard.parent.parent
    entries = []
    for record in read_records(shard):
        files = {name: (shard / name, file) for name, file in info.files.items() if dialogue_of(name) == record.id}
        if record.audio is None or not files or not all(path.is_file() for path, _ in files.values()):
            raise ValueError(f"{record.id} of {source} is broken: repair {source} first")
        id = record.id
        while id in ids:
            id = f"{prefix}-{id}"
        ids.add(id)
        renamed = {id + name[len(record.id) :]: place for name, place in files.items()}
        entries.append(ShardEntry(record.model_copy(update={"id": id}), renamed))
    return entries

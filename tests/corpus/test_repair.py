"""Damage of every kind is found by `verify` and mended by `repair`; corpora merge."""

from __future__ import annotations

import gzip
import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from corpus.store import Corpus, CorpusWriter, merge, repair, verify
from synth.commands.corpus import advice
from tests.support.tiny_corpus import contents, id_of, info, write_corpus


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound corpus of six dialogues in three shards, with stems. Not to be changed: copy it."""
    return write_corpus(tmp_path_factory.mktemp("tiny") / "corpus")


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "corpus"))


def flip(*paths: Path) -> None:
    """Change the middle byte of files."""
    for path in paths:
        data = bytearray(path.read_bytes())
        data[len(data) // 2] ^= 0x55
        path.write_bytes(bytes(data))


def rewrite(path: Path, change: Callable[[str], str]) -> None:
    path.write_text(change(path.read_text()))


def change_records(corpus: Path, change: Callable[[str], str]) -> None:
    path = corpus / "shards/000001/records.json.gz"
    path.write_bytes(gzip.compress(change(gzip.decompress(path.read_bytes()).decode()).encode()))


D3 = "shards/000001/d0000003"
# what is done to a corpus of d0..d5 in three shards, the kinds of problem found, the dialogues left after repair
DAMAGE: dict[str, tuple[Callable[[Path], object], set[str], str]] = {
    "missing audio": (lambda c: (c / f"{D3}.flac").unlink(), {"missing"}, "01245"),
    "missing words": (lambda c: (c / f"{D3}.json").unlink(), {"missing"}, "012345"),
    "missing stems": (lambda c: (c / f"{D3}.stems.flac").unlink(), {"missing"}, "01245"),
    "missing records": (lambda c: (c / "shards/000001/records.json.gz").unlink(), {"missing"}, "0145"),
    "missing shard.json": (lambda c: (c / "shards/000001/shard.json").unlink(), {"shard", "manifest"}, "012345"),
    "missing shard": (lambda c: shutil.rmtree(c / "shards/000001"), {"manifest"}, "0145"),
    "missing manifest": (lambda c: (c / "data.jsonl").unlink(), {"manifest"}, "012345"),
    "changed audio": (lambda c: flip(c / f"{D3}.flac"), {"checksum"}, "01245"),
    "changed words": (lambda c: flip(c / f"{D3}.json"), {"checksum"}, "012345"),
    "changed stems": (lambda c: flip(c / f"{D3}.stems.flac"), {"checksum"}, "01245"),
    "changed records": (lambda c: flip(c / "shards/000001/records.json.gz"), {"checksum"}, "0145"),
    "cut audio": (lambda c: os.truncate(c / f"{D3}.flac", 999), {"checksum"}, "01245"),
    "empty shard.json": (lambda c: os.truncate(c / "shards/000001/shard.json", 0), {"shard", "manifest"}, "012345"),
    "both dialogues": (
        lambda c: flip(c / "shards/000001/d0000002.flac", c / f"{D3}.flac"),
        {"checksum"},
        "0145",
    ),
    "other manifest": (
        lambda c: rewrite(c / "data.jsonl", lambda text: text.replace("8.0", "9.0", 1)),
        {"manifest"},
        "012345",
    ),
    "long manifest": (lambda c: rewrite(c / "data.jsonl", lambda text: text + text), {"manifest"}, "012345"),
    "second manifest": (lambda c: (c / "old.jsonl").touch(), {"jsonl"}, "012345"),
    "stray file": (lambda c: (c / "shards/000001/notes.jsonl").touch(), {"extra"}, "012345"),
    "stray folder": (lambda c: (c / "shards/old").mkdir(), {"extra"}, "012345"),
    "leftover work": (lambda c: (c / ".work/done/d0000009").mkdir(parents=True), {"leftover"}, "012345"),
    "record of longer audio": (
        lambda c: change_records(c, lambda text: text.replace('"samples":192000', '"samples":192001')),
        {"checksum", "audio"},
        "0145",
    ),
    "record with a word outside": (
        lambda c: change_records(c, lambda text: text.replace('"hello","start":0.3', '"hello","start":-0.3', 1)),
        {"checksum", "words"},
        "01345",
    ),
    "record of other audio": (
        lambda c: change_records(c, lambda text: text.replace(f"{D3}.flac", "shards/000001/d0000002.flac")),
        {"checksum", "record"},
        "01245",
    ),
}


@pytest.mark.parametrize("name", DAMAGE)
def test_damage_is_found_and_repaired(copy: Path, name: str) -> None:
    damage, kinds, left = DAMAGE[name]
    before = contents(copy)
    damage(copy)
    problems = verify(copy)
    assert kinds <= {problem.kind for problem in problems}, problems
    assert all("\n" not in problem.what for problem in problems)
    assert repair(copy)
    assert verify(copy) == []
    assert [stored.id[-1] for stored in Corpus(copy)] == list(left)
    assert repair(copy) == []
    if left == "012345":
        assert contents(copy) == before
    with CorpusWriter.open(copy, info()) as writer:
        assert writer.published.dialogues == len(left)


def test_quick_verify_looks_at_sizes_only(copy: Path) -> None:
    done: list[tuple[int, int]] = []
    flip(copy / f"{D3}.flac")
    assert verify(copy, deep=False, progress=lambda *step: done.append(step)) == []
    assert done == [(1, 3), (2, 3), (3, 3)]
    os.truncate(copy / f"{D3}.flac", 999)
    assert [problem.kind for problem in verify(copy, deep=False)] == ["checksum"]


def test_repair_cannot_invent_the_identity(copy: Path) -> None:
    (copy / "corpus.json").write_text("{}")
    assert [problem.kind for problem in verify(copy)] == ["identity"]
    with pytest.raises(ValueError, match=r"corpus\.json is broken"):
        repair(copy)


def test_nothing_is_advised_that_repair_refuses(copy: Path) -> None:
    (copy / "corpus.json").write_text("{")
    kinds = {problem.kind for problem in verify(copy)}
    assert "synth repair" not in advice(copy, kinds)
    (copy / "corpus.json").unlink()
    assert "synth repair" not in advice(copy, {problem.kind for problem in verify(copy)})
    assert "synth repair" in advice(copy, {"checksum", "leftover"})
    assert advice(copy, {"leftover"}).startswith("run the command that writes it again")


def test_random_bytes_anywhere_never_surprise(tmp_path: Path) -> None:
    rng = random.Random(3)
    sound = write_corpus(tmp_path / "sound", 3, 2, short=True)
    files = contents(sound)
    covered = sorted(set(files) - {"README.md", "dialogues.json"})  # those are made of the others
    for number, name in enumerate(covered * 4):
        corpus = tmp_path / str(number)
        shutil.copytree(sound, corpus, copy_function=os.link)
        data = bytearray(files[name])
        start = rng.randrange(len(data))
        data[start : start + rng.randrange(1, 40)] = rng.randbytes(rng.randrange(30))
        (corpus / name).unlink()
        (corpus / name).write_bytes(data)
        broken = bytes(data) != files[name]
        problems = verify(corpus)
        assert bool(problems) == broken or name == "corpus.json", name
        try:
            for stored in Corpus(corpus):
                Corpus(corpus).audio(stored)
        except ValueError:
            assert broken
        try:
            repair(corpus)
            assert verify(corpus) == []
        except ValueError:
            assert name == "corpus.json"
        shutil.rmtree(corpus)


def test_merge(tiny: Path, tmp_path: Path) -> None:
    other = write_corpus(tmp_path / "other", 3, 2, seed=2, short=True)
    before = contents(tiny), contents(other)
    merged = merge([tiny, other], tmp_path / "merged", "test 1")
    corpus = Corpus(tmp_path / "merged")
    assert verify(corpus.directory) == []
    assert (contents(tiny), contents(other)) == before
    assert (len(corpus), corpus.seconds, corpus.info) == (9, 54.0, merged)
    assert [source.dialogues for source in corpus.info.sources] == [6, 3]
    prefix = info(2).sha256[:6]
    assert [stored.id for stored in corpus] == [
        *map(id_of, range(6)),
        *(f"{prefix}-{id_of(number)}" for number in range(3)),
    ]
    for stored, original in zip(corpus, [*Corpus(tiny), *Corpus(other)], strict=True):
        assert stored.audio is not None
        assert original.audio is not None
        assert stored.audio.sha256 == original.audio.sha256
        assert corpus.stems(stored) is not None
    done = contents(tmp_path / "merged")
    shutil.rmtree(tmp_path / "merged/shards/000003")
    shutil.rmtree(tmp_path / "merged/shards/000004")
    merge([tiny, other], tmp_path / "merged", "test 1")
    assert contents(tmp_path / "merged") == done


def test_merge_refuses(tiny: Path, tmp_path: Path) -> None:
    other = write_corpus(tmp_path / "other", 2, 2, seed=2, short=True)
    twin = write_corpus(tmp_path / "twin", 2, 2, seed=2, short=True)
    copied = Path(shutil.copytree(other, tmp_path / "copied"))
    (copied / "corpus.json").write_bytes(info(seed=3).to_bytes())
    merge([tiny, other], tmp_path / "both", "test 1")
    out = tmp_path / "out"
    for sources, reason in (
        ([tiny], "give two corpora or more"),
        ([tiny, tiny / "shards" / ".."], "is given twice"),
        ([other, twin], "same recipe and seed"),
        ([tmp_path / "both", tiny], "same recipe and seed"),
        ([other, copied], "holds recordings of another source"),
        ([tiny, tmp_path], "holds no corpus"),
    ):
        with pytest.raises(ValueError, match=reason):
            merge(sources, out, "test 1")
    with pytest.raises(ValueError, match="lies inside the source"):
        merge([tiny, other], tiny / "out", "test 1")
    with pytest.raises(ValueError, match=r"another recipe .*: choose another --out"):
        merge([tiny, other], twin, "test 1")

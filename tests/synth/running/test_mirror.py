"""A corpus on a file store: whole shards, sent once, readable there as here."""

from __future__ import annotations

from pathlib import Path

import pytest

from corpus.store import Corpus
from corpus.verify import verify
from synth.running.mirror import Mirror
from tests.support.tiny_corpus import write_corpus

fsspec = pytest.importorskip("fsspec", reason="needs the extra 'ray'")


def test_a_mirror_is_a_sound_corpus_and_shards_travel_once(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus")
    mirror = Mirror(f"file://{tmp_path / 'store'}")
    shards = len(list((tmp_path / "corpus" / "shards").iterdir()))
    assert mirror.send(tmp_path / "corpus") == shards > 0
    assert mirror.send(tmp_path / "corpus") == 0
    assert verify(tmp_path / "store") == []
    assert list(Corpus(tmp_path / "store")) == list(Corpus(tmp_path / "corpus"))


def test_a_shard_cut_short_is_sent_again(tmp_path: Path) -> None:
    write_corpus(tmp_path / "corpus")
    store = fsspec.filesystem("memory")
    Mirror("memory://bucket/corpus").send(tmp_path / "corpus")
    first = sorted(path for path in store.find("/bucket/corpus") if path.endswith("shard.json"))[0]
    store.rm(first)
    assert Mirror("memory://bucket/corpus").send(tmp_path / "corpus") == 1
    assert store.exists(first)
    store.rm("/bucket", recursive=True)


def test_a_run_looks_for_a_shard_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_corpus(tmp_path / "corpus")
    mirror = Mirror(f"file://{tmp_path / 'store'}")
    mirror.send(tmp_path / "corpus")
    looked: list[str] = []
    local = type(fsspec.filesystem("file"))
    monkeypatch.setattr(local, "exists", lambda self, path, **rest: bool(looked.append(path)))
    shards = len(list((tmp_path / "corpus" / "shards").iterdir()))
    assert mirror.send(tmp_path / "corpus") == 0
    assert looked == []
    assert Mirror(f"file://{tmp_path / 'store'}").send(tmp_path / "corpus") == len(looked) == shards


def test_an_unknown_store_is_one_clear_line() -> None:
    with pytest.raises(ValueError, match="--mirror nosuch://x"):
        Mirror("nosuch://x")

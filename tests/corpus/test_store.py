"""The store: round trip, determinism, refusals, kills at any instant, a full disk."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

import duologue
from corpus.audio import SAMPLE_RATE
from corpus.record import Turn, Word
from corpus.store import Corpus, CorpusWriter, ensure_space, repair, stage, verify
from tests.support.places import ROOT
from tests.support.tiny_corpus import TEXTS, contents, dialogue, id_of, info, stems_of, write_corpus


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound corpus of six dialogues in three shards, with stems. Not to be changed: copy it."""
    return write_corpus(tmp_path_factory.mktemp("tiny") / "corpus")


@pytest.fixture
def copy(tiny: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny, tmp_path / "corpus"))


def run_python(code: str, *arguments: object) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", code, *map(str, arguments)]
    return subprocess.Popen(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_round_trip(tiny: Path) -> None:
    corpus = Corpus(tiny)
    assert verify(tiny) == []
    assert (len(corpus), corpus.seconds, corpus.info) == (6, 48.0, info())
    for number, stored in enumerate(corpus):
        record, audio = dialogue(number, seed=1)
        assert stored.model_copy(update={"audio": None}) == record
        assert stored.audio is not None
        assert stored.audio.path == f"shards/{number // 2:06d}/{id_of(number)}.flac"
        assert stored.audio.samples == audio.shape[1]
        peaks = 20 * np.log10(np.abs(audio).max(axis=1))
        assert stored.audio.peak_dbfs == pytest.approx(peaks, abs=0.01)
        np.testing.assert_allclose(corpus.audio(stored), audio, atol=1 / 32768)
        stems = corpus.stems(stored)
        assert stems is not None
        np.testing.assert_allclose(stems, stems_of(audio), atol=1 / 32768)
        assert corpus.get(stored.id) == stored
    with pytest.raises(ValueError, match="holds no dialogue 'd0000099'"):
        corpus.get("d0000099")


def test_layout_is_what_moshi_finetune_reads(tiny: Path) -> None:
    assert [path.name for path in tiny.rglob("*jsonl")] == ["data.jsonl"]
    lines = [json.loads(line) for line in (tiny / "data.jsonl").read_text().splitlines()]
    assert lines[3] == {"path": "shards/000001/d0000003.flac", "duration": 8.0}
    rows = json.loads((tiny / "shards/000001/d0000003.json").read_text())["alignments"]
    record, _ = dialogue(3, seed=1)
    spoken = [
        [word.text, [word.start, word.end], "SPEAKER_MAIN" if turn.speaker == "agent" else "SPEAKER_USER"]
        for turn in record.turns
        for word in turn.words
    ]
    assert rows == sorted(spoken, key=lambda row: row[1])


def test_sphn_reads_the_manifest(tiny: Path) -> None:
    sphn = pytest.importorskip("sphn")
    reader = sphn.dataset_jsonl(str(tiny / "data.jsonl"), duration_sec=8.0, pad_last_segment=True)
    found = {Path(item["path"]).stem: item["data"] for item in reader}
    corpus = Corpus(tiny)
    assert sorted(found) == [stored.id for stored in corpus]
    for stored in corpus:
        np.testing.assert_allclose(found[stored.id], corpus.audio(stored), atol=1e-4)


def test_bytes_do_not_depend_on_order_or_interruptions(tiny: Path, tmp_path: Path) -> None:
    out = tmp_path / "other"
    for ids in ([1, 0], [3, 2], [5, 4]):
        with CorpusWriter.open(out, info()) as writer:
            for number in ids:
                record, audio = dialogue(number, seed=1)
                stage(out, record, audio, stems_of(audio))
            writer.publish([id_of(number) for number in ids])
    with CorpusWriter.open(out, info()) as writer:
        assert (writer.published.dialogues, writer.published.seconds, writer.published.next_number) == (6, 48.0, 6)
        writer.finish()
    assert contents(out) == contents(tiny)


def test_another_release_goes_on_and_the_corpus_says_so(copy: Path) -> None:
    before = contents(copy)
    newer = info().model_copy(update={"generator": "next"})
    for _ in range(2):
        with CorpusWriter.open(copy, newer) as writer:
            assert writer.published.dialogues == 6
            writer.finish()
    assert Corpus(copy).info.generator == f"{info().generator}; then next"
    after = contents(copy)
    assert {path for path in before if before[path] != after[path]} == {"corpus.json", "README.md"}
    assert verify(copy) == []


def test_a_link_to_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "out").symlink_to(tmp_path / "gone")
    with pytest.raises(ValueError, match=r"out is a link to .*gone, which is not there"):
        CorpusWriter.open(tmp_path / "out", info())


def test_a_writer_refuses_what_would_harm(tiny: Path, copy: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"another recipe \(seed differs\): choose another --out"):
        CorpusWriter.open(copy, info(seed=2))
    assert contents(copy) == contents(tiny)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").touch()
    with pytest.raises(ValueError, match=r"thesis\.txt.*choose another --out"):
        CorpusWriter.open(tmp_path / "full", info())
    with CorpusWriter.open(copy, info()) as writer:
        record, audio = dialogue(6)
        with pytest.raises(ValueError, match="already open for writing in this process"):
            CorpusWriter.open(copy, info())
        with pytest.raises(ValueError, match="beyond full scale"):
            writer.stage(record, audio * 100)
        with pytest.raises(ValueError, match="does not fit in 1"):
            writer.stage(record, audio[:, :SAMPLE_RATE])
        um = Word(text="um", start=1, end=1, source="native")
        turns = (Turn(index=0, speaker="agent", text="um", words=(um,)),)
        with pytest.raises(ValueError, match="'um' at 1"):
            writer.stage(record.model_copy(update={"turns": turns}), audio)
        with pytest.raises(ValueError, match="d0000006 is not staged"):
            writer.publish(["d0000006"])
        writer.stage(dialogue(4)[0], audio)
        with pytest.raises(ValueError, match="does not come after d0000005"):
            writer.publish(["d0000004"])
    for nothing in (tmp_path / "full", tmp_path / "absent"):
        with pytest.raises(ValueError, match="holds no corpus"):
            Corpus(nothing)
        with pytest.raises(ValueError, match="holds no corpus"):
            verify(nothing)
    with pytest.raises(ValueError, match=r"needs 1000000000\.00 GB and .* are free"):
        ensure_space(tmp_path / "a" / "b", 10**18)
    ensure_space(tmp_path / "a" / "b", 1)


def test_opening_clears_leftovers_and_keeps_what_is_staged(copy: Path) -> None:
    with CorpusWriter.open(copy, info()) as writer:
        for number in (5, 6):
            writer.stage(*dialogue(number))
        for name in ("stage-x/d0000007.flac", "shard-000003/d0000007.flac", "data.jsonl.tmp"):
            (copy / ".work" / name).parent.mkdir(exist_ok=True)
            (copy / ".work" / name).touch()
    with CorpusWriter.open(copy, info()) as writer:
        assert sorted(path.name for path in (copy / ".work").iterdir()) == ["done", "lock"]
        assert [path.name for path in (copy / ".work/done").iterdir()] == ["d0000006"]  # the other is published
        assert writer.publish(["d0000006"]).index == 3
        writer.finish()
    assert verify(copy) == []


def test_damaged_staging_is_thrown_away(tmp_path: Path) -> None:
    with CorpusWriter.open(tmp_path / "c", info()) as writer:
        record, audio = dialogue(0)
        assert writer.stage(record, audio) == writer.staged(record.id)
        flac = tmp_path / "c/.work/done" / record.id / f"{record.id}.flac"
        flac.write_bytes(flac.read_bytes()[:-1] + b"x")
        assert writer.staged(record.id) is None
        assert not flac.parent.exists()


LOCKED = """
import signal, sys
from tests.support.tiny_corpus import info
from corpus.store import CorpusWriter
writer = CorpusWriter.open(sys.argv[1], info())
print("open", flush=True)
signal.pause()
"""


def test_lock_excludes_other_processes_and_dies_with_its_holder(tmp_path: Path) -> None:
    holder = run_python(LOCKED, tmp_path / "c")
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"open\n"
    with pytest.raises(ValueError, match=rf"another process \(pid {holder.pid}\)"):
        CorpusWriter.open(tmp_path / "c", info())
    holder.kill()
    holder.communicate()
    CorpusWriter.open(tmp_path / "c", info()).close()


# Imports once, then forks a writer again and again and kills it: at random moments, or before its n-th system call.
KILLING = """
import itertools, os, random, shutil, signal, sys, time
from pathlib import Path
from tests.support.tiny_corpus import contents, write_corpus
from corpus.store import verify

CALLS = {"open", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.truncate"}
undisturbed, out, way = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]

def write(path):
    write_corpus(path, 2, 1, short=True)

def kill_before(call):
    def hook(event, arguments):
        nonlocal call
        if event in CALLS and any(str(out) in str(argument) for argument in arguments):
            call -= 1
            if call < 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(hook)

def forked(call):
    child = os.fork()
    if not child:
        if call is not None:
            kill_before(call)
        write(out)
        os._exit(0)
    return child

def published_is_whole():
    shards = out / "shards"
    for shard in shards.iterdir() if shards.exists() else ():
        assert contents(shard) == contents(undisturbed / "shards" / shard.name)

def check():
    published_is_whole()
    write(out)
    assert contents(out) == contents(undisturbed)
    assert verify(out) == []

write(undisturbed)
began = time.monotonic()
write(out)
whole = time.monotonic() - began
shutil.rmtree(out)
kills = 0
if way == "moments":
    rng = random.Random(7)
    for _ in range(15):
        child = forked(None)
        time.sleep(rng.uniform(0, whole))
        os.kill(child, signal.SIGKILL)
        kills += os.WIFSIGNALED(os.waitpid(child, 0)[1])
        published_is_whole()
        if (out / "corpus.json").exists() and not (out / ".work").exists():
            check()
            shutil.rmtree(out)
    check()
else:
    for call in itertools.count():
        if os.WIFEXITED(os.waitpid(forked(call), 0)[1]):
            break
        kills += 1
        check()
        shutil.rmtree(out)
print(kills)
"""


@pytest.fixture
def memory_path(tmp_path: Path) -> Iterator[Path]:
    """A folder in memory where there is one: what a kill leaves does not depend on the disk, its syncs cost time."""
    place = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place) as folder:
        yield Path(folder)


@pytest.mark.parametrize(("way", "kills"), [("moments", 8), ("calls", 60)])
def test_a_kill_loses_nothing(memory_path: Path, way: str, kills: int) -> None:
    process = run_python(KILLING, memory_path / "undisturbed", memory_path / "out", way)
    output, errors = process.communicate()
    assert process.returncode == 0, errors.decode()
    assert int(output) >= kills


FILLING = """
import resource, sys
from pathlib import Path
from tests.support.tiny_corpus import write_corpus
for limit in map(int, sys.argv[2:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        write_corpus(Path(sys.argv[1]), short=True)
    except ValueError as error:
        left = [path.name for path in Path(sys.argv[1]).rglob("*") if path.suffix in (".flac", ".tmp")]
        print(type(error).__name__, error, left)
"""


def test_full_disk_is_told_and_resumed(tmp_path: Path) -> None:
    out = tmp_path / "c"
    output, errors = run_python(FILLING, out, 0, 100, 700, 50_000).communicate()
    told = f"DiskFullError disk full while writing to {out}"
    lines = output.decode().splitlines()
    assert len(lines) == 4, errors.decode()
    for line in lines:
        assert line.startswith(told)
        assert line.endswith(": free space and run the same command again to resume []")
    assert contents(write_corpus(out, short=True)) == contents(write_corpus(tmp_path / "undisturbed", short=True))


def test_the_ten_millionth_dialogue_follows_the_one_before_it(tmp_path: Path) -> None:
    before, after = 9_999_999, 10_000_000
    _, audio = dialogue(0, 2.0, turns=1)
    for numbers in ([before - 1], [before, after], [after + 1]):
        with CorpusWriter.open(tmp_path, info()) as writer:
            assert writer.published.next_number in (0, numbers[0])
            for number in numbers:
                writer.stage(dialogue(number, 2.0, turns=1)[0], audio)
            writer.publish([id_of(number) for number in numbers])
    corpus, ids = Corpus(tmp_path), [id_of(number) for number in (before - 1, before, after, after + 1)]
    assert [each.id for each in corpus] == corpus.ids() == ids
    assert [corpus.get(id).id for id in ids] == ids
    listed = (tmp_path / "data.jsonl").read_text(encoding="utf-8").splitlines()
    assert [Path(json.loads(line)["path"]).stem for line in listed] == ids


BEGIN = """
import os, signal, sys
from corpus.store import CorpusInfo, CorpusWriter
CorpusWriter.open(sys.argv[1], CorpusInfo.model_validate_json(sys.argv[2]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_corpus_killed_before_its_first_dialogue_is_begun_again_by_the_same_or_another_order(tmp_path: Path) -> None:
    for out, seed in ((tmp_path / "same", 1), (tmp_path / "other", 2)):
        with run_python(BEGIN, out, info(1).model_dump_json()) as begun:
            assert begun.wait() == -9
        with pytest.raises(ValueError, match=r"is an empty corpus: .*, given again, fills it"):
            duologue.load_corpus(out)
        write_corpus(out, 2, seed=seed)
        assert verify(out) == []
        assert contents(out) == contents(write_corpus(tmp_path / f"fresh{seed}", 2, seed=seed))
    with pytest.raises(ValueError, match="another recipe"):
        write_corpus(tmp_path / "same", 2, seed=2)


def test_datasets_loads_a_corpus_where_it_lies(tiny: Path, copy: Path, tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets", reason="needs the wheel 'datasets'")
    rows = datasets.load_dataset(str(tiny), split="train", cache_dir=str(tmp_path))
    assert rows.column_names == ["path", "id", "duration", "language", "topics", "words", "turns"]
    for row, stored in zip(rows, Corpus(tiny), strict=True):
        sound, rate = soundfile.read(tiny / row["path"])
        assert sound.shape == (round(row["duration"] * rate), 2)
        spoken = sorted((word.start, word.text, turn.speaker) for turn in stored.turns for word in turn.words)
        assert [(word["start"], word["text"], word["speaker"]) for word in row["words"]] == spoken
        assert [turn["text"] for turn in row["turns"]] == list(TEXTS)
    assert not rows[0]["topics"]  # of a type all the same
    (copy / "README.md").write_text("mine")
    repair(copy)
    write_corpus(copy, 8)
    assert (copy / "README.md").read_text() == "mine"
    assert len((copy / "dialogues.json").read_text().splitlines()) == 8

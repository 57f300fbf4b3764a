"""Whole corpora, really spoken: the same files however many workers, however often killed; fit to be trained on."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from corpus.audio import to_samples, write_flac
from corpus.lint import lint
from corpus.store import Corpus
from corpus.timing import level
from corpus.verify import verify
from synth.cli import main
from tests.support.places import ROOT

pytest.importorskip("piper", reason="needs the extra 'piper'")

HOURS = 0.015
KILLS = 8  # that no instant is a wrong one is seen in tests/corpus/test_store.py
RECIPE = """
name = "short"
[length]
shortest = 20
longest = 45
[behaviours]
interruptions = 0.3
asides = 0.1
[acoustics]
noise = 0.5
[store]
shard_dialogues = 2
stems = true
"""


def command(out: Path, recipe: Path, hours: float, workers: int) -> list[str]:
    run = [sys.executable, "-c", "from synth.cli import main; main()", "generate", "--json", "--recipe", str(recipe)]
    return [*run, "--out", str(out), "--hours", str(hours), "--workers", str(workers)]


def files(corpus: Path) -> dict[str, str]:
    """sha256 of every file of a corpus, by its path."""
    paths = (path for path in sorted(corpus.rglob("*")) if path.is_file())
    return {str(path.relative_to(corpus)): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


@pytest.fixture(scope="module")
def recipe(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "short.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, recipe: Path) -> Path:
    """An undisturbed run with one worker."""
    out = tmp_path_factory.mktemp("corpora") / "undisturbed"
    done = subprocess.run(command(out, recipe, HOURS, 1), cwd=ROOT, check=True, capture_output=True, text=True)
    figures = json.loads(done.stdout)
    assert figures["hours"] >= HOURS
    assert figures["word_sources"].keys() == {"native"}
    return out


def test_killed_again_and_again_with_two_workers_the_files_are_the_same(
    tmp_path: Path, corpus: Path, recipe: Path
) -> None:
    out, rng, kills = tmp_path / "killed", random.Random(7), 0
    while kills < KILLS:
        process = subprocess.Popen(
            command(out, recipe, HOURS, 2), cwd=ROOT, stdout=subprocess.DEVNULL, start_new_session=True
        )
        try:
            assert process.wait(rng.uniform(0.2, 4.0)) == 0
        except subprocess.TimeoutExpired:
            kills += 1
            if rng.random() < 0.5:
                process.kill()  # the workers must notice by themselves
            else:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
    subprocess.run(command(out, recipe, HOURS, 2), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    assert verify(out) == []
    assert (out / "data.jsonl").read_bytes() == (corpus / "data.jsonl").read_bytes()
    assert files(out) == files(corpus)


def test_a_worker_that_dies_is_replaced(tmp_path: Path, corpus: Path, recipe: Path) -> None:
    out = tmp_path / "bereaved"
    process = psutil.Popen(command(out, recipe, HOURS, 2), cwd=ROOT, stdout=subprocess.DEVNULL)
    done = out / ".work" / "done"
    while process.poll() is None and not (done.is_dir() and any(done.iterdir())):
        time.sleep(0.05)
    workers = [child for child in process.children() if "spawn_main" in " ".join(child.cmdline())]
    workers[0].kill()
    assert process.wait() == 0
    assert files(out) == files(corpus)


def test_an_interrupted_run_stops_cleanly_and_more_hours_append(tmp_path: Path, corpus: Path, recipe: Path) -> None:
    out = tmp_path / "grown"
    process = subprocess.Popen(
        command(out, recipe, HOURS, 2), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    shards = out / "shards"
    while process.poll() is None and not (shards.is_dir() and any(shards.iterdir())):
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, message = process.communicate(timeout=120)
    assert (process.returncode, message) == (130, "synth: stopped; the same command resumes\n")
    first = {path: digest for path, digest in files(out).items() if path.startswith("shards/")}
    subprocess.run(command(out, recipe, HOURS, 2), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    assert files(out) == files(corpus)
    subprocess.run(command(out, recipe, HOURS * 1.3, 2), cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    grown = files(out)
    assert Corpus(out).seconds >= HOURS * 1.3 * 3600
    assert {path: grown[path] for path in first} == first, "published shards never change"
    assert (out / "data.jsonl").read_text().startswith((corpus / "data.jsonl").read_text())
    assert verify(out) == []


def test_a_full_disk_is_told_in_one_line_and_the_same_command_resumes(tmp_path: Path, recipe: Path) -> None:
    out, run = tmp_path / "full", command(tmp_path / "full", recipe, 0.004, 1)
    limited = f"ulimit -f 100; exec {shlex.join(run)}"  # blocks of 1 KiB or less: no recording fits
    done = subprocess.run(["bash", "-c", limited], cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("synth: disk full while writing to ")
    assert done.stderr.count("\n") == 1
    subprocess.run(run, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    assert verify(out) == []
    assert Corpus(out).seconds >= 0.004 * 3600


def test_lint_finds_nothing_and_the_interleaver_keeps_the_words(corpus: Path) -> None:
    found = lint(corpus)
    assert found.errors == 0, str(found)
    assert found.text.lost_share < 0.002


def test_moshi_finetune_reads_it_as_it_is(corpus: Path) -> None:
    sphn = pytest.importorskip("sphn", reason="needs the extra 'test'")
    manifests = sorted(corpus.rglob("*.jsonl"))
    assert [path.name for path in manifests] == ["data.jsonl"]
    samples = list(
        sphn.dataset_jsonl(str(manifests[0]), duration_sec=10.0, sample_rate=24000, pad_last_segment=True).seq()
    )
    assert samples
    assert all(sample["data"].shape[0] == 2 and np.abs(sample["data"]).max() > 0 for sample in samples)


def test_every_word_lies_inside_its_speech(corpus: Path) -> None:
    """Energy in the clean channel: words are sound, and what lies between words of a channel is mostly not."""
    reader = Corpus(corpus)
    outside, words = 0, 0
    for dialogue in reader:
        stems = reader.stems(dialogue)
        assert stems is not None
        for channel in (0, 1):
            levels = level(stems[channel])
            loud = np.percentile(levels[levels > -100], 90)
            for word in dialogue.words(channel):
                inside = levels[to_samples(word.start) // 240 : max(to_samples(word.end) // 240, 1)]
                words += 1
                outside += not len(inside) or float(inside.max()) < loud - 30
    assert words > 100
    assert outside == 0


def test_records_keep_their_promises(corpus: Path) -> None:
    reader = Corpus(corpus)
    for dialogue in reader:
        audio = reader.audio(dialogue)
        assert audio.shape[0] == 2
        for channel in audio:
            edges = np.flatnonzero(np.diff(np.concatenate([[0], channel == 0, [0]])))
            assert (edges[1::2] - edges[::2]).max(initial=0) < 240, "digital silence of 10 ms or more"
        for turn in dialogue.turns:
            assert " ".join(word.text for word in turn.words) == turn.spoken_text
            if turn.cut_word is not None:
                assert turn.interrupted_by is not None
                barge_in = dialogue.turns[turn.interrupted_by]
                assert barge_in.start is not None
                assert turn.end is not None
                assert barge_in.start < turn.end, "a barge-in begins while the other still speaks"
            if turn.answers is not None:
                question = dialogue.turns[turn.answers].question
                assert question is not None
        assert dialogue.stats is not None
        assert dialogue.stats.ipu > 30


BAD = [
    (["--hours", "-1"], "--hours must be above 0"),
    (["--hours", "nan"], "--hours must be above 0"),
    (["--hours", "1e9"], "--hours must be above 0 and at most"),
    (["--hours", "900000"], "free space, ask for fewer hours"),
    (["--hours", "many"], "Invalid value for '--hours'"),
    (["--timing", "fischer"], "did you mean 'fisher'?"),
    (["--engine", "pipr"], "did you mean 'piper'?"),
    (["--workers", "-2"], "--workers must be 0"),
    (["--recipe", "none.toml"], "cannot read the recipe none.toml"),
]


def mistake(words: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """The one line that `synth generate` answers to words it cannot take."""
    monkeypatch.setattr(sys, "argv", ["synth", "generate", *words])
    monkeypatch.setattr(signal, "signal", lambda number, handler: None)  # of the whole process
    with pytest.raises(SystemExit) as left:
        main()
    told = capsys.readouterr()
    assert (left.value.code, told.out, told.err.count("\n")) == (2, "", 1)
    assert told.err.startswith("synth: ")
    return told.err


@pytest.mark.parametrize(
    ("options", "message"), BAD, ids=lambda value: " ".join(value) if isinstance(value, list) else ""
)
def test_a_mistake_is_one_line_and_writes_nothing(
    tmp_path: Path,
    options: list[str],
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "corpus"
    assert message in mistake(["--hours", "0.01", "--out", str(out), *options], monkeypatch, capsys)
    assert not (out / "data.jsonl").exists()
    assert not out.exists() or not any(out.iterdir())


REFERENCE = '[[voice]]\nid = "me"\nfile = "me.wav"\nlicence = "CC0-1.0"\nconsent = "mine"\n'
BAD_RECIPES = [
    ('timming = "fisher"', "unknown key 'timming'; did you mean 'timing'?"),
    ('[voices]\nagent = ["jo"]', "the voice bank has no voice 'jo'; did you mean 'joe'?"),
    ('[voices]\nfolders = ["silent"]', "me.wav is silent"),
    ('[voices]\nfolders = ["broken"]', "cannot read"),
    ('[voices]\nfolders = ["nowhere"]', "nowhere has no readable voices.toml"),
]


@pytest.mark.parametrize(("recipe", "message"), BAD_RECIPES, ids=lambda value: value.split("\n")[-1][:30])
def test_a_mistake_in_a_recipe_is_one_line_too(
    tmp_path: Path,
    recipe: str,
    message: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("silent", "broken"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "voices.toml").write_text(REFERENCE)
    write_flac(tmp_path / "silent" / "me.wav", np.zeros((1, 120_000), np.float32))
    (tmp_path / "broken" / "me.wav").write_bytes(b"RIFF and no more")
    (tmp_path / "mine.toml").write_text(recipe)
    monkeypatch.chdir(tmp_path)
    words = ["--hours", "0.01", "--out", "corpus", "--recipe", "mine.toml"]
    assert message in mistake(words, monkeypatch, capsys)
    assert not (tmp_path / "corpus" / "data.jsonl").exists()


def test_a_missing_extra_is_named_before_anything_is_written(tmp_path: Path) -> None:
    code = "import sys; sys.modules['piper'] = None; from synth.cli import main; main()"
    run = [sys.executable, "-c", code, "generate", "--hours", "0.01", "--out", str(tmp_path / "corpus")]
    done = subprocess.run(run, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)
    assert "pip install 'duologue[piper]'" in done.stderr
    assert not (tmp_path / "corpus").exists()


def test_strict_fails_exactly_when_a_figure_is_out_of_band(corpus: Path, recipe: Path) -> None:
    strict = subprocess.run(
        [*command(corpus, recipe, HOURS, 1), "--strict"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    figures = json.loads(strict.stdout)
    outside = [name for name, measure in figures["measures"].items() if measure["inside"] is False]
    assert [entry.split()[0] for entry in figures["out_of_band"]] == outside
    assert strict.returncode == (2 if outside else 0)
    assert all(name in strict.stderr for name in outside)


def test_another_recipes_corpus_is_left_alone(
    corpus: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = files(corpus)
    told = mistake(["--hours", "0.01", "--out", str(corpus)], monkeypatch, capsys)
    assert "holds a corpus of another recipe" in told
    assert files(corpus) == before

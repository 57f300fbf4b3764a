"""Engines in their own process: whatever the worker does, each request is answered once or fails with its reason."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from corpus.record import Dialogue
from corpus.staging import WORK, load_staged
from synth.engines import EngineFailureError, Speech, Style
from synth.engines.catalogue import engine_entry
from synth.engines.declaration import WorkerDeclaration, read_declaration
from synth.engines.failure import MOST_FAILURES
from synth.engines.worker import WorkerEngine
from synth.recipe import CorpusRecipe, Length
from synth.running.workers import CorpusJob, Worker
from synth.voices.casting import engine_voices, load_engine
from tests.support.places import ROOT

WORKERS = ROOT / "synth" / "engines" / "workers"
FILE = """
name = "{name}"
command = {command}
clones = true
languages = ["en"]
licence_code = "{licence}"
licence_weights = "{weights}"
start_timeout = 30
timeout = 30
"""
CHATTERBOX = """
# The part of chatterbox-tts 0.1.7's API that the worker uses, with noise for speech.
import torch
class ChatterboxTTS:
    sr, conds = 24000, None
    @classmethod
    def from_pretrained(cls, device):
        print("loaded PerthNet at step 250,000")
        return cls()
    def prepare_conditionals(self, wav_fpath, exaggeration=0.5):
        self.conds = (wav_fpath, exaggeration)
    def generate(self, text, repetition_penalty=1.2, min_p=0.05, top_p=1.0, audio_prompt_path=None, exaggeration=0.5,
                 cfg_weight=0.5, temperature=0.8):
        assert self.conds[1] == exaggeration and audio_prompt_path is None
        level = 0.1 if "125" in str(self.conds[0]) else 0.2
        return level * torch.rand(1, 2000 * len(text)) - level / 2
"""


def declared(folder: Path, **changes: str) -> Path:
    """The file of the unruly worker, with changes."""
    command = f'["{sys.executable}", "{ROOT / "tests" / "support" / "unruly_worker.py"}", "log"]'
    values = {"name": "unruly", "command": command, "licence": "MIT", "weights": "CC-BY-4.0", **changes}
    path = folder / "unruly.toml"
    path.write_text(FILE.format(**values))
    return path


def template(folder: Path) -> Path:
    command = f'["{sys.executable}", "{WORKERS / "template.py"}"]'
    return declared(folder, name="buzz", command=command, licence="Apache-2.0", weights="CC0-1.0")


@pytest.fixture
def unruly(tmp_path: Path) -> Iterator[WorkerEngine]:
    engine = WorkerEngine("worker:unruly.toml", read_declaration(declared(tmp_path), WorkerDeclaration), tmp_path, "en")
    yield engine
    engine.close()


def speak(engine: WorkerEngine, text: str, seed: int = 0) -> Speech:
    return engine.speak(text, engine_voices(f"worker:{WORKERS / 'chatterbox.toml'}")["ls125-f"], Style(), seed)


def asked(folder: Path) -> list[str]:
    return (folder / "log").read_text().splitlines()


def test_template_speaks_alike_in_every_process_and_times_its_words(tmp_path: Path) -> None:
    name = f"worker:{template(tmp_path)}"
    voice = engine_voices(name)["ls125-f"]
    assert voice.voice.licence == f"CC-BY-4.0 (reference), CC0-1.0 (weights of {name})"
    assert not engine_entry(name).native_times
    timed = tmp_path / "timed.toml"
    timed.write_text(f"native_times = true\n{Path(name.partition(':')[2]).read_text()}")
    assert engine_entry(f"worker:{timed}").native_times
    engine = load_engine(name)
    assert isinstance(engine, WorkerEngine)
    first = engine.speak("Hello there, you.", voice, Style(), 1)
    engine.close()
    again = engine.speak("Hello there, you.", voice, Style(), 1)
    assert np.array_equal(first.samples, again.samples)
    assert first.words == again.words
    assert first.words is not None
    assert [(word.text, word.source) for word in first.words] == [(w, "native") for w in ("Hello", "there,", "you.")]
    assert not np.array_equal(first.samples, engine.speak("Hello there, you.", voice, Style(), 2).samples)
    faster = engine.speak("Hello there, you.", voice, Style(rate=2.0), 1)
    assert len(faster.samples) < 0.75 * len(first.samples)
    engine.close()


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("silence", "silent", "gave silence for 'silence'"),
        ("a short clip", "short", "s of speech for 'a short clip'"),
        ("refuse", "refused", "cannot speak 'refuse': too odd to say"),
        ("nothing", "garbage", "left no audio"),
        ("garbage", "garbage", "100 lines that are no answer; the last: 'progress 99'"),
        ("wrong words", "garbage", "other words than those of 'wrong words'"),
        ("late words", "garbage", "out of order or of the clip"),
        ("die", "died", "ended with status 7; it said: out of memory"),
    ],
)
def test_each_misbehaviour_has_its_code_and_the_next_request_is_answered(
    unruly: WorkerEngine, text: str, code: str, message: str
) -> None:
    with pytest.raises(EngineFailureError, match=message) as failure:
        speak(unruly, text)
    assert failure.value.code == code
    assert len(speak(unruly, "still here").samples) == 16_000


def test_one_that_dies_is_started_again_and_asked_once_more(unruly: WorkerEngine, tmp_path: Path) -> None:
    assert len(speak(unruly, "die once").samples) == 12_800
    with pytest.raises(EngineFailureError, match="died"):
        speak(unruly, "die")
    assert asked(tmp_path) == ["die once", "die once", "die", "die"]


def test_chatter_and_old_answers_are_passed_over(unruly: WorkerEngine, tmp_path: Path) -> None:
    lengths = [len(speak(unruly, text).samples) for text in ("twice", "chatter", "twice", "the end")]
    assert lengths == [8_000, 11_200, 8_000, 11_200]
    assert asked(tmp_path) == ["twice", "chatter", "twice", "the end"]


def ended(pid: int, within: float = 30.0) -> bool:
    """Whether a process is gone, or is gone soon; one that nobody waited for counts."""
    deadline = time.monotonic() + within
    while time.monotonic() < deadline:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return True
            psutil.wait_procs([psutil.Process(pid)], timeout=0.1)
        except psutil.NoSuchProcess:
            return True
    return False


def test_one_that_hangs_is_killed_with_its_children(tmp_path: Path) -> None:
    file = read_declaration(declared(tmp_path), WorkerDeclaration)
    engine = WorkerEngine("worker:unruly.toml", file, tmp_path, "en")
    speak(engine, "warm")
    engine._declared = file.model_copy(update={"timeout": 3.0})
    with pytest.raises(EngineFailureError, match="no answer within 3 s") as failure:
        speak(engine, "hang")
    assert failure.value.code == "timeout"
    assert asked(tmp_path) == ["warm", "hang"]
    child = int((tmp_path / "log.child").read_text())
    assert ended(child)
    engine._declared = file
    speak(engine, "back again")
    engine.close()


def test_run_of_failures_stops_for_good_and_says_why(unruly: WorkerEngine) -> None:
    for _ in range(MOST_FAILURES - 1):
        with pytest.raises(EngineFailureError):
            speak(unruly, "silence")
    with pytest.raises(ValueError, match=f"failed {MOST_FAILURES} times in a row; the last: .*silent") as last:
        speak(unruly, "silence")
    assert not isinstance(last.value, EngineFailureError)


def test_worker_ends_with_a_parent_that_is_killed(tmp_path: Path) -> None:
    code = (
        "import sys, time; from synth.voices.casting import load_engine\n"
        f"engine = load_engine('worker:{template(tmp_path)}'); print(engine._process.pid, flush=True); time.sleep(600)"
    )
    parent = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    worker = int(parent.stdout.readline())
    parent.kill()
    parent.communicate()
    assert ended(worker)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"weights": "MIT"}, "says licence_weights = 'CC-BY-4.0', its file 'MIT'"),
        ({"name": "other"}, "says name = 'unruly', its file 'other'"),
        ({"command": '["no-such-program"]'}, "cannot be started: .*no-such-program"),
        ({"command": f'["{sys.executable}", "-c", "raise SystemExit(3)"]'}, "did not start: .*ended with status 3"),
        ({"command": f'["{sys.executable}", "-c", "print(dict())"]'}, "without a valid 'protocol'"),
    ],
)
def test_what_is_not_what_its_file_says_is_refused_at_the_start(
    tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    name = f"worker:{declared(tmp_path, **changes)}"
    with pytest.raises(ValueError, match=message):
        load_engine(name)


def test_language_is_checked_before_anything_starts(tmp_path: Path) -> None:
    path = declared(tmp_path, command='["no-such-program"]')
    with pytest.raises(ValueError, match="does not speak 'fr'; it speaks en"):
        load_engine(f"worker:{path}", "fr")


def test_shipped_example_names_its_environment_and_weights(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    entry = engine_entry("worker:chatterbox")
    assert (entry.clones, entry.licence_weights, len(entry.weights[0].files)) == (True, "MIT", 5)
    with pytest.raises(ValueError, match=r"no weights here: .*type: synth engines fetch worker:chatterbox"):
        load_engine("worker:chatterbox")


def test_chatterbox_worker_drives_the_model_as_its_wheel_wants_it(tmp_path: Path) -> None:
    pytest.importorskip("torch", reason="needs the extra 'codec'")
    wheel = tmp_path / "wheel"
    (wheel / "chatterbox").mkdir(parents=True)
    (wheel / "chatterbox" / "tts.py").write_text(CHATTERBOX)
    (wheel / "chatterbox_tts-0.1.7.dist-info").mkdir()
    (wheel / "chatterbox_tts-0.1.7.dist-info" / "METADATA").write_text("Name: chatterbox-tts\nVersion: 0.1.7\n")
    script = WORKERS / "chatterbox_worker.py"
    start = (
        f"import sys, runpy; sys.path.insert(0, {str(wheel)!r}); runpy.run_path({str(script)!r}, run_name='__main__')"
    )
    shipped = read_declaration(WORKERS / "chatterbox.toml", WorkerDeclaration)
    engine = WorkerEngine(
        "worker:chatterbox", shipped.model_copy(update={"command": (sys.executable, "-c", start)}), WORKERS, "en"
    )
    voices = engine_voices("worker:chatterbox")
    same = [engine.speak("Hello there.", voices["ls125-f"], Style(), 1).samples for _ in range(2)]
    other = engine.speak("Hello there.", voices["ls150-f"], Style(), 1).samples
    again = engine.speak("Hello there.", voices["ls125-f"], Style(), 1).samples
    assert np.array_equal(*same)
    assert np.array_equal(same[0], again)
    assert not np.array_equal(same[0], other)
    assert not np.array_equal(same[0], engine.speak("Hello there.", voices["ls125-f"], Style(), 2).samples)
    with pytest.raises(EngineFailureError, match="needs 3 characters or more"):
        engine.speak("Oh", voices["ls125-f"], Style(), 1)
    assert engine.version == "worker-chatterbox-0.1.7"
    engine.close()


DIALOGUES = 3


def staged_with(path: Path, out: Path) -> list[Dialogue]:
    """A few dialogues, as a process of the pool makes them."""
    recipe = CorpusRecipe(engine=f"worker:{path}", length=Length(shortest=20, longest=25))
    recipe._by_path = True  # two contents of one file are compared here: its name decides
    load_engine.cache_clear()  # the same file name stands for another worker
    (out / WORK).mkdir(parents=True)
    worker = Worker(CorpusJob(out, recipe, 0))
    staged = [load_staged(out, worker.make(number).id) for number in range(DIALOGUES)]
    assert isinstance(worker.studio.engine, WorkerEngine)
    worker.studio.engine.close()
    return [made.record for made in staged if made]


def made_with(path: Path, out: Path) -> list[str]:
    """Checksums of their audio."""
    return [record.audio.sha256 for record in staged_with(path, out) if record.audio]


def test_corpus_of_a_worker_that_keeps_dying_is_that_of_one_that_does_not(tmp_path: Path) -> None:
    steady = made_with(declared(tmp_path), tmp_path / "steady")
    assert len(steady) == DIALOGUES
    (tmp_path / "log").unlink()
    command = f'["{sys.executable}", "{ROOT / "tests" / "support" / "unruly_worker.py"}", "log", "die later"]'
    assert made_with(declared(tmp_path, command=command), tmp_path / "dying") == steady
    assert len(asked(tmp_path)) > 4


def test_corpus_of_a_worker_that_is_always_silent_stops_with_the_reason(tmp_path: Path) -> None:
    command = f'["{sys.executable}", "{ROOT / "tests" / "support" / "unruly_worker.py"}", "log", "silence"]'
    with pytest.raises(ValueError, match=f"failed {MOST_FAILURES} times in a row; the last: .*silence"):
        made_with(declared(tmp_path, command=command), tmp_path / "silent")


def test_corpus_made_with_a_worker_holds_its_words_and_licences(tmp_path: Path) -> None:
    records = staged_with(template(tmp_path), tmp_path / "corpus")
    assert len(records) == DIALOGUES
    for record in records:
        assert all(
            "CC0-1.0 (weights of worker:" in speaker.voice.licence for speaker in record.speakers if speaker.voice
        )
        assert {word.source for turn in record.turns for word in turn.words} == {"native"}

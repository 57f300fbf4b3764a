"""`synth engines`: says what can run here, and `fetch`, which alone downloads, from a stand-in hub on localhost."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from synth.commands.engine_report import engine_row, known_engines, measured_speed
from synth.commands.engine_table import engine_table, in_lines
from synth.commands.engines import engines_app
from synth.engines import default_engine
from synth.engines.declaration import HubWeights
from synth.engines.piper_hub import LISTING
from synth.engines.pocket_config import hub_weights
from synth.recipe import CorpusRecipe
from synth.voices.casting import load_engine
from tests.support.engine_models import kokoro_files
from tests.support.places import ROOT
from tests.support.weights_hub import serving

REPO = "fastrtc/kokoro-onnx"
CODE = (
    "from corpus.command import run; from synth.commands.engines import engines_app; run(engines_app, 'synth engines')"
)


def engines_anew(*arguments: str, hub: str, cache: Path) -> subprocess.CompletedProcess[str]:
    """`synth engines ...` in a process that knows the hub and the cache from its environment."""
    environment = {**os.environ, "HF_ENDPOINT": hub, "HF_HUB_CACHE": str(cache), "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    command = [sys.executable, "-c", CODE, *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def engines(*arguments: str) -> str:
    """What `synth engines ...` prints; raises what it raises."""
    result = CliRunner().invoke(engines_app, arguments, catch_exceptions=False, env={"COLUMNS": "200"})
    return result.output


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """An empty cache of the hub."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_fetched_weights_speak_and_are_fetched_once(cache: Path, tmp_path: Path) -> None:
    pytest.importorskip("kokoro_onnx", reason="needs the extra 'kokoro'")
    model, voices = (path.read_bytes() for path in kokoro_files(tmp_path, ("af_alloy", "am_adam")))
    with serving({f"{REPO}/kokoro-v1.0.onnx": model, f"{REPO}/voices-v1.0.bin": voices}) as hub:
        before = json.loads(engines("--engine", "kokoro", "--json"))[0]
        assert (before["weights"], before["get"]) == ("missing", "synth engines fetch kokoro")
        assert hub.got == []
        done = engines_anew("fetch", "kokoro", hub=hub.url, cache=cache)
        assert done.returncode == 0, done.stderr
        assert f"{REPO}: voices-v1.0.bin" in done.stdout
        assert "licence Apache-2.0" in done.stdout
        assert len(hub.got) == 2
        assert "are in the cache" in engines("fetch", "kokoro")
        assert len(hub.got) == 2
    after = json.loads(engines("--engine", "kokoro", "--json", "--measure"))[0]
    assert (after["weights"], after["get"], after["problem"]) == ("found", "", "")
    assert after["speed"] > 1


def test_gated_and_missing_repositories_are_told_in_one_line(cache: Path) -> None:
    with serving({}, gated=frozenset({"csukuangfj2/sherpa-onnx-pocket-tts-int8-2026-01-26"})) as hub:
        missing = engines_anew("fetch", "kokoro", hub=hub.url, cache=cache)
        gated = engines_anew("fetch", "sherpa:pocket", hub=hub.url, cache=cache)
    assert (gated.returncode, missing.returncode) == (2, 2)
    assert "is gated: accept its terms at https://huggingface.co/csukuangfj2/" in gated.stderr
    assert "cannot fetch kokoro-v1.0.onnx of fastrtc/kokoro-onnx" in missing.stderr
    assert len(missing.stderr.splitlines()) == 1


@pytest.mark.usefixtures("cache")
def test_table_has_every_engine_and_how_to_get_it() -> None:
    shown = engines()
    for name in known_engines():
        assert name in shown
    assert "to get worker:chatterbox: python3.11 -m venv" in shown
    assert "any other: piper:FILE.toml, sherpa:FILE.toml, worker:FILE.toml, http:FILE.toml" in shown
    assert "how fast they are here: synth engines --measure" in shown
    with pytest.raises(ValueError, match="no engine is called 'pipr'; did you mean 'piper'"):
        engines("--engine", "pipr")


def test_no_word_of_the_table_is_broken() -> None:
    assert in_lines("GPL-3.0-or-later") == "GPL-3.0-\nor-later"
    assert in_lines("MIT AND GPL-3.0-or-later") == "MIT AND\nGPL-3.0-\nor-later"
    assert in_lines("worker:chatterbox") == "worker:\nchatterbox"
    assert in_lines("en es fr hi it pt") == "en es fr\nhi it pt"
    stream = io.StringIO()
    Console(width=80, file=stream).print(engine_table(map(engine_row, known_engines()), measured=True))
    shown = stream.getvalue()
    assert max(map(len, shown.splitlines())) <= 80
    for word in ("pseudo-", "speakers", "chatterbox", "or-later", "licence", "hours/hour"):
        assert word in shown.split()


def test_voices_of_an_engine_are_listed_by_language() -> None:
    spanish = engines("voices", "kokoro", "--language", "es")
    assert [line.split("\t")[0] for line in spanish.splitlines()] == ["ef_dora", "em_alex", "em_santa"]


@pytest.mark.usefixtures("cache")
def test_rows_say_what_the_catalogue_knows() -> None:
    rows = {name: engine_row(name) for name in known_engines()}
    assert rows["piper"].native_times
    assert rows["piper"].weights == "none needed"
    assert {name for name, row in rows.items() if row.clones} == {"pocket", "sherpa:pocket", "worker:chatterbox"}
    assert rows["kokoro"].voices == 41
    assert not any(rows[name].ready for name in ("kokoro", "sherpa:pocket", "worker:chatterbox"))
    for row in rows.values():
        assert row.licence_code
        assert row.licence_weights
        assert row.languages
        assert row.ready is (not row.get)


@pytest.mark.skipif(find_spec("pocket_tts") is None, reason="needs the extra 'pocket'")
def test_default_engine_is_pocket_once_its_cloning_weights_are_there(cache: Path) -> None:
    weights = hub_weights("english")
    assert {(part.repo, part.gated) for part in weights} == {
        ("kyutai/pocket-tts", True),
        ("kyutai/pocket-tts-without-voice-cloning", False),  # the tokenizer is there
    }
    assert (default_engine(), CorpusRecipe().engine) == ("piper", "piper")
    for part in weights:
        put(cache, part)
    assert (default_engine(), CorpusRecipe().engine) == ("pocket", "pocket")
    assert engine_row("pocket").weights == "found"


def put(cache: Path, part: HubWeights) -> None:
    """Lay empty files where huggingface_hub would keep them."""
    assert part.revision is not None
    for file in part.files:
        path = cache / f"models--{part.repo.replace('/', '--')}" / "snapshots" / part.revision / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_speed_is_measured_by_speaking() -> None:
    pytest.importorskip("piper", reason="needs the extra 'piper'")
    speed = measured_speed("piper")
    assert speed.wall > 0.2
    assert 0.5 < speed.cpu < 200


def test_absent_extra_is_named_before_any_work(tmp_path: Path) -> None:
    code = "import sys; sys.modules['pocket_tts'] = None; from synth.cli import main; main()"
    recipe = tmp_path / "recipe.toml"
    recipe.write_text('engine = "pocket"\n')
    out = tmp_path / "corpus"
    command = [sys.executable, "-c", code, "generate", "--out", str(out), "--hours", "0.01", "--recipe", str(recipe)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, "needs the extra 'pocket': pip install 'duologue[pocket]'" in done.stderr) == (2, True)
    assert not out.exists()


@pytest.mark.parametrize(
    ("engine", "module", "package"),
    [("sherpa:pocket", "sherpa", "sherpa_onnx"), ("kokoro", "kokoro", "kokoro_onnx")],
)
def test_every_adapter_names_its_extra(monkeypatch: pytest.MonkeyPatch, engine: str, module: str, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, f"synth.engines.{module}", raising=False)
    with pytest.raises(
        ValueError, match=rf"engine {engine} needs the extra '{module}': pip install 'duologue\[{module}\]'"
    ):
        load_engine(engine)
    row = engine_row(engine)
    assert not row.installed
    assert row.get.startswith(f"pip install 'duologue[{module}]'")


@pytest.mark.usefixtures("cache")
def test_a_language_shows_who_speaks_it_and_pipers_voices_of_it(cache: Path) -> None:
    german = engines("--language", "de")
    assert "espeak speaks it at once, plainly as a machine: espeak:de (German)" in german
    assert "piper:de_DE-thorsten-medium" in german
    assert "to list them here: synth engines fetch piper:voices.json" in german
    assert "chatterbox" not in german
    assert "13 own" in german
    voices = {"de_DE-mls-medium": {"num_speakers": 236}, "de_DE-eva-low": {"num_speakers": 1}}
    voices["nl_BE-x-low"] = {"num_speakers": 1}
    with serving({f"{LISTING.repo}/voices.json": json.dumps(voices).encode()}) as hub:
        done = engines_anew("fetch", "piper:voices.json", hub=hub.url, cache=cache)
    assert done.stdout.endswith("all of Piper's voices are known: synth engines --language CODE\n")
    german = engines("--language", "de")
    assert "synth engines fetch NAME: piper:de_DE-eva-low, piper:de_DE-mls-medium (236 speakers)\n" in german
    assert "Piper has no voice of 'sw'" in engines("--language", "sw")
    assert "espeak does not speak 'xx'; it speaks af am" in engines("--language", "xx")

"""A wheel built from the checkout holds all that the commands need, away from the checkout."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

pytest.importorskip("piper", reason="needs the extra 'piper'")

ROOT = Path(__file__).parent.parent


PACKAGES = {"corpus", "codec", "synth", "agent", "duologue"}
INSTALL = ("install", "--quiet", "--no-deps", "--no-index")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout: a build leaves its files beside the sources."""
    copy = tmp_path_factory.mktemp("source") / "source"
    parts = ("tests", "docs", "bench", "datasets")  # of the checkout, not of the wheel
    left_out = shutil.ignore_patterns(".*", "runs", "out", "build", "*.egg-info", "__pycache__", *parts)
    shutil.copytree(ROOT, copy, ignore=left_out)
    return copy


def environment(folder: Path) -> Path:
    """The interpreter of a fresh environment that holds the dependencies tested here and nothing of ours."""
    venv.create(folder, with_pip=False)
    purelib = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    # dependencies by their path alone: an editable install's own .pth is not followed from here
    (purelib / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return folder / "bin" / "python"


def install(interpreter: Path, *arguments: str) -> None:
    """Install into an environment that has no pip of its own."""
    command = [sys.executable, "-m", "pip", "--python", str(interpreter), *INSTALL, *arguments]
    subprocess.run(command, check=True, cwd=interpreter.parent)


@pytest.fixture(scope="module")
def python(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    subprocess.run([*build, str(source)], check=True, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    interpreter = environment(folder / "environment")
    install(interpreter, "--ignore-installed", str(wheel))
    return interpreter


def run(python: Path, *arguments: str, cwd: Path) -> str:
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run([str(python), *arguments], cwd=cwd, env=variables, check=True, capture_output=True, text=True)
    return done.stdout


def test_the_packages_come_from_the_wheel(python: Path, tmp_path: Path) -> None:
    where = run(python, "-c", "import synth, corpus; print(synth.__file__, corpus.__file__)", cwd=tmp_path)
    assert all(path.startswith(str(python.parent.parent)) for path in where.split())


def test_a_corpus_is_generated_and_reported(python: Path, tmp_path: Path) -> None:
    synth = str(python.parent / "synth")
    (tmp_path / "short.toml").write_text('name = "short"\n[length]\nshortest = 20\nlongest = 25\n')
    order = ("--recipe", "short.toml", "--hours", "0.002", "--out", "corpus", "--workers", "1", "--json")
    figures = json.loads(run(python, synth, "generate", *order, cwd=tmp_path))
    assert figures["hours"] >= 0.002
    assert (tmp_path / "corpus" / "report.html").stat().st_size > 10_000
    assert run(python, synth, "verify", "corpus", cwd=tmp_path) == "corpus is sound\n"
    assert "pseudo-speaker" in run(python, synth, "voices", "list", cwd=tmp_path)


def test_nothing_but_our_packages_is_installed(python: Path, tmp_path: Path) -> None:
    listed = run(
        python,
        "-c",
        "import importlib.metadata as m; print(m.distribution('duologue').read_text('RECORD'))",
        cwd=tmp_path,
    )
    tops = {line.split("/")[0] for line in listed.split() if not line.startswith("../")}
    assert {top for top in tops if not top.endswith(".dist-info")} == PACKAGES


USER = """\
import duologue

corpus = duologue.load_corpus("x")
reveal_type(corpus)
reveal_type(corpus[0].words[0].start)
reveal_type(duologue.Codec.load("laptop").sample_rate)
reveal_type(duologue.Agent.load("laptop").reply("question.wav").text)
corpus.dialogs
"""
TOLD = """\
user.py:4: note: Revealed type is "duologue.corpus.LoadedCorpus"
user.py:5: note: Revealed type is "float"
user.py:6: note: Revealed type is "int"
user.py:7: note: Revealed type is "str"
user.py:8: error: "LoadedCorpus" has no attribute "dialogs"  [attr-defined]
"""


def test_an_editable_install_is_found_by_type_checkers(source: Path, tmp_path: Path) -> None:
    interpreter = environment(tmp_path / "environment")
    install(interpreter, "--no-build-isolation", "--editable", str(source))
    assert all((source / package / "py.typed").is_file() for package in PACKAGES)
    (tmp_path / "user.py").write_text(USER)
    (tmp_path / "mypy.ini").write_text("[mypy-torch.*]\nfollow_imports = skip\n")  # 10 s of other people's hints
    check = (sys.executable, "-m", "mypy", "--strict", "--no-pretty", "--python-executable", str(interpreter))
    variables = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "MYPYPATH")}
    done = subprocess.run([*check, "user.py"], cwd=tmp_path, env=variables, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines()[:-1] == TOLD.splitlines(), done.stdout + done.stderr

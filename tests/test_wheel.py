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


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of a fresh environment with nothing of ours but the wheel, and the dependencies tested here."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "-w", str(folder)]
    source = folder / "source"  # a copy: a build leaves its files beside the sources
    shutil.copytree(
        ROOT, source, ignore=shutil.ignore_patterns(".*", "runs", "out", "build", "*.egg-info", "__pycache__")
    )
    subprocess.run([*build, str(source)], check=True, cwd=folder)
    (wheel,) = folder.glob("*.whl")
    environment = folder / "environment"
    venv.create(environment, with_pip=False)
    interpreter = environment / "bin" / "python"
    purelib = Path(sysconfig.get_path("purelib", vars={"base": str(environment)}))
    # dependencies by their path alone: an editable install's own .pth is not followed from here
    (purelib / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    install = [
        sys.executable,
        "-m",
        "pip",
        "--python",
        str(interpreter),
        "install",
        "--quiet",
        "--no-deps",
        "--no-index",
    ]
    subprocess.run([*install, "--ignore-installed", str(wheel)], check=True, cwd=folder)
    return interpreter


def run(python: Path, *arguments: str, cwd: Path) -> str:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        [str(python), *arguments], cwd=cwd, env=environment, check=True, capture_output=True, text=True
    )
    return done.stdout


def test_the_packages_come_from_the_wheel(python: Path, tmp_path: Path) -> None:
    where = run(python, "-c", "import synth, corpus; print(synth.__file__, corpus.__file__)", cwd=tmp_path)
    assert all(path.startswith(str(python.parent.parent)) for path in where.split())


def test_a_corpus_is_generated_and_reported(python: Path, tmp_path: Path) -> None:
    synth = str(python.parent / "synth")
    generated = run(python, synth, "generate", "--hours", "0.002", "--out", "corpus", "--json", cwd=tmp_path)
    figures = json.loads(generated)
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
    assert {top for top in tops if not top.endswith(".dist-info")} <= {"corpus", "codec", "synth", "agent", "duologue"}

"""The house stands: imports never go up a floor, nothing imports torchaudio, the core never imports a GPL package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FLOORS = ["corpus", "codec", "synth", "agent"]  # ground first
PRESENT = [floor for floor in FLOORS if (ROOT / floor / "__init__.py").exists()]


def sources(folder: str) -> list[Path]:
    return sorted((ROOT / folder).rglob("*.py"))


def imported(path: Path) -> Iterator[str]:
    """Absolute modules that a file imports, anywhere in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


@pytest.mark.parametrize("floor", PRESENT)
def test_imports_never_go_up(floor: str) -> None:
    above = set(FLOORS[FLOORS.index(floor) + 1 :])
    for path in sources(floor):
        up = {module for module in imported(path) if module.split(".")[0] in above}
        assert not up, f"{path.relative_to(ROOT)} imports {sorted(up)} from a floor above"


@pytest.mark.parametrize("floor", PRESENT)
def test_relative_imports_stay_inside_the_folder(floor: str) -> None:
    for path in sources(floor):
        own = {module for module in imported(path) if module.split(".")[0] == floor}
        assert not own, f"{path.relative_to(ROOT)} imports its own folder absolutely: {sorted(own)}"


def test_gpl_stays_in_its_engine_file() -> None:
    allowed = ROOT / "synth" / "engines" / "piper.py"
    users = [
        path for floor in PRESENT for path in sources(floor) if any(m.split(".")[0] == "piper" for m in imported(path))
    ]
    assert users == [allowed]


@pytest.mark.parametrize("floor", PRESENT)
def test_every_file_says_what_it_holds(floor: str) -> None:
    for path in sources(floor):
        assert ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))), f"{path} has no module docstring"


def test_no_file_is_called_utils() -> None:
    assert not [path for floor in PRESENT for path in sources(floor) if path.stem in ("utils", "helpers", "misc")]


def test_datasets_is_no_package() -> None:
    assert not list((ROOT / "datasets").rglob("*.py")), "a package named datasets would shadow Hugging Face's"

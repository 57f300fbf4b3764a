"""The house stands as `FLOORS` draws it: imports go down, never up or in a circle; the core touches no GPL package."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

from tests.support.places import ROOT

# Floors from the ground up; in each, its wings from the ground up. Wings of one row do not import each other. A wing is
# a sub-package, or a file that lies in the floor itself; "*" stands for all such files that are not named.
FLOORS: dict[str, list[tuple[str, ...]]] = {
    "corpus": [("*",), ("formats",)],
    "codec": [("config", "tensor_file"), ("layers",), ("*",), ("training",), ("judging",), ("commands",), ("cli",)],
    "synth": [
        ("*",),
        ("script",),
        ("alignment",),
        ("calls",),
        ("engines",),
        ("voices",),
        ("speaking",),
        ("recipe",),
        ("plan", "report"),
        ("running",),
        ("commands",),
        ("cli",),
    ],
    "agent": [
        ("model",),
        ("hearing",),
        ("files",),
        ("tokens", "live"),
        ("offline",),
        ("listener",),
        ("dictation",),
        ("training", "assistant"),
        ("judging",),
        ("teach",),
        ("serve", "desk"),
        ("commands",),
        ("cli",),
    ],
    "duologue": [("*",)],
}


@cache
def sources() -> dict[str, Path]:
    """Every module of the house and its file; a package is named like its folder."""
    found = {}
    for floor in FLOORS:
        for path in sorted((ROOT / floor).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


@cache
def tree(module: str) -> ast.Module:
    """A module, parsed once."""
    return ast.parse(sources()[module].read_text(encoding="utf-8"))


def _named(module: str, node: ast.ImportFrom) -> str:
    """The absolute name of what an import takes from."""
    if not node.level:
        return node.module or ""
    package = module if sources()[module].name == "__init__.py" else module.rpartition(".")[0]
    base = package.split(".")[: len(package.split(".")) - (node.level - 1)]
    return ".".join([*base, *([node.module] if node.module else [])])


def imports(module: str) -> Iterator[tuple[int, str]]:
    """Line and absolute name of all that a module imports, anywhere in it."""
    for node in ast.walk(tree(module)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _named(module, node)
            for alias in node.names:
                yield node.lineno, f"{base}.{alias.name}" if f"{base}.{alias.name}" in sources() else base


def inner(module: str) -> Iterator[tuple[int, str]]:
    """Those of them that are modules of the house."""
    yield from ((line, name) for line, name in imports(module) if name in sources() and name != module)


def rank(module: str) -> tuple[int, int, str]:
    """Floor, row and wing of a module; a floor's own `__init__` is above its wings: it names what they offer."""
    floor, _, rest = module.partition(".")
    rows = FLOORS[floor]
    level = list(FLOORS).index(floor)
    if not rest:
        return level, len(rows), floor
    wing = rest.partition(".")[0]
    package = (ROOT / floor / wing).is_dir()
    row = next((i for i, names in enumerate(rows) if wing in names), None)
    if row is None:
        assert not package, f"{floor}/{wing}/ has no row in FLOORS: say where it stands"
        row = next(i for i, names in enumerate(rows) if "*" in names)
        wing = "*"
    return level, row, wing


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_go_down(floor: str) -> None:
    for module in (name for name in sources() if name.split(".")[0] == floor):
        level, row, wing = rank(module)
        for line, name in inner(module):
            if name == floor:
                continue  # its `__init__`; a circle through it is found below
            other_level, other_row, other_wing = rank(name)
            down = (other_level, other_row) < (level, row) or (other_level, other_row, other_wing) == (level, row, wing)
            assert down, f"{sources()[module].relative_to(ROOT)}:{line} imports {name}, which does not lie below it"


def test_no_files_import_each_other_in_a_circle() -> None:
    graph = {module: {name for _, name in inner(module)} for module in sources()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        pytest.fail("a circle of imports: " + " -> ".join(reversed(error.args[1])))


@pytest.mark.parametrize("floor", FLOORS)
def test_imports_inside_a_floor_are_relative_and_across_floors_absolute(floor: str) -> None:
    for module in (name for name in sources() if name.split(".")[0] == floor):
        for node in ast.walk(tree(module)):
            if isinstance(node, ast.ImportFrom) and not node.level:
                inside = (node.module or "").split(".")[0] == floor
                where = sources()[module].relative_to(ROOT)
                assert not inside, f"{where}:{node.lineno} imports its own floor absolutely: {node.module}"


def test_every_wing_of_the_table_exists() -> None:
    for floor, rows in FLOORS.items():
        for wing in (name for row in rows for name in row if name != "*"):
            folder = ROOT / floor / wing
            assert folder.is_dir() or folder.with_suffix(".py").is_file(), f"FLOORS names {floor}/{wing}: not there"


@pytest.mark.parametrize(
    ("package", "user"),
    [("piper", "synth.engines.piper"), ("espeakng_loader", "synth.engines.workers.espeak_worker")],
)
def test_gpl_stays_in_its_engine_file(package: str, user: str) -> None:
    users = [module for module in sources() if any(name.split(".")[0] == package for _, name in imports(module))]
    assert users == [user]


def test_every_file_says_what_it_holds() -> None:
    for module, path in sources().items():
        assert ast.get_docstring(tree(module)), f"{path.relative_to(ROOT)} has no module docstring"


def test_no_file_is_called_utils() -> None:
    assert not [path for path in sources().values() if path.stem in ("utils", "helpers", "misc", "common")]


def test_datasets_is_no_package() -> None:
    assert not list((ROOT / "datasets").rglob("*.py")), "a package named datasets would shadow Hugging Face's"


def test_no_two_classes_share_a_name() -> None:
    homes: dict[str, list[str]] = {}
    for module in sources():
        for node in (node for node in ast.walk(tree(module)) if isinstance(node, ast.ClassDef)):
            homes.setdefault(node.name, []).append(module)
    del homes["Codec"]  # the public one wraps the model's for numpy and torch alike
    shared = {name: modules for name, modules in homes.items() if len(modules) > 1}
    assert not shared, f"one noun, one meaning: rename all but one of {shared}"

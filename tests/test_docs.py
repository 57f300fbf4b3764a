"""What the papers say is so: commands are those of the programs, files and wings are there, the guides' lines run."""

from __future__ import annotations

import doctest
import importlib
import re
from pathlib import Path

import pytest

from tests.support.command_lines import CommandLine, check_words, command_lines, papers
from tests.support.commands_page import PAGE, commands_page
from tests.support.places import ROOT
from tests.test_architecture import FLOORS, sources

LINES = [
    pytest.param(line, id=f"{paper.name}: {line.text}")
    for paper in papers(ROOT)
    for line in command_lines(paper.read_text(encoding="utf-8"))
]
_LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
_PATH = re.compile(r"`((?:corpus|codec|synth|agent|duologue|tests|datasets|bench)/[\w/.*-]+)`")


def test_the_page_of_commands_is_that_of_the_programs() -> None:
    assert PAGE.read_text(encoding="utf-8") == commands_page(), "commands changed: run `make docs`"


@pytest.mark.parametrize("line", LINES)
def test_every_command_line_is_one_that_the_program_takes(line: CommandLine) -> None:
    check_words(line)


def test_a_command_line_with_a_wrong_option_is_found() -> None:
    (line,) = command_lines("```sh\nDUOLOGUE=1 synth generate --hourz 3 --out x  # so long\n```\n")
    with pytest.raises(Exception, match="--hourz"):
        check_words(line)


@pytest.mark.parametrize("paper", papers(ROOT), ids=lambda path: path.name)
def test_links_and_paths_lead_somewhere(paper: Path) -> None:
    text = paper.read_text(encoding="utf-8")
    targets = [target for target in _LINK.findall(text) if "://" not in target]
    assert [target for target in targets if not (paper.parent / target).exists()] == []
    paths = [path.rstrip("/") for path in _PATH.findall(text)]
    assert [path for path in paths if not list(ROOT.glob(path)) and not (ROOT / f"{path}.py").is_file()] == []


def test_architecture_names_every_wing_in_the_order_of_the_floors() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    tables = page[page.index("## corpus/") :]
    places = []
    for floor, rows in FLOORS.items():
        for wing in (wing for row in rows for wing in row):
            name = {"duologue/*": "## duologue/"}.get(f"{floor}/{wing}", f"`{floor}/{wing}`".replace("*", ""))
            assert name in tables, f"docs/architecture.md does not name {floor}/{wing}"
            places.append(tables.index(name))
    assert places == sorted(places), "docs/architecture.md names wings in another order than FLOORS"


def test_the_readme_is_short() -> None:
    assert (ROOT / "README.md").stat().st_size <= 10_000


def test_examples_in_docstrings_are_so() -> None:
    tried = 0
    for name, path in sources().items():
        if ">>>" in path.read_text(encoding="utf-8"):
            outcome = doctest.testmod(importlib.import_module(name))
            assert outcome.failed == 0, f"an example in a docstring of {name} gives something else"
            tried += outcome.attempted
    assert tried >= 3

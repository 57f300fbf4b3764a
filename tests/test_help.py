"""--help of every command, in a process of its own for each program: nothing heavy is imported for it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from tests.support.heavy import HEAVY

PROGRAM = """
import contextlib, io, json, sys
from {name}.cli import app
import typer

def every(command, path):
    yield path
    for name, inner in getattr(command, "commands", {{}}).items():
        yield from every(inner, [*path, name])

helped = {{}}
for path in every(typer.main.get_command(app), []):
    with contextlib.redirect_stdout(io.StringIO()) as text:
        app([*path, "--help"], prog_name="{name}", standalone_mode=False)
    helped[" ".join(path)] = text.getvalue()
print(json.dumps([sorted(set(sys.modules) & set({heavy!r})), helped]))
"""


@pytest.mark.parametrize("name", ["synth", "codec", "agent"])
def test_help_imports_nothing_heavy(name: str) -> None:
    program = PROGRAM.format(name=name, heavy=HEAVY)
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    imported, helped = json.loads(done.stdout)
    assert imported == []
    assert len(helped) > 5
    for command, text in helped.items():
        assert f"Usage: {name}" in text, f"{name} {command} --help says nothing"

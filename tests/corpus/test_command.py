"""What is said of a command that was stopped."""

from __future__ import annotations

import sys

import pytest
import typer

from corpus.command import RESUMING, run
from tests.support.command_lines import PROGRAMS, program


@pytest.mark.parametrize(
    ("command", "said"), [("generate", "x: stopped; the same command resumes\n"), ("stats", "x: stopped\n")]
)
def test_only_commands_that_resume_say_so(
    command: str, said: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    app = typer.Typer()

    def stopped() -> None:
        raise KeyboardInterrupt

    app.command("generate")(stopped)
    app.command("stats")(stopped)
    monkeypatch.setattr(sys, "argv", ["x", command])
    monkeypatch.setattr("signal.signal", lambda number, handler: None)
    with pytest.raises(SystemExit) as caught:
        run(app, "x")
    assert caught.value.code == 130
    assert capsys.readouterr().err == said


def test_commands_that_resume_say_so_in_their_help() -> None:
    for program_name in PROGRAMS:
        for name, command in program(program_name).commands.items():
            if "same command" in (command.help or ""):
                assert name in RESUMING, f"{program_name} {name}"

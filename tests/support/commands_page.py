"""docs/commands.md, generated from the programs: `python -m tests.support.commands_page` (make docs) writes it anew."""

from __future__ import annotations

from typing import Any

from tests.support.command_lines import PROGRAMS, every_command, program
from tests.support.places import ROOT

PAGE = ROOT / "docs" / "commands.md"
HEAD = """# Commands

Every command with every option; `make docs` writes this page from the programs themselves. A mistake in a command line
is one line on standard error and exit status 2; Ctrl-C ends with 130.
"""


def commands_page() -> str:
    """The page's text."""
    parts = [HEAD]
    for name in PROGRAMS:
        for path, command in every_command(program(name), (name,)):
            parts.append(_section(path, command))
    return "\n".join(parts)


def _section(path: tuple[str, ...], command: Any) -> str:
    """One command: its heading, what it does, a table of its arguments and options."""
    lines = [f"{'##' if len(path) == 1 else '###'} {' '.join(path)}", "", _one_line(command.help or ""), ""]
    rows = [_row(each) for each in command.params if each.name != "help"]
    if rows:
        lines += ["| argument or option | default | what it is |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def _row(parameter: Any) -> str:
    argument = parameter.param_type_name == "argument"
    names = [parameter.name.upper()] if argument else [*parameter.opts, *parameter.secondary_opts]
    default = parameter.default
    shown = "needed" if parameter.required else "" if default in (None, "", (), []) else str(default)
    help_text = _one_line(getattr(parameter, "help", None) or "").replace("|", "\\|")
    return f"| {', '.join(f'`{each}`' for each in names)} | {shown} | {help_text} |"


def _one_line(text: str) -> str:
    return " ".join(text.split())


if __name__ == "__main__":
    PAGE.write_text(commands_page(), encoding="utf-8")

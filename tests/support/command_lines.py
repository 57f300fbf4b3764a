"""The house's programs as trees of commands, and command lines found in its papers."""

from __future__ import annotations

import importlib
import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer

PROGRAMS = ("synth", "codec", "agent")
_BLOCK = re.compile(r"^```(?:sh|console)\n(.*?)^```|((?:^    .*\n)+)", re.MULTILINE | re.DOTALL)
_OTHER = re.compile(r"^```(?!sh$|console$)\w.*?^```", re.MULTILINE | re.DOTALL)  # blocks of other languages
_FILE = re.compile(r"^```\w+ (\S+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"(^|\s)#.*$")
_TYPED = re.compile(rf"(?:\$ )?(?:[A-Z_]+=\S+ )*((?:{'|'.join(PROGRAMS)}) .*)")


@dataclass(frozen=True)
class CommandLine:
    """A command of one of the programs as a paper prints it, split into words."""

    words: tuple[str, ...]

    @property
    def text(self) -> str:
        """On one line."""
        return shlex.join(self.words)


def program(name: str) -> Any:
    """A program's tree of commands."""
    return typer.main.get_command(importlib.import_module(f"{name}.cli").app)


def every_command(command: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Any]]:
    """A command and all below it, each with its words."""
    yield path, command
    for name, inner in getattr(command, "commands", {}).items():
        yield from every_command(inner, (*path, name))


def command_lines(paper: str) -> list[CommandLine]:
    """The lines of our programs in a paper's blocks (sh, console, indented), in order, without comments."""
    lines = []
    for block in map("".join, _BLOCK.findall(_OTHER.sub("", paper))):
        for line in block.replace("\\\n", " ").splitlines():
            if typed := _TYPED.match(line.strip()):
                lines.append(CommandLine(tuple(shlex.split(_COMMENT.sub("", typed[1])))))
    return lines


def files_shown(paper: str) -> dict[str, str]:
    """The files that a paper prints whole: blocks whose first line names one, as ```toml mine.toml."""
    return dict(_FILE.findall(paper))


def check_words(line: CommandLine) -> None:
    """Raise a usage error unless the program knows every option and gets what it needs; nothing is run."""
    command, words = program(line.words[0]), list(line.words[1:])
    context = None
    while getattr(command, "commands", {}):
        if words and words[0] not in command.commands and getattr(command, "invoke_without_command", False):
            break
        if not words:
            return
        context = command.make_context(command.name or "", [words[0]], parent=context, resilient_parsing=True)
        command = command.commands[words.pop(0)]
    command.make_context(command.name or "", words, parent=context)


def papers(root: Path) -> list[Path]:
    """Everything for people to read that may print command lines."""
    return [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]

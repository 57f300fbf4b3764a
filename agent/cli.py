"""The `agent` command: tokens, training, judging, the live loop and its server."""

from __future__ import annotations

import importlib

import typer

from corpus.command import run

from .commands.dictation import dictation_app
from .commands.listener import listener_app

MAKING = ("teach", "tokenize", "pack", "unpack", "train", "finetune", "sharpen", "evaluate")
TALKING = ("say", "hear", "talk", "serve", "prepare", "fetch", "bench")

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def agent() -> None:
    """The full-duplex model: train it on a corpus, judge it, talk to it."""


for _name in (*MAKING, *TALKING):
    app.command(_name)(getattr(importlib.import_module(f".commands.{_name}", __package__), _name))


app.add_typer(listener_app, name="listener")
app.add_typer(dictation_app, name="dictation")


def main() -> None:
    """The entry point."""
    run(app, "agent")


if __name__ == "__main__":
    main()

"""The `codec` command: train, judge, encode, decode, export and time codecs."""

from __future__ import annotations

import typer

from corpus.command import run

from .commands.bench import bench
from .commands.decode import decode
from .commands.encode import encode
from .commands.evaluate import evaluate
from .commands.export import export
from .commands.train import train

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@app.callback()
def codec() -> None:
    """Waveform to tokens and back: a streaming neural codec."""


for _command in (train, evaluate, encode, decode, export, bench):
    app.command()(_command)


def main() -> None:
    """The entry point."""
    run(app, "codec")


if __name__ == "__main__":
    main()

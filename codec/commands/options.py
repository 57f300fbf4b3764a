"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DataOption = Annotated[
    list[Path], typer.Option("--data", help="folder of audio, corpus or .jsonl manifest; repeatable")
]
CodecOption = Annotated[str, typer.Option("--codec", help="shipped name, file, folder or cached hub id")]

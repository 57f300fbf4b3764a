"""The option that says who hears the user's words for a model, alike in all commands that have it."""

from __future__ import annotations

from typing import Annotated

import typer

HearingName = Annotated[
    str | None,
    typer.Option(help="recognizer whose words the model reads, another than its own folder says; own: its own guess"),
]

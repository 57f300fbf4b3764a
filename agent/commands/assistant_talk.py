"""`agent talk` with a mind: an assistant at the microphone, or over a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..assistant.log import HappeningLog
from ..assistant.opening import file_executor, open_assistant
from ..assistant.settings import AssistantSettings
from ..assistant.work import ThreadExecutor

if TYPE_CHECKING:
    from ..assistant.partner import Assistant
    from ..desk.talk import BothSides

Live = Callable[["Assistant"], object]


def talk_with_assistant(
    settings: AssistantSettings, input: Path | None, both: BothSides, events: Path | None, live: Live
) -> None:
    """Hold the talk and say what each side said.

    Args:
        settings: of the assistant.
        input: the user's sound; None talks at the microphone, by `live`.
        both: takes both sides of a file's talk.
        events: file of what happened and why.
        live: holds a talk at the microphone.
    """
    with HappeningLog(events) as log:
        executor = ThreadExecutor() if input is None else file_executor(settings)
        try:
            assistant = open_assistant(settings, executor, watch=log.heed)
            typer.echo(told(assistant), err=True)
            if input is None:
                live(assistant)
            else:
                over_file(assistant, input, both)
        finally:
            executor.close()


def told(assistant: Assistant) -> str:
    """What the assistant is made of, and whether anything leaves the machine."""
    about = assistant.about
    parts = f"ear {about.ear} · mind {about.mind} · mouth {about.mouth} · turns {about.talker}"
    return f"{parts}\n{f'leaves this machine: {about.away}' if about.away else 'nothing leaves this machine'}"


def over_file(assistant: Assistant, path: Path, both: BothSides) -> None:
    """The talk of a file."""
    from corpus.audio import read_mono

    from ..desk.from_file import talk_over_file

    for line in talk_over_file(assistant, read_mono(path), both):
        typer.echo(line)

"""`agent talk` with a mind: an assistant at the microphone, or over a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from ..assistant.kept_talk import load_tape, replay, save_tape
from ..assistant.log import HappeningLog
from ..assistant.opening import file_executor, open_assistant
from ..assistant.settings import AssistantSettings
from ..assistant.tape import Tape
from ..assistant.work import ThreadExecutor

if TYPE_CHECKING:
    from ..assistant.partner import Assistant
    from ..desk.talk import BothSides

Live = Callable[["Assistant"], object]


def talk_with_assistant(
    settings: AssistantSettings,
    input: Path | None,
    both: BothSides,
    events: Path | None,
    keep: Path | None,
    live: Live,
) -> None:
    """Hold the talk and say what each side said.

    Args:
        settings: of the assistant.
        input: the user's sound; None talks at the microphone, by `live`.
        both: takes both sides of a file's talk.
        events: file of what happened and why.
        keep: file for the tape of the talk.
        live: holds a talk at the microphone.
    """
    tape = None if keep is None else Tape()
    with HappeningLog(events) as log:
        executor = ThreadExecutor() if input is None else file_executor(settings)
        try:
            assistant = open_assistant(settings, executor, watch=log.heed, tape=tape)
            typer.echo(told(assistant), err=True)
            if input is None:
                live(assistant)
            else:
                over_file(assistant, input, both)
            if tape is not None and keep is not None:
                save_tape(tape, keep, assistant.options)
        finally:
            executor.close()


def replay_with_assistant(path: Path, events: Path | None) -> tuple[int | None, int]:
    """Have a kept talk again; returns the first frame that sounds different, None for none, and all there are."""
    tape, options = load_tape(path)
    with HappeningLog(events) as log:
        return replay(tape, options, log.heed), len(tape.heard)


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

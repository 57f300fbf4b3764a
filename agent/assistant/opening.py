"""From settings to an assistant that is ready: every part loaded, or one line that says which is missing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from ..live.frame_out import FrameOut
from .ear import load_ear
from .measured import MeasuredEar, MeasuredExecutor, MeasuredMind, MeasuredMouth
from .mind import load_mind
from .mouth import load_mouth
from .partner import Assistant
from .settings import AssistantSettings
from .talk_parts import Parts, TalkOptions
from .tape import Tape
from .taped_parts import taped
from .tools import Toolbox, load_tools
from .turns import load_turns
from .work import Executor

Loaded = TypeVar("Loaded")


def open_assistant(
    settings: AssistantSettings,
    executor: Executor,
    slots: int = 1,
    watch: Callable[[FrameOut], None] = lambda _: None,
    tape: Tape | None = None,
) -> Assistant:
    """Load the parts; for the rest see `Assistant`. What cannot be had raises ValueError with what to type."""
    parts = load_parts(settings, executor, slots)
    if isinstance(executor, MeasuredExecutor):
        parts = measured(parts, executor)
    options = TalkOptions(settings.told(), settings.said_first(), settings.manners(parts.turns))
    return Assistant(parts if tape is None else taped(tape, parts), options, executor, slots, watch, tape)


def file_executor(settings: AssistantSettings) -> MeasuredExecutor:
    """Lanes for a talk from a file; a mind on another machine is waited for by the clock on the wall."""
    return MeasuredExecutor(waiting=("mind", "tool") if settings.mind.startswith("openai:") else ("tool",))


def load_parts(settings: AssistantSettings, executor: Executor, slots: int = 1) -> Parts:
    """The parts of these settings."""
    threads = settings.threads
    language = None if settings.language == "auto" else settings.language
    turns = _part("turn", lambda: load_turns(settings.turn, executor))
    tools = _part("tools", lambda: load_tools(Path(settings.tools).expanduser()) if settings.tools else ())
    ear = _part("ear", lambda: load_ear(settings.ear, executor, language=language, threads=threads))
    mind = _part(
        "mind",
        lambda: load_mind(settings.mind, executor, context=settings.context, at_once=slots, threads=threads),
    )
    mouth = _part(
        "mouth",
        lambda: load_mouth(
            settings.mouth,
            executor,
            voice=settings.voice,
            consent=settings.consent,
            speed=settings.speed,
            language=language or "en",
        ),
    )
    return Parts(ear, mind, mouth, turns, Toolbox(tools, executor))


def measured(parts: Parts, executor: MeasuredExecutor) -> Parts:
    """The same parts on the clock of their own work."""
    ear, mind, mouth = (
        MeasuredEar(parts.ear, executor),
        MeasuredMind(parts.mind, executor),
        MeasuredMouth(parts.mouth, executor),
    )
    return Parts(ear, mind, mouth, parts.turns, parts.tools)


def _part(name: str, load: Callable[[], Loaded]) -> Loaded:
    """A part; its fault says which one it is."""
    try:
        return load()
    except ValueError as error:
        raise ValueError(f"--{name}: {error}") from None

"""The options of an assistant, alike in `talk`, `serve` and `evaluate`; what is not given the settings file says."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any

import typer

PANEL = "Assistant"
Given = Mapping[str, object]  # options of an assistant by name, as `agent.assistant.settings.gather` takes them
NONE: Given = MappingProxyType({})


def _option(help: str) -> typer.models.OptionInfo:
    option: typer.models.OptionInfo = typer.Option(help=help, rich_help_panel=PANEL)
    return option


Mind = Annotated[
    str | None,
    _option("what thinks: openai:URL#MODEL, gguf:FILE, transformers:ID, echo or script:FILE"),
]
Ear = Annotated[str | None, _option("whisper:SIZE, whisper:DIR, sherpa:FILE.toml or own")]
Mouth = Annotated[str | None, _option("piper, pocket, any engine of synth, or own")]
Turn = Annotated[str | None, _option("who tells a turn's end: both, listener, ear, vad or smart-turn:FILE")]
Voice = Annotated[str | None, _option("of the mouth, from the bank of voices")]
Speed = Annotated[float | None, _option("of the mouth; 1.2 is a fifth faster")]
Language = Annotated[str | None, _option("what is spoken: en, de, ..., or auto")]
Instructions = Annotated[str | None, _option("what the mind is told")]
Facts = Annotated[str | None, _option("what the mind shall know: a text file, or what `agent teach` reads")]
Tools = Annotated[str | None, _option("Python file of functions that the mind may call")]
Greeting = Annotated[str | None, _option("what the agent says first")]
Patience = Annotated[float | None, _option("seconds of silence that end a turn, whatever it sounds like")]
AfterQuestion = Annotated[float | None, _option("seconds to wait at the least after a question of the agent's")]
AfterStatement = Annotated[float | None, _option("the same after a statement")]
Nodding = Annotated[float | None, _option("eagerness to say mhm while the user speaks, 0 to 1")]
Uninterruptible = Annotated[bool | None, _option("only stop and wait stop an answer")]
Consent = Annotated[str | None, _option("of whose recording the voice imitates: what he agreed to")]
FillAfter = Annotated[float | None, _option("seconds that the mind may be late before a filler is said; 0: none is")]
Context = Annotated[int | None, _option("tokens that the mind reads and writes together")]
OPTIONS: dict[str, Any] = {
    "mind": Mind,
    "ear": Ear,
    "mouth": Mouth,
    "turn": Turn,
    "voice": Voice,
    "speed": Speed,
    "language": Language,
    "instructions": Instructions,
    "facts": Facts,
    "tools": Tools,
    "greeting": Greeting,
    "patience": Patience,
    "after_question": AfterQuestion,
    "after_statement": AfterStatement,
    "nodding": Nodding,
    "uninterruptible": Uninterruptible,
    "consent": Consent,
    "fill_after": FillAfter,
    "context": Context,
}
Settings = Annotated[Path | None, _option("assistant.toml with all of this; flags win")]
Events = Annotated[Path | None, _option("write what happens and why, one JSON object a line")]


def assistant_options(*names: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator: in place of its parameter `given` a command takes these options, all if none is named."""
    chosen = names or tuple(OPTIONS)

    def decorated(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def run(**values: Any) -> None:
            command(given={name: values.pop(name, None) for name in chosen}, **values)

        shown: list[inspect.Parameter] = []
        for parameter in inspect.signature(command, eval_str=True).parameters.values():
            hints = {name: OPTIONS[name] for name in chosen} if parameter.name == "given" else {}
            shown += [parameter.replace(name=name, annotation=hint, default=None) for name, hint in hints.items()] or [
                parameter
            ]
        run.__signature__ = inspect.Signature(shown)  # type: ignore[attr-defined]
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in shown}
        return run

    return decorated

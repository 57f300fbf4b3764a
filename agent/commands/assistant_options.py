"""The options of an assistant, alike in `talk`, `serve` and `evaluate`; what is not given the settings file says."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

PANEL = "Assistant"


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
Facts = Annotated[str | None, _option("text file of what the mind shall know")]
Tools = Annotated[str | None, _option("Python file of functions that the mind may call")]
Greeting = Annotated[str | None, _option("what the agent says first")]
Patience = Annotated[float | None, _option("seconds of silence that end a turn, whatever it sounds like")]
AfterQuestion = Annotated[float | None, _option("seconds to wait at the least after a question of the agent's")]
AfterStatement = Annotated[float | None, _option("the same after a statement")]
Nodding = Annotated[float | None, _option("eagerness to say mhm while the user speaks, 0 to 1")]
Uninterruptible = Annotated[bool | None, _option("only stop and wait stop an answer")]
Settings = Annotated[Path | None, _option("assistant.toml with all of this; flags win")]
Events = Annotated[Path | None, _option("write what happens and why, one JSON object a line")]

NAMES = (
    "mind", "ear", "mouth", "turn", "voice", "speed", "language", "instructions", "facts", "tools", "greeting",
    "patience", "after_question", "after_statement", "nodding", "uninterruptible",
)  # fmt: skip


def chosen(given: Mapping[str, object]) -> dict[str, object]:
    """Of a command's options those of an assistant, as `agent.assistant.settings.gather` takes them."""
    return {name: given.get(name) for name in NAMES}

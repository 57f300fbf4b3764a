"""What an assistant is made of, as a user says it: `assistant.toml` and flags, checked alike; flags win."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field

from corpus.strict import Strict, load_toml
from synth.script.syllabus import is_syllabus, load_syllabus

from .manners import Manners

if TYPE_CHECKING:
    from .turns import TurnSource

INSTRUCTIONS = (
    "You are a voice assistant. Answer in one or two short sentences of plain spoken English, "
    "without lists, headings or symbols."
)
TRY = "agent talk --mind openai:http://localhost:11434/v1#qwen3:4b"


class AssistantSettings(Strict):
    """The keys of `assistant.toml`; each but `threads` is a flag, too.

    Attributes:
        mind, ear, mouth, turn: names of the parts, as `agent talk --help` lists them.
        voice, speed: of the mouth.
        consent: of whose recording the voice imitates: what he agreed to.
        language: ISO 639-1 code of what is spoken; "auto" detects it anew in every phrase, where the ear can.
        instructions: what the mind is told.
        facts: a text file that the mind reads with them, or what `agent teach` reads, which says who it is, too.
        tools: a Python file of functions that it may call.
        greeting: what the agent says first.
        patience, after_question, after_statement, nodding, uninterruptible, fill_after: see `Manners`.
        context: tokens that the mind reads and writes together.
        threads: cores for each part.
    """

    mind: str = ""
    ear: str = "whisper:base.en"
    mouth: str = "piper"
    turn: str = "both"
    voice: str | None = None
    consent: str = ""
    speed: float = Field(default=1.0, ge=0.5, le=2.0)
    language: str = "en"
    instructions: str = INSTRUCTIONS
    facts: str | None = None
    tools: str | None = None
    greeting: str = ""
    patience: float = Field(default=2.4, ge=0.2, le=60.0)
    after_question: float = Field(default=0.0, ge=0.0, le=60.0)
    after_statement: float = Field(default=0.0, ge=0.0, le=60.0)
    nodding: float = Field(default=0.0, ge=0.0, le=1.0)
    uninterruptible: bool = False
    fill_after: float = Field(default=1.0, ge=0.0, le=60.0)
    context: int = Field(default=4096, ge=256)
    threads: int = Field(default=1, ge=1)

    def manners(self, turns: TurnSource) -> Manners:
        """How the floor behaves with this source of turn ends."""
        return Manners(
            self.patience,
            self.after_question,
            self.after_statement,
            self.nodding,
            self.uninterruptible,
            turns.thresholds,
            self.fill_after,
        )

    def told(self) -> str:
        """The instructions and the facts. A file that cannot be read raises ValueError."""
        if self.facts is None:
            return self.instructions
        if is_syllabus(self.facts):
            syllabus = load_syllabus(self.facts)
            return f"{syllabus.instructions()}\n{self.instructions}\n\nWhat you know:\n{syllabus.facts()}"
        try:
            facts = Path(self.facts).expanduser().read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(f"cannot read the facts {self.facts}: {error}") from None
        return f"{self.instructions}\n\nWhat you know:\n{facts}"

    def said_first(self) -> str:
        """The greeting; without one, that of the file of facts, if it has one."""
        if self.greeting or self.facts is None or not is_syllabus(self.facts):
            return self.greeting
        return load_syllabus(self.facts).greeting


def gather(path: Path | None, **flags: Any) -> AssistantSettings:
    """Settings of a file and of flags, of which those that are None say nothing. Mistakes raise ValueError."""
    kept = AssistantSettings() if path is None else load_toml(path, AssistantSettings, "settings")
    return kept.changed(**{name: value for name, value in flags.items() if value is not None})

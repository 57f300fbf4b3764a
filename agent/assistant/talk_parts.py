"""What a talk needs to begin: the parts it is held with, and how it is to go."""

from __future__ import annotations

from dataclasses import dataclass, field

from .answer import Tools
from .manners import Manners
from .parts import Ear, Mind, Mouth
from .turns import TurnSource


@dataclass(frozen=True)
class Parts:
    """What an assistant is made of; shared by sessions."""

    ear: Ear
    mind: Mind
    mouth: Mouth
    turns: TurnSource
    tools: Tools


@dataclass(frozen=True)
class TalkOptions:
    """How a talk goes.

    Attributes:
        instructions: what the mind is told at the beginning.
        greeting: what the agent says first, "" for nothing.
        manners: how long it waits, and the like.
    """

    instructions: str = ""
    greeting: str = ""
    manners: Manners = field(default_factory=Manners)

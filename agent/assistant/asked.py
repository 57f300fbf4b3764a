"""What a client asked of one talk beside talking to it: settings, an answer now, tools of its own, corrections.

The floor knows nothing of it: a turn that is declared over is one without patience, an answer that is asked for is
one that somebody wants.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ..live.wishes import Forgotten, Respond, TalkSettings, ToolResult, Truncate, TurnRules, Write
from .answer import CalledTool, Tools
from .history import History
from .manners import Manners
from .parts import Message, Tool, ToolCall

EAGERNESS: Mapping[str, float] = {"low": 8.0, "medium": 4.0, "high": 2.0}  # s of patience, as OpenAI has them
USUAL_SILENCE = TurnRules().silence_ms  # what clients send who want nothing special
AT_ONCE = 0.2  # s of silence after which a turn that was declared over is answered
KEPT_TURNS = 50  # of the agent, that can still be cut


@dataclass
class Asked:
    """What is asked of one talk now.

    Attributes:
        settings: the session's; None before the client said anything.
        respond: an answer that is to be given as soon as the user's words are known.
        turn_over: the client said that the user's turn is over.
        voiced: of the agent's last turns: ms from its beginning and word.
        entries: of the history, by the ids that clients know them by.
    """

    settings: TalkSettings = field(default_factory=TalkSettings)
    respond: Respond | None = None
    turn_over: bool = False
    voiced: dict[int, list[tuple[float, str]]] = field(default_factory=dict)
    entries: dict[str, Message] = field(default_factory=dict)

    @property
    def alone(self) -> bool:
        """Whether the agent may answer by itself."""
        return self.settings.turns.responds and self.settings.turns.kind != "none"

    def manners(self, usual: Manners) -> Manners:
        """How the floor behaves, where it usually does so."""
        rules = self.settings.turns
        if self.turn_over:
            usual = replace(usual, patience=AT_ONCE, after_question=0.0, after_statement=0.0)
        elif rules.kind == "server_vad" and rules.silence_ms != USUAL_SILENCE:
            usual = replace(usual, patience=min(max(rules.silence_ms / 1e3, AT_ONCE), 60.0))
        elif rules.kind == "semantic_vad" and rules.eagerness in EAGERNESS:
            usual = replace(usual, patience=EAGERNESS[rules.eagerness])
        return usual if rules.interrupts else replace(usual, uninterruptible=True)

    def instructions(self, usual: str, respond: Respond | None) -> str:
        """What the mind is told at the beginning, for this answer."""
        if respond is not None and respond.instructions is not None:
            return respond.instructions
        return usual if self.settings.instructions is None else self.settings.instructions

    def tools(self, own: Tools) -> Tools:
        """Ours and the client's, as far as they may be called."""
        choice = self.settings.tool_choice
        theirs = tuple(Tool(each.name, each.description, each.parameters) for each in self.settings.tools)
        every = (*own.tools, *theirs)
        if choice not in ("auto", "required"):
            every = tuple(tool for tool in every if tool.name == choice)  # none of them for "none"
        return own if every == tuple(own.tools) else SharedTools(own, every)

    @property
    def clients(self) -> frozenset[str]:
        """The names of the client's own tools."""
        return frozenset(each.name for each in self.settings.tools)

    def says(self, turn: int, ms: float, words: Sequence[str]) -> None:
        """Words of the agent's turn that were voiced, so long after its beginning."""
        self.voiced.setdefault(turn, []).extend((ms, word) for word in words)
        while len(self.voiced) > KEPT_TURNS:
            del self.voiced[next(iter(self.voiced))]

    def remembered(self, history: History, wish: Write | ToolResult | Truncate | Forgotten) -> History:
        """The history with an entry more, one less, or a shorter one."""
        entries = self.entries
        if isinstance(wish, Write):
            entries[wish.id] = Message(wish.role, wish.text)
            return history.plus(entries[wish.id])
        if isinstance(wish, ToolResult):
            entries[wish.id] = Message("tool", wish.output, call_id=wish.call)
            return history.plus(entries[wish.id])
        if isinstance(wish, Truncate):
            return self.cut(history, wish.turn, wish.heard_ms)
        if wish.id in entries:
            return history.without(entries.pop(wish.id))
        said = entries.pop(f"{wish.side}{wish.turn}", None)
        if said is None:
            return history
        words = self.voiced.get(wish.turn, []) if wish.side == "agent" else []
        return history.changed(said.role, " ".join(word for _, word in words) or said.text, "")

    def cut(self, history: History, turn: int, heard_ms: float) -> History:
        """The history, where the client played only so much of a turn."""
        words = self.voiced.get(turn, [])
        heard = [word for ms, word in words if ms < heard_ms]
        self.voiced[turn] = words[: len(heard)]
        return history.changed("assistant", " ".join(word for _, word in words), " ".join(heard))


@dataclass(frozen=True)
class SharedTools:
    """Our tools and those of a client, which the client calls itself: the talk ends its turn and tells it."""

    own: Tools
    tools: tuple[Tool, ...]

    def call(self, call: ToolCall) -> CalledTool:
        """See `Tools.call`; for ours alone."""
        return self.own.call(call)

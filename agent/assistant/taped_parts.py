"""The parts of a taped talk: they pass on what the parts behind them gave and note it, or play what was noted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from corpus.audio import Samples

from ..listener import Cues
from .answer import CalledTool, Tools
from .parts import (
    Ear,
    EarStream,
    Encoded,
    Heard,
    HeardWord,
    Message,
    Mind,
    Mouth,
    Piece,
    Thought,
    Tool,
    ToolCall,
    Voiced,
    Voicing,
)
from .talk_parts import Parts
from .tape import Tape
from .turns import TurnSource, TurnStream


def taped(tape: Tape, parts: Parts) -> Parts:
    """The parts of a talk that is taped."""
    return Parts(
        TapedEar(tape, parts.ear),
        TapedMind(tape, parts.mind),
        TapedMouth(tape, parts.mouth),
        TapedTurns(tape, parts.turns),
        TapedTools(tape, parts.tools),
    )


def played(tape: Tape) -> Parts:
    """Parts that give what is on a tape."""
    return Parts(TapedEar(tape), TapedMind(tape), TapedMouth(tape), TapedTurns(tape), TapedTools(tape))


class TapedEar:
    """See `Ear`."""

    def __init__(self, tape: Tape, ear: Ear | None = None) -> None:
        self.name, self._tape, self._ear = ear.name if ear else "tape", tape, ear

    def open(self) -> TapedEarStream:
        """See `Ear.open`."""
        return TapedEarStream(self._tape, self._ear.open() if self._ear else None)


class TapedEarStream:
    """See `EarStream`. Its encoder's frames are not taped: who asks for them is taped himself."""

    def __init__(self, tape: Tape, stream: EarStream | None) -> None:
        self._tape, self._stream = tape, stream

    def push(self, frame: Samples) -> None:
        """See `EarStream.push`."""
        if self._stream is not None:
            self._stream.push(frame)

    def phrase_ends(self, at: float) -> None:
        """See `EarStream.phrase_ends`."""
        if self._stream is not None:
            self._stream.phrase_ends(at)

    def results(self) -> list[Heard]:
        """See `EarStream.results`."""
        made = self._tape.once("heard", self._made, [])
        return [Heard(**{**each, "words": _words(each["words"])}) for each in made]

    def encoder_frames(self) -> Encoded | None:
        """See `EarStream.encoder_frames`."""
        return None if self._stream is None else self._stream.encoder_frames()

    def look(self, after: float) -> None:
        """See `EarStream.look`."""
        if self._stream is not None:
            self._stream.look(after)

    def close(self) -> None:
        """See `EarStream.close`."""
        if self._stream is not None:
            self._stream.close()

    def _made(self) -> list[dict[str, Any]]:
        return [asdict(heard) for heard in self._stream.results()] if self._stream else []


class TapedTurns:
    """See `TurnSource`."""

    def __init__(self, tape: Tape, turns: TurnSource | None = None) -> None:
        self.name, self._tape, self._turns = turns.name if turns else "tape", tape, turns
        self.thresholds: Mapping[float, float] = turns.thresholds if turns else {}

    def open(self) -> TapedTurnStream:
        """See `TurnSource.open`."""
        return TapedTurnStream(self._tape, self._turns.open() if self._turns else None)


class TapedTurnStream:
    """See `TurnStream`."""

    def __init__(self, tape: Tape, stream: TurnStream | None) -> None:
        self._tape, self._stream = tape, stream

    def step(self, frame: Samples, ear: EarStream) -> Cues:
        """See `TurnStream.step`."""
        stream = self._stream
        made = self._tape.lasting(
            "cues", lambda: {k: float(v) for k, v in asdict(stream.step(frame, ear)).items()} if stream else None
        )
        return Cues(**made)


class TapedMind:
    """See `Mind`."""

    def __init__(self, tape: Tape, mind: Mind | None = None) -> None:
        self.name, self.leaves = (mind.name, mind.leaves) if mind else ("tape", False)
        self._tape, self._mind = tape, mind

    def prepare(self, messages: Sequence[Message], tools: Sequence[Tool]) -> None:
        """See `Mind.prepare`."""
        if self._mind is not None:
            self._mind.prepare(messages, tools)

    def think(self, messages: Sequence[Message], tools: Sequence[Tool]) -> TapedThought:
        """See `Mind.think`."""
        return TapedThought(self._tape, self._mind.think(messages, tools) if self._mind else None)


class TapedThought:
    """See `Thought`."""

    def __init__(self, tape: Tape, thought: Thought | None) -> None:
        self._tape, self._thought, self._name = tape, thought, tape.number("thought")

    def pieces(self) -> list[Piece]:
        """See `Thought.pieces`."""
        thought = self._thought
        made = self._tape.once(self._name, lambda: [asdict(p) for p in thought.pieces()] if thought else [], [])
        return [Piece(**{**each, "call": ToolCall(**each["call"]) if each["call"] else None}) for each in made]

    def cancel(self) -> None:
        """See `Thought.cancel`."""
        if self._thought is not None:
            self._thought.cancel()


class TapedMouth:
    """See `Mouth`."""

    def __init__(self, tape: Tape, mouth: Mouth | None = None) -> None:
        self.name, self._tape, self._mouth = mouth.name if mouth else "tape", tape, mouth
        self.paced = mouth is None or mouth.paced  # what a tape was asked for, it was given

    def say(self, clause: str, speed: float = 1.0) -> TapedVoicing:
        """See `Mouth.say`."""
        return TapedVoicing(self._tape, self._mouth.say(clause, speed) if self._mouth else None)

    def nods(self) -> Mapping[str, Voiced]:
        """See `Mouth.nods`."""
        made = self._tape.lasting("nods", self._nods) or {}
        return {text: _voiced(self._tape, f"nod {text}", each) for text, each in made.items()}

    def _nods(self) -> dict[str, Any] | None:
        nods = self._mouth.nods() if self._mouth else {}
        return {text: self._tape.sound(f"nod {text}", voiced) for text, voiced in nods.items()} or None


class TapedVoicing:
    """See `Voicing`."""

    def __init__(self, tape: Tape, voicing: Voicing | None) -> None:
        self._tape, self._voicing, self._name = tape, voicing, tape.number("voicing")

    def audio(self) -> Voiced | None:
        """See `Voicing.audio`."""
        voicing, name = self._voicing, self._name
        made = self._tape.lasting(name, lambda: self._tape.sound(name, voicing.audio()) if voicing else None)
        return None if made is None else _voiced(self._tape, name, made)

    def cancel(self) -> None:
        """See `Voicing.cancel`."""
        if self._voicing is not None:
            self._voicing.cancel()


class TapedTools:
    """See `Tools`."""

    def __init__(self, tape: Tape, tools: Tools | None = None) -> None:
        self._tape, self._inner = tape, tools

    @property
    def tools(self) -> Sequence[Tool]:
        """See `Tools.tools`; a tape's mind reads none."""
        return self._inner.tools if self._inner else ()

    def call(self, call: ToolCall) -> TapedCall:
        """See `Tools.call`."""
        return TapedCall(self._tape, self._inner.call(call) if self._inner else None)


class TapedCall:
    """See `CalledTool`."""

    def __init__(self, tape: Tape, called: CalledTool | None) -> None:
        self._tape, self._called, self._name = tape, called, tape.number("call")

    def result(self) -> str | None:
        """See `CalledTool.result`."""
        called = self._called
        made: str | None = self._tape.lasting(self._name, lambda: called.result() if called else None)
        return made


def _words(made: Sequence[Mapping[str, Any]]) -> tuple[HeardWord, ...]:
    return tuple(HeardWord(**word) for word in made)


def _voiced(tape: Tape, name: str, made: Mapping[str, Any]) -> Voiced:
    samples = tape.sounds[name][: made["to"]] if made["to"] else tape.nothing
    return Voiced(samples, _words(made["words"]), made["done"], made["fault"])

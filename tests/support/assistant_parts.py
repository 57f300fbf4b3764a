"""Parts of an assistant that do as they are told: an ear with a script, minds that answer, a mouth that hums."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from agent.assistant.log import HappeningLog
from agent.assistant.manners import Manners
from agent.assistant.partner import Assistant
from agent.assistant.parts import (
    EarStream,
    Encoded,
    Heard,
    HeardWord,
    Message,
    Piece,
    Tool,
    ToolCall,
    Voiced,
)
from agent.assistant.playout import FADE
from agent.assistant.session import AssistantTalk
from agent.assistant.talk_parts import Parts, TalkOptions
from agent.assistant.work import Executor, FrameExecutor
from agent.listener import Cues
from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, SAMPLE_RATE, Samples

ANSWER = ["It is Paris,", "as you know well."]
WORD_S = 0.32  # of the mouth's words: four frames
SILENT = np.zeros(FRAME_SAMPLES, np.float32)


def voice(seconds: float) -> list[Samples]:
    """Frames of the user's voice; the source of cues takes any sound for it."""
    return [np.full(FRAME_SAMPLES, 0.1, np.float32)] * round(seconds / FRAME_SECONDS)


def quiet(seconds: float) -> list[Samples]:
    """Frames of silence."""
    return [SILENT] * round(seconds / FRAME_SECONDS)


class ScriptedCues:
    """Sound is speech; the chance of a turn's end is what the frame's level says: see `ending`."""

    name, thresholds = "scripted", {0.2: 0.9, 0.5: 0.7}

    def __init__(self, turn_end: float = 1.0, backchannel: float = 0.0) -> None:
        self.turn_end, self.backchannel = turn_end, backchannel

    def open(self) -> ScriptedCues:
        """One more session."""
        return self

    def step(self, frame: Samples, ear: EarStream) -> Cues:
        """Judge a frame."""
        speech = bool(frame.any())
        return Cues(float(speech), 0.0 if speech else self.turn_end, 0.0, self.backchannel if speech else 0.0)


@dataclass
class ScriptedEar:
    """Hears the next of its phrases, `delay` frames after the voice stops, or when the phrase is closed."""

    phrases: list[str]
    delay: int = 2
    name: str = "scripted"

    def open(self) -> _ScriptedStream:
        """See `Ear.open`."""
        return _ScriptedStream(list(self.phrases), self.delay)


@dataclass
class _ScriptedStream:
    phrases: list[str]
    delay: int
    frame: int = 0
    silent: int = 99
    number: int = 0
    spoke: bool = False
    found: list[Heard] = field(default_factory=list)

    def push(self, frame: Samples) -> None:
        self.frame += 1
        self.silent = 0 if frame.any() else self.silent + 1
        self.spoke |= self.silent == 0
        if self.spoke and self.silent == self.delay and self.phrases:
            words = tuple(HeardWord(word, 0.0, 0.1) for word in self.phrases.pop(0).split())
            self.found.append(Heard(words, False, len(words), self.number, self.frame * FRAME_SECONDS))
            self.spoke = False

    def phrase_ends(self, at: float) -> None:
        self.number += 1

    def results(self) -> list[Heard]:
        found, self.found = self.found, []
        return found

    def encoder_frames(self) -> Encoded | None:
        return None

    def look(self, after: float) -> None:
        """Hears frame by frame."""

    def close(self) -> None:
        """Nothing is kept."""


class ScriptedMind:
    """Answers with clauses, a step of its lane each; keeps what it was asked."""

    name, leaves = "scripted", False

    def __init__(self, executor: Executor, answers: Sequence[Sequence[str | ToolCall | Piece]]) -> None:
        self.lane, self.answers = executor.lane("mind"), [list(answer) for answer in answers]
        self.asked: list[Sequence[Message]] = []
        self.cancelled = 0

    def prepare(self, messages: Sequence[Message], tools: Sequence[Tool]) -> None:
        """See `Mind.prepare`."""

    def think(self, messages: Sequence[Message], tools: Sequence[Tool]) -> _ScriptedThought:
        """See `Mind.think`."""
        self.asked.append(messages)
        answer = self.answers.pop(0) if len(self.answers) > 1 else list(self.answers[0])
        return _ScriptedThought(self, answer)


class _ScriptedThought:
    def __init__(self, mind: ScriptedMind, answer: Sequence[str | ToolCall | Piece]) -> None:
        self._found: list[Piece] = []
        self._mind = mind
        self._job = mind.lane.submit(self._steps(answer), lambda error: self._found.append(Piece("fault", str(error))))

    def _steps(self, answer: Sequence[str | ToolCall | Piece]) -> Iterator[None]:
        for each in answer:
            if isinstance(each, Piece):
                self._found.append(each)
            elif isinstance(each, ToolCall):
                self._found.append(Piece("tool", call=each))
            else:
                self._found.append(Piece("clause", each, each))
            yield
        if not any(isinstance(each, Piece) for each in answer):
            self._found.append(Piece("done"))

    def pieces(self) -> list[Piece]:
        found, self._found = self._found, []
        return found

    def cancel(self) -> None:
        self._mind.cancelled += 1
        if self._job is not None:
            self._job.cancel()


class HummingMouth:
    """A steady sound of 0.32 s a word, a step of its lane for each clause."""

    name, paced = "humming", False

    def __init__(self, executor: Executor, level: float = 0.5) -> None:
        self.lane, self.level = executor.lane("mouth"), np.float32(level)
        self.said: list[str] = []

    def say(self, clause: str, speed: float = 1.0) -> _Hum:
        """See `Mouth.say`."""
        self.said.append(clause)
        hum = _Hum(clause, self.level)
        self.lane.submit(hum.steps(), lambda error: None)
        return hum

    def nods(self) -> Mapping[str, Voiced]:
        """See `Mouth.nods`."""
        return {"mhm": _hummed("mhm", self.level)}


class _Hum:
    def __init__(self, clause: str, level: np.float32) -> None:
        self._clause, self._level = clause, level
        self._voiced: Voiced | None = None

    def steps(self) -> Iterator[None]:
        self._voiced = _hummed(self._clause, self._level)
        yield

    def audio(self) -> Voiced | None:
        return self._voiced

    def cancel(self) -> None:
        """Nothing is at work."""


def _hummed(clause: str, level: np.float32) -> Voiced:
    texts = clause.split()
    words = tuple(HeardWord(text, i * WORD_S, (i + 1) * WORD_S) for i, text in enumerate(texts))
    sound = np.full(round(len(texts) * WORD_S * SAMPLE_RATE), level, np.float32)
    sound[:FADE] *= np.linspace(0, 1, FADE, dtype=np.float32)
    sound[-FADE:] *= np.linspace(1, 0, FADE, dtype=np.float32)
    return Voiced(sound, words, True)


@dataclass
class NoTools:
    """Nothing can be called."""

    tools: tuple[Tool, ...] = ()

    def call(self, call: ToolCall) -> object:
        """Never asked for."""
        raise AssertionError(call)


def scripted_talk(
    phrases: list[str],
    answers: Sequence[Sequence[str | ToolCall | Piece]],
    *,
    executor: FrameExecutor | None = None,
    cues: ScriptedCues | None = None,
    greeting: str = "",
    manners: Manners | None = None,
    tools: object | None = None,
) -> tuple[AssistantTalk, FrameExecutor, ScriptedMind]:
    """A talk with scripted parts, its executor and its mind."""
    executor = executor or FrameExecutor({"mind": 1, "mouth": 1})
    mind = ScriptedMind(executor, answers)
    parts = Parts(ScriptedEar(phrases), mind, HummingMouth(executor), cues or ScriptedCues(), tools or NoTools())  # type: ignore[arg-type]
    manners = manners or Manners(thresholds=parts.turns.thresholds)
    return AssistantTalk(parts, TalkOptions("Be kind.", greeting, manners)), executor, mind


def scripted_assistant(
    log: HappeningLog | None = None,
    slots: int = 2,
    answers: Sequence[Sequence[str | ToolCall | Piece]] = (ANSWER,),
    phrases: Sequence[str] = ("What is it?",),
) -> Assistant:
    """Two talks on scripted parts."""
    executor = FrameExecutor({"mind": 1, "mouth": 1})
    mind, mouth = ScriptedMind(executor, answers), HummingMouth(executor)
    parts = Parts(ScriptedEar(list(phrases)), mind, mouth, ScriptedCues(), NoTools())  # type: ignore[arg-type]
    return Assistant(parts, TalkOptions("Be kind."), executor, slots, *([log.heed] if log else []))

"""One talk with an assistant: 80 ms of the user in, 80 ms of the agent out, at once, whatever ear, mind and mouth do.

    talk = Talk(parts, TalkOptions(instructions="You are a patient cook."))
    out = talk.push(frame)                       # float32 [1920] -> FrameOut: out.audio, out.text, out.events

Each frame the source of cues and the ear are given the sound, the floor decides, and what it decided is done. All work
runs in the parts' lanes; what they have made by now is asked for. The same frames and the same answers of the parts at
the same frames give the same talk, bit for bit.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, Samples

from ..listener import Cues
from ..live.frame_out import FrameOut, PartTimes
from ..live.talk_events import (
    AgentBegan,
    AgentEnded,
    EndOfTurn,
    Happening,
    TalkEvent,
    Trouble,
    UserBegan,
    UserEnded,
    UserWords,
)
from .answer import Answer, Tools
from .echo import EchoGuard
from .floor import VOICE, Action, FloorState, Inputs, decide
from .hearing import Hearing
from .history import History
from .manners import Manners
from .parts import Ear, Message, Mind, Mouth, Voiced
from .phrases import is_question
from .playout import Playout
from .turns import TurnSource

FILLER = "Let me see."
NO_TOKENS = np.zeros(0, np.int64)
NO_TIMES = PartTimes(0.0, 0.0, 0.0)


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


class AssistantTalk:
    """A conversation; one thread may push."""

    def __init__(self, parts: Parts, options: TalkOptions) -> None:
        self.parts, self.options = parts, options
        self.history = History()
        self.state = FloorState()
        self._cues = parts.turns.open()
        self._ear = parts.ear.open()
        self._hearing, self._echo = Hearing(), EchoGuard()
        self._answer: Answer | None = None
        self._nod: Playout | None = None
        self._filler = parts.mouth.say(FILLER)  # made ahead
        self._wanted, self._asked = options.greeting, False  # words to say; an answer to what was said so far
        self._events: list[TalkEvent] = []
        self._user_turn = self._agent_turn = 0
        self._user_talks = False
        self._understood = ""  # the user's words that are settled since the last frame

    @property
    def now(self) -> float:
        """Seconds of the user's sound."""
        return self.state.frame * FRAME_SECONDS

    def push(self, frame: Samples) -> FrameOut:
        """Hear float32 `[1920]`; returns what the agent sounds like in the next 80 ms."""
        frame = self._echo.hear(frame)
        cues = self._cues.step(frame, self._ear)
        self._ear.push(frame)
        self._listen(cues)
        if self._answer is not None:
            self._answer.pump()
        self.state, actions = decide(self.state, self._inputs(cues), self.options.manners)
        for action in actions:
            self._do(action)
        audio, words = self._sound()
        self._echo.say(audio)
        text = "".join(f" {word}" for word in words)
        for word in words:
            self._tell("voiced", word)
        events, self._events = tuple(self._events), []
        understood, self._understood = self._understood, ""
        return FrameOut(audio, text, understood, NO_TOKENS, True, NO_TIMES, events)

    def say(self, text: str) -> None:
        """Say this as soon as nobody speaks."""
        self._wanted = text

    def respond(self) -> None:
        """Answer what was said so far, as soon as nobody speaks."""
        self._asked = True

    def cancel(self) -> None:
        """End what is being said or thought; the floor is free."""
        if self._answer is not None:
            self._answer.playout.stop()
            self._tell("stop")
        self.state = replace(self.state, mode="holding", thought="", told=False)

    @staticmethod
    def beginning(options: TalkOptions) -> tuple[Message, ...]:
        """What every talk begins with, for the mind to read ahead."""
        return tuple(History().to_think(options.instructions, ""))

    def close(self) -> None:
        """Let go of the parts."""
        self._ear.close()
        self._drop_answer()

    def _listen(self, cues: Cues) -> None:
        """Take the ear's news."""
        voiced = cues.speech >= VOICE
        if voiced and not self._user_talks and self.state.loud:
            self._user_talks = True
            self._user_turn += 1
            self._events.append(UserBegan(self._user_turn, 1e3 * self.now))
        self._hearing.voice(voiced, self.now + FRAME_SECONDS)
        for heard in self._ear.results():
            if heard.fault:
                self._tell("fault", heard.fault)
            if self._hearing.take(heard):
                self._tell("heard", self._hearing.words)
                self._events.append(UserWords(self._user_turn, self._hearing.words, False))

    def _inputs(self, cues: Cues) -> Inputs:
        answer = self._answer
        return Inputs(
            cues=cues,
            words=self._hearing.words,
            fresh=self._hearing.fresh,
            ready=answer is not None and answer.playout.ready,
            over=answer is not None and answer.finished,
            saying=answer.playout.saying() if answer is not None else "",
            asked=is_question(self.history.last_said),
            wanted=bool(self._wanted) or self._asked,
            can_nod=bool(self.parts.mouth.nods()) and self._nod is None,
        )

    def _do(self, action: Action) -> None:
        """Do what the floor decided; the answer that was voiced to its end has left the floor by itself."""
        answer = self._answer
        if action.kind == "think":
            self._settle()
            self._think(action.text)
        elif action.kind == "discard":
            self._drop_answer()
        elif action.kind in ("begin", "fill") and answer is not None:
            self._begin(answer, action)
            return
        elif action.kind == "nod":
            self._say_nod()
            return
        elif answer is not None and action.kind == "duck":
            answer.playout.duck()
        elif answer is not None and action.kind == "resume":
            answer.playout.resume()
        elif answer is not None and action.kind == "stop":
            answer.playout.stop()
        elif action.kind == "drop":
            self._forget_words()
            return
        self._tell(action.kind, action.text)

    def _think(self, words: str) -> None:
        told = self._wanted if not words else ""
        messages = tuple(self.history.to_think(self.options.instructions, words))
        answer = Answer(words, self.parts.mind, self.parts.mouth, self.parts.tools, messages, self._tell)
        self._wanted = "" if told else self._wanted
        self._asked = self._asked and bool(words or told)
        if told:
            answer.say(told)
        else:
            answer.begin()
        answer.pump()
        self._answer = answer

    def _begin(self, answer: Answer, action: Action) -> None:
        """The agent takes the floor: what the user said is heard for good."""
        text = FILLER if action.kind == "fill" else ""
        if text:
            answer.playout.add(self._filler, text, first=True)
        self._forget_words(answered=answer.words)
        self._agent_turn += 1
        self._events.append(AgentBegan(self._agent_turn))
        self._tell(action.kind, text)

    def _forget_words(self, answered: str = "") -> None:
        """The user's words so far are done with: answered, or not meant to be."""
        self.history = self.history.heard(answered)
        self._understood += f" {answered}" if answered else ""
        if self._user_talks:
            self._events.append(UserWords(self._user_turn, answered or self._hearing.words, True))
            self._events.append(UserEnded(self._user_turn, 1e3 * self.now))
        self._user_talks = False
        self._ear.phrase_ends(self.now)
        self._hearing.forget()

    def _sound(self) -> tuple[Samples, list[str]]:
        """The next frame, and the words in it."""
        speaks = self._answer is not None and self.state.mode in ("speaking", "ducked", "stopped", "holding")
        if self._answer is not None and speaks:
            audio, words = self._answer.playout.frame()
        else:
            audio, words = np.zeros(FRAME_SAMPLES, np.float32), []
            if self._answer is not None and self.state.mode == "listening":
                self._settle()
        if self._nod is not None:
            audio = audio + self._nod.frame()[0]
            self._nod = self._nod if self._nod.waiting else None
        return audio, words

    def _settle(self) -> None:
        """An answer is over, voiced to its end or cut: what was voiced of it becomes history."""
        answer, self._answer = self._answer, None
        if answer is None:
            return
        said = " ".join(answer.playout.voiced)
        status: EndOfTurn = "failed" if answer.failed else "completed" if answer.finished else "interrupted"
        answer.cancel()
        self.history = self.history.plus(*answer.made).voiced(said)
        if said:
            self._events.append(AgentEnded(self._agent_turn, status, said))

    def _drop_answer(self) -> None:
        """Nobody will hear of this answer."""
        if self._answer is not None:
            self._answer.cancel()
        self._answer = None

    def _say_nod(self) -> None:
        text, sound = next(iter(self.parts.mouth.nods().items()))
        self._nod = Playout()
        self._nod.add(DoneVoicing(sound), text)
        self._tell("nod", text)

    def _tell(self, kind: str, text: str = "") -> None:
        self._events.append(Happening(self.now, kind, text))
        if kind == "fault":
            self._events.append(Trouble(text))


@dataclass(frozen=True)
class DoneVoicing:
    """An utterance that is there already."""

    sound: Voiced

    def audio(self) -> Voiced:
        """See `Voicing.audio`."""
        return self.sound

    def cancel(self) -> None:
        """Nothing is being made."""

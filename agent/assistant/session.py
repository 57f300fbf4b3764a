"""One talk with an assistant: 80 ms of the user in, 80 ms of the agent out, at once, whatever ear, mind and mouth do.

    talk = Talk(parts, TalkOptions(instructions="You are a patient cook."))
    out = talk.push(frame)                       # float32 [1920] -> FrameOut: out.audio, out.text, out.events

Each frame the source of cues and the ear are given the sound, the floor decides, and what it decided is done. All work
runs in the parts' lanes; what they have made by now is asked for. The same frames and the same answers of the parts at
the same frames give the same talk, bit for bit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from corpus.audio import FRAME_SAMPLES, FRAME_SECONDS, Samples

from ..listener import Cues
from ..live.frame_out import FrameOut, PartTimes
from ..live.talk_events import (
    AgentBegan,
    AgentEnded,
    AgentWrites,
    EndOfTurn,
    Happening,
    TalkEvent,
    ToolWanted,
    Trouble,
    UserBegan,
    UserEnded,
    UserWords,
)
from ..live.wishes import Forgotten, Respond, ToolResult, Truncate, Write
from .answer import Answer
from .asked import Asked
from .echo import EchoGuard
from .floor import VOICE, Action, FloorState, Inputs, decide
from .hearing import OpenPhrase
from .history import History
from .parts import Message
from .phrases import is_question
from .playout import DoneVoicing, Playout
from .talk_parts import Parts, TalkOptions

FILLER = "Let me see."
WORDS_A_TOKEN = 0.75  # of English
NO_TOKENS = np.zeros(0, np.int64)
NO_TIMES = PartTimes(0.0, 0.0, 0.0)


class AssistantTalk:
    """A conversation; one thread may push."""

    def __init__(self, parts: Parts, options: TalkOptions) -> None:
        self.parts, self.options = parts, options
        self.history = History()
        self.state = FloorState()
        self._cues = parts.turns.open()
        self._ear = parts.ear.open()
        self._hearing, self._echo = OpenPhrase(), EchoGuard()
        self._answer: Answer | None = None
        self._nod: Playout | None = None
        self._filler = parts.mouth.say(FILLER)  # made ahead
        self._wanted = options.greeting  # words to say
        self.asked = Asked()
        self._given: Respond | None = None  # what the answer at work was asked for by
        self._began = 0  # frame of the agent's turn
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
        self._heed_respond()
        self.state, actions = decide(self.state, self._inputs(cues), self.asked.manners(self.options.manners))
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

    def respond(self, wish: Respond) -> None:
        """Answer what was said so far, once it is known; what is being said gives way."""
        if self.state.mode in ("speaking", "ducked", "stopped"):
            self._end_turn("interrupted")
        self.asked.respond = wish

    def cancel(self) -> None:
        """End what is being said or thought, and nothing more: the floor is free."""
        self.asked.respond = None
        self._end_turn("cancelled")

    def _end_turn(self, status: EndOfTurn) -> None:
        """What is being said or thought ends with this frame; the user's words stay to be answered."""
        if self.state.mode in ("speaking", "ducked", "stopped"):
            self._settle(status)
        elif self.state.mode == "thinking":
            self._drop_answer()
        self.state = replace(self.state, mode="listening", thought="", told=False, voice=0, late=0)
        self._tell("stop")

    def remember(self, wish: Write | ToolResult | Truncate | Forgotten) -> None:
        """Change what was said so far: an entry more, one less, or a shorter one."""
        self.history = self.asked.remembered(self.history, wish)

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

    def _heed_respond(self) -> None:
        """Before an answer that was asked for, what the user said until now becomes history, so that it is answered."""
        waits = self.state.mode in ("listening", "holding") or (self.state.mode == "thinking" and not self.state.told)
        if self.asked.respond is None or not waits or not self._hearing.fresh:
            return
        if self.state.mode == "thinking":
            self._drop_answer()
            self.state = replace(self.state, mode="listening", thought="", late=0)
        if self._hearing.words or self._user_talks:
            self._forget_words(answered=self._hearing.words)

    def _inputs(self, cues: Cues) -> Inputs:
        answer = self._answer
        asked = self.asked.respond is not None and self._hearing.fresh
        return Inputs(
            cues=cues,
            words=self._hearing.words,
            fresh=self._hearing.fresh,
            ready=answer is not None and answer.ready,
            over=answer is not None and answer.finished,
            saying=answer.playout.saying() if answer is not None else "",
            asked=is_question(self.history.last_said),
            wanted=bool(self._wanted) or asked,
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
        self._given = None if words or told else self.asked.respond
        self._wanted = "" if told else self._wanted
        given, settings = self._given, self.asked.settings
        answer = Answer(
            words,
            self.parts.mind,
            self.parts.mouth,
            self.asked.tools(self.parts.tools),
            self._messages(words),
            self._tell,
            aloud=settings.speaks if given is None or given.speaks is None else given.speaks,
            speed=settings.speed,
            clients=self.asked.clients,
            most_words=None if settings.most_tokens is None else max(1, round(settings.most_tokens * WORDS_A_TOKEN)),
        )
        if told:
            answer.say(told)
        else:
            answer.begin()
        answer.pump()
        self._answer = answer

    def _messages(self, words: str) -> tuple[Message, ...]:
        """What the mind reads for an answer to words, or to what was asked for."""
        given, told = self._given, self.asked.instructions(self.options.instructions, self._given)
        if given is None or given.given is None:
            return tuple(self.history.to_think(told, words))
        return tuple(History(tuple(Message(each.role, each.text) for each in given.given)).to_think(told, ""))

    def _begin(self, answer: Answer, action: Action) -> None:
        """The agent takes the floor: what the user said is heard for good."""
        if not self.asked.alone and self._given is None and answer.words:
            self._drop_answer()  # the client alone has answers given: the turn is over, and no more
            self.state = replace(self.state, mode="listening")
            self._forget_words(answered=answer.words)
            return
        text = FILLER if action.kind == "fill" and answer.aloud else ""
        if text:
            answer.playout.add(self._filler, text, first=True)
        self._forget_words(answered=answer.words)
        self._agent_turn, self._began = self._agent_turn + 1, self.state.frame
        self._events.append(AgentBegan(self._agent_turn, self._given.id if self._given else ""))
        self.asked.respond = None if self._given is self.asked.respond else self.asked.respond
        self._tell(action.kind, text)

    def _forget_words(self, answered: str = "") -> None:
        """The user's words so far are done with: answered, or not meant to be."""
        self.history = self.history.heard(answered)
        self._understood += f" {answered}" if answered else ""
        if self._user_talks:
            self._events.append(UserWords(self._user_turn, answered or self._hearing.words, True))
            self._events.append(UserEnded(self._user_turn, 1e3 * self.now))
            self.asked.entries[f"user{self._user_turn}"] = Message("user", answered)
        self._user_talks = self.asked.turn_over = False
        self._ear.phrase_ends(self.now)
        self._hearing.forget()

    def _sound(self) -> tuple[Samples, list[str]]:
        """The next frame, and the words in it."""
        speaks = self._answer is not None and self.state.mode in ("speaking", "ducked", "stopped", "holding")
        if self._answer is not None and speaks:
            audio, words = self._answer.playout.frame()
            self._events += [AgentWrites(self._agent_turn, f"{text} ") for text in self._write(self._answer)]
            self.asked.says(self._agent_turn, 1e3 * FRAME_SECONDS * (self.state.frame - self._began), words)
        else:
            audio, words = np.zeros(FRAME_SAMPLES, np.float32), []
            if self._answer is not None and self.state.mode == "listening":
                self._settle()
        if self._nod is not None:
            audio = audio + self._nod.frame()[0]
            self._nod = self._nod if self._nod.waiting else None
        return audio, words

    def _write(self, answer: Answer) -> list[str]:
        """The clauses of an answer that is not voiced count as said at once."""
        written = answer.written()
        answer.playout.voiced += written
        return written

    def _settle(self, status: EndOfTurn | None = None) -> None:
        """An answer is over, voiced to its end or cut: what was voiced of it becomes history."""
        answer, self._answer = self._answer, None
        if answer is None:
            return
        said = " ".join(answer.playout.voiced)
        status = status or ("failed" if answer.failed else "completed" if answer.finished else "interrupted")
        status = "incomplete" if status == "completed" and answer.cut else status
        calls = tuple(answer.client_calls) if status == "completed" else ()
        answer.cancel()
        if self._given is None or self._given.remembered:
            called = (Message("assistant", "", calls),) if calls else ()
            self.history = self.history.plus(*answer.made).voiced(said).plus(*called)
            self.asked.entries[f"agent{self._agent_turn}"] = Message("assistant", said)
        self._events += [ToolWanted(self._agent_turn, call.id, call.name, call.arguments) for call in calls]
        if said or calls or status == "cancelled":
            self._events.append(self._ended(answer, status, said))
        self._given = None

    def _ended(self, answer: Answer, status: EndOfTurn, said: str) -> AgentEnded:
        """The end of the agent's turn, with about the tokens that it took: a word is a token and a third."""
        read = sum(len(message.text.split()) for message in answer.messages)
        read, wrote = round(read / WORDS_A_TOKEN), round(len(said.split()) / WORDS_A_TOKEN)
        return AgentEnded(self._agent_turn, status, said, read, wrote)

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

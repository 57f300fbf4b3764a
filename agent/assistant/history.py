"""What was said so far: the words that were really heard and really voiced, as a mind reads them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from .parts import Message


@dataclass(frozen=True)
class History:
    """A talk as messages; every change is a new value."""

    messages: tuple[Message, ...] = ()

    def heard(self, words: str) -> History:
        """The user said something; with what he said before, where nobody answered him."""
        if not words:
            return self
        last = self.messages[-1] if self.messages else None
        if last is not None and last.role == "user":
            joined = replace(last, text=f"{last.text} {words}")
            return replace(self, messages=(*self.messages[:-1], joined))
        return self.plus(Message("user", words))

    def voiced(self, words: str) -> History:
        """The agent said something, up to the word where it was cut; nothing changes where it said nothing."""
        return self.plus(Message("assistant", words)) if words.strip() else self

    def plus(self, *messages: Message) -> History:
        """The history with messages behind it."""
        return replace(self, messages=(*self.messages, *messages))

    def changed(self, role: str, text: str, now: str) -> History:
        """The history with this text of the newest message of a role that has it changed; "" takes it out."""
        for place in reversed(range(len(self.messages))):
            message = self.messages[place]
            if text and message.role == role and text in message.text:
                words = " ".join(message.text.replace(text, now, 1).split())
                kept = (replace(message, text=words),) if words or message.calls else ()
                return replace(self, messages=(*self.messages[:place], *kept, *self.messages[place + 1 :]))
        return self

    def without(self, message: Message) -> History:
        """The history without one of its messages."""
        return replace(self, messages=tuple(each for each in self.messages if each is not message))

    def to_think(self, instructions: str, words: str) -> Sequence[Message]:
        """What a mind reads to answer `words`; "" where it is to begin by itself."""
        beginning = (Message("system", instructions),) if instructions else ()
        return (*beginning, *self.heard(words).messages)

    @property
    def last_said(self) -> str:
        """The agent's last words."""
        return next((message.text for message in reversed(self.messages) if message.role == "assistant"), "")

"""What a chat model is to the writers: messages in, one reply out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class ChatMessage:
    """One message of a conversation with a model."""

    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class ModelReply:
    """What a model answered, without its reasoning.

    `cut_off`: it had more to say than it was allowed. `prompt_tokens`, `answer_tokens`: read and written, reasoning and
    all; 0 where nobody counted.
    """

    text: str
    cut_off: bool
    prompt_tokens: int = 0
    answer_tokens: int = 0


class ChatModel(Protocol):
    """A language model that answers messages; called from several threads at once.

    Attributes:
        name: as it is told to users.
    """

    name: str

    def check(self) -> None:
        """Raise ValueError, saying what to do, if the model cannot be had."""
        ...

    def chat(self, messages: Sequence[ChatMessage], *, seed: int, most_tokens: int, as_json: bool) -> ModelReply:
        """Answer the messages with at most so many tokens; `as_json` where the answer has to be JSON.

        Raises:
            ValueError: the model cannot be had, now or after some tries; nothing else can be written either.
        """
        ...

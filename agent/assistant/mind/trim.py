"""Messages that fit a model's context: instructions and the newest stay, the oldest of the talk go.

They go in large steps. Whatever is dropped changes what follows the instructions, so that a model that keeps its
prefix would have to read everything again after each turn if one message went at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from ..parts import Message, Tool

MESSAGE_TOKENS = 6  # of a message beside its text
CHARACTERS_A_TOKEN = 3.0  # on the safe side: English has four


def estimate(text: str) -> int:
    """Tokens of a text, rather too many."""
    return int(len(text) / CHARACTERS_A_TOKEN) + 1


def fit(
    messages: Sequence[Message],
    tools: Sequence[Tool],
    room: int,
    count: Callable[[str], int] = estimate,
) -> list[Message]:
    """The messages that fit into `room` tokens: the instructions they begin with, then the newest whole exchanges.

    The last message of the user and all after it stay in any case; a text of his that alone is too long keeps its end.
    """
    lead = next((i for i, message in enumerate(messages) if message.role != "system"), len(messages))
    head, talk = list(messages[:lead]), list(messages[lead:])
    sizes = [_size(message, count) for message in talk]
    fixed = sum(_size(message, count) for message in head)
    fixed += sum(count(f"{tool.name}{tool.description}{tool.parameters}") for tool in tools)
    budget = max(1, room - fixed)
    over = sum(sizes) - budget
    if over <= 0:
        return [*head, *talk]
    step = max(1, budget // 2)
    drop = -(-over // step) * step
    starts = [i for i, message in enumerate(talk) if message.role == "user"] or [0]
    first = next((i for i in starts if sum(sizes[:i]) >= drop), starts[-1])
    return [*head, *_shortened(talk[first:], budget, count)]


def _size(message: Message, count: Callable[[str], int]) -> int:
    calls = sum(count(call.name + call.arguments) for call in message.calls)
    return count(message.text) + calls + MESSAGE_TOKENS


def _shortened(talk: list[Message], budget: int, count: Callable[[str], int]) -> list[Message]:
    """The last exchange, its longest text cut at its start until all fits."""
    while talk and sum(_size(message, count) for message in talk) > budget:
        longest = max(range(len(talk)), key=lambda i: len(talk[i].text))
        text = talk[longest].text
        if len(text) < 40:
            break
        old = talk[longest]
        talk[longest] = Message(old.role, text[len(text) // 4 + 1 :], old.calls, old.call_id)
    return talk

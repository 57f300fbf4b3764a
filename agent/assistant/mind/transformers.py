"""The mind `transformers:ID_OR_PATH`: a chat model in this process, read by transformers; nothing is downloaded.

The keys and values of the last conversation are kept, as far as the next one begins with the same tokens.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any

from synth.script.models.local import load_local

from ..parts import Message, Tool
from .chat_stream import CallPart, Delta, MindError, Stopped, as_request

_CALL, _CALL_END = "<tool_call>", "</tool_call>"
_OPENED = re.compile(r"<think>\s*$")


class TransformersStream:
    """A causal language model with a chat template; see `ChatStream`. One conversation at a time.

    Args:
        name: as the user gave it.
        source: a folder or a repository in the local cache.
        temperature: of its sampling; 0 takes the likeliest.
        seed: of it.
    """

    leaves = False
    at_once = 1

    def __init__(self, name: str, source: str, temperature: float = 0.7, seed: int = 0) -> None:
        """Load it. Raises ValueError, saying what to do, when it cannot be."""
        self.name, self.opens_thought = name, False
        self._tokenizer, self._model = load_local(name, source)
        if not getattr(self._tokenizer, "chat_template", None):
            raise ValueError(f"mind {name} has no chat template: choose a model that was made for conversations")
        self.context = int(getattr(self._model.config, "max_position_embeddings", None) or 4096)
        self._temperature, self._seed = temperature, seed
        self._turn = threading.Lock()
        self._kept: tuple[list[int], Any] = ([], None)  # tokens, and the cache that has read them

    def stream(
        self, messages: Sequence[Message], tools: Sequence[Tool], most_tokens: int, stopped: Stopped
    ) -> Iterator[Delta]:
        """See `ChatStream.stream`."""
        with self._turn:
            text = self._prompt(messages, tools)
            self.opens_thought = _OPENED.search(text) is not None
            given = self._tokenizer(text, add_special_tokens=False)["input_ids"]
            if len(given) + 1 > self.context:
                raise MindError(f"the conversation has {len(given)} tokens, the model reads {self.context}")
            yield from _with_calls(self._said(given, most_tokens, stopped))

    def _prompt(self, messages: Sequence[Message], tools: Sequence[Tool]) -> str:
        request = as_request(messages, tools, 0)
        for message in request["messages"]:
            for call in message.get("tool_calls", ()):  # templates want the arguments as a mapping
                call["function"]["arguments"] = _mapping(call["function"]["arguments"])
        try:
            return str(
                self._tokenizer.apply_chat_template(
                    request["messages"],
                    tools=request.get("tools"),
                    tokenize=False,
                    add_generation_prompt=True,
                    enable_thinking=False,  # nobody wants to wait for its thoughts
                )
            )
        except Exception as error:  # a template raises what it likes
            raise MindError(f"its chat template refuses the conversation: {error}") from None

    def _said(self, given: list[int], most_tokens: int, stopped: Stopped) -> Iterator[Delta]:
        """The answer as text, a token at a time."""
        import torch

        ends = self._model.generation_config.eos_token_id
        ends = set(ends if isinstance(ends, list) else [ends])
        kept, cache = self._kept
        shortest = min(len(kept), len(given) - 1)  # the last token has to be read for what follows it
        same = next((i for i in range(shortest) if kept[i] != given[i]), shortest)
        self._kept = ([], None)
        if same and len(kept) > same:
            cache.crop(same - len(kept))  # so many at the end are forgotten
        draw = torch.Generator().manual_seed(self._seed)
        read, new, told, finish = list(given[:same]), list[int](), "", "length"
        pending = given[same:]
        for _ in range(min(most_tokens, self.context - len(given))):
            with torch.inference_mode():
                out = self._model(
                    torch.tensor([pending], device=self._model.device),
                    past_key_values=cache if read else None,
                    use_cache=True,
                )
            cache, read = out.past_key_values, [*read, *pending]
            self._kept = (read, cache)
            token = self._drawn(out.logits[0, -1].float().cpu(), draw)
            if token in ends:
                finish = "stop"
                break
            if stopped():
                return
            new.append(token)
            pending = [token]
            text = self._tokenizer.decode(new, skip_special_tokens=False)
            if not text.endswith("\ufffd"):  # half a character
                yield Delta(text[len(told) :])
                told = text
        yield Delta(finish=finish)

    def _drawn(self, logits: Any, draw: Any) -> int:
        import torch

        if not self._temperature:
            return int(logits.argmax())
        return int(torch.multinomial(torch.softmax(logits / self._temperature, -1), 1, generator=draw))


def _with_calls(deltas: Iterator[Delta]) -> Iterator[Delta]:
    """Calls that a model writes into its text, `<tool_call>{"name": ..., "arguments": ...}</tool_call>`, as calls."""
    held, number = "", 0
    for delta in deltas:
        held += delta.text
        while _CALL_END in held:
            before, _, rest = held.partition(_CALL)
            body, _, held = rest.partition(_CALL_END)
            yield Delta(before, (_call(number, body),))
            number += 1
        start = held.find(_CALL)
        ready = start if start >= 0 else len(held) - _overlap(held)
        yield Delta(held[:ready], finish=delta.finish)
        held = held[ready:]
    if held and not held.startswith(_CALL):
        yield Delta(held)


def _call(number: int, body: str) -> CallPart:
    try:
        call = json.loads(body)
        arguments = call.get("arguments", {})
        return CallPart(number, f"call-{number}", str(call["name"]), json.dumps(arguments))
    except (ValueError, KeyError, AttributeError):
        return CallPart(number)


def _overlap(text: str) -> int:
    """How many of the last letters could begin a call."""
    return next((size for size in range(len(_CALL) - 1, 0, -1) if text.endswith(_CALL[:size])), 0)


def _mapping(arguments: str) -> object:
    try:
        return json.loads(arguments)
    except ValueError:
        return {}

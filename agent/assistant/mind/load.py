"""Which minds there are: `openai:URL#MODEL`, `gguf:FILE`, `transformers:ID_OR_PATH`, `echo`, `script:FILE`."""

from __future__ import annotations

import os
from pathlib import Path

from ..work import Executor
from .chat_stream import ChatStream
from .thinking import Manner, ThinkingMind

HELP = "openai:URL#MODEL, gguf:FILE, transformers:ID_OR_PATH, echo or script:FILE"
KEY = "OPENAI_API_KEY"  # the environment variable that holds a server's key, unless another is named


def load_mind(
    name: str,
    executor: Executor,
    *,
    manner: Manner | None = None,
    key: str = KEY,
    context: int = 4096,
    at_once: int = 1,
    threads: int = 1,
) -> ThinkingMind:
    """The mind of this name.

    Args:
        name: one of `HELP`.
        executor: gives the lane in which it thinks.
        manner: how it is asked.
        key: the environment variable that holds a server's key.
        context: tokens of one conversation.
        at_once: conversations that a model in this process thinks for at the same time.
        threads: cores it may use for one.

    Raises:
        ValueError: there is no such mind, or it cannot be had; the message says what to type.
    """
    kind, _, rest = name.partition(":")
    if kind == "openai":
        url, _, model = rest.partition("#")
        if not url.startswith(("http://", "https://")) or not model:
            raise ValueError(f"{name!r} names no model of a server; write openai:http://localhost:11434/v1#MODEL")
        from .openai import OpenAIStream

        stream: ChatStream = OpenAIStream(url, model, os.environ.get(key, ""), context=context)
    elif kind == "gguf" and rest:
        from .gguf import LlamaStream

        stream = LlamaStream(name, Path(rest).expanduser(), context, at_once, threads)
    elif kind == "transformers" and rest:
        from .transformers import TransformersStream

        stream = TransformersStream(name, rest)
    elif name == "echo":
        from .scripted import EchoStream

        stream = EchoStream()
    elif kind == "script" and rest:
        from .scripted import read_script

        stream = read_script(name, Path(rest).expanduser())
    else:
        raise ValueError(f"no mind is called {name!r}; choose {HELP}")
    return ThinkingMind(stream, executor, manner)

"""Which writers there are: `builtin`, `scripts:FILE`, `openai:URL#MODEL`, `transformers:ID_OR_PATH`, `gguf:FILE`."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Literal

from ..web_request import Patience
from .builtin.writer import BuiltinWriter
from .finished import FinishedWriter
from .line import Writer
from .models.chat import ChatModel
from .models.local import LocalModel
from .models.openai import OpenAIClient
from .models.prompting import load_passages
from .models.writer import Mode, ModelWriter

KINDS = ("builtin", "scripts", "openai", "transformers", "gguf")
HELP = "builtin, openai:URL#MODEL, transformers:ID_OR_PATH, gguf:FILE or scripts:FILE.jsonl"


@dataclass(frozen=True)
class WriterName:
    """A writer's name in its parts: for `openai` the URL and the model, for the local ones the source."""

    kind: Literal["builtin", "scripts", "openai", "transformers", "gguf"]
    source: str = ""
    model: str = ""


@dataclass(frozen=True)
class WriterManner:
    """How a model is asked; see the recipe's table `[writer]`."""

    mode: Literal["auto", "json", "turns"]
    passages: str
    prompts: str
    facts: str
    temperature: float
    tries: int
    key: str
    timeout: float
    retries: int


def parse_writer(name: str) -> WriterName:
    """The parts of a writer's name. Raises ValueError, saying what names there are."""
    kind, _, rest = name.partition(":")
    if name == "builtin":
        return WriterName("builtin")
    if kind == "scripts" and rest:
        return WriterName("scripts", rest)
    if kind == "openai":
        url, _, model = rest.partition("#")
        if url.startswith(("http://", "https://")) and model:
            return WriterName("openai", url, model)
        raise ValueError(f"{name!r} names no model of a server; write openai:http://HOST:PORT/v1#MODEL")
    if kind == "transformers" and rest:
        return WriterName("transformers", rest)
    if kind == "gguf" and rest:
        if not rest.endswith(".gguf"):
            raise ValueError(f"{name!r} names no GGUF file; write gguf:FILE.gguf")
        return WriterName("gguf", rest)
    raise ValueError(f"no writer is called {name!r}; choose {HELP}")


def load_writer(name: str, manner: WriterManner) -> Writer:
    """The writer of this name; a model is reached or loaded on first use. Raises ValueError for an unusable name."""
    parts = parse_writer(name)
    if parts.kind == "builtin":
        return BuiltinWriter(manner.facts)
    if parts.kind == "scripts":
        return FinishedWriter(parts.source)
    model: ChatModel
    if parts.kind == "openai":
        patience = Patience(manner.timeout, manner.retries)
        model = OpenAIClient(parts.source, parts.model, os.environ.get(manner.key, ""), manner.temperature, patience)
    else:
        model = LocalModel(name, parts.source, manner.temperature)
    mode: Mode = ("json" if parts.kind == "openai" else "turns") if manner.mode == "auto" else manner.mode
    return ModelWriter(model, name, mode, manner.tries, load_passages(manner.passages), manner.prompts)

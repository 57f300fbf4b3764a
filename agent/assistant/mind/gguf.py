"""The mind `gguf:FILE`: llama.cpp in this process, by the wheel xllamacpp.

llama.cpp keeps the longest prefix of each conversation, so that a turn costs only what is new in it. A model with a
sliding window keeps it only with its whole cache (`swa_full`).
"""

from __future__ import annotations

import queue
import secrets
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from ..parts import Message, Tool
from .chat_stream import Delta, MindError, Stopped, as_request, read_chunk

_OVER = object()


class LlamaStream:
    """A model file; see `ChatStream`.

    Args:
        name: as the user gave it.
        path: the GGUF file.
        context: tokens of one conversation.
        at_once: conversations it thinks for at the same time, each with its context.
        threads: cores.
        temperature: of its sampling.
        first_wait, wait: s until its first word, and between two.
    """

    leaves = False

    def __init__(
        self,
        name: str,
        path: Path,
        context: int = 4096,
        at_once: int = 1,
        threads: int = 1,
        temperature: float = 0.7,
        first_wait: float = 60.0,
        wait: float = 20.0,
    ) -> None:
        """Load it. Raises ValueError, saying what to do, when it cannot be."""
        self.name, self.context, self.at_once, self.opens_thought = name, context, at_once, False
        self._temperature, self._first_wait, self._wait = temperature, first_wait, wait
        if not path.is_file():
            raise ValueError(f"mind {name}: there is no file {path}")
        try:
            import xllamacpp  # type: ignore[import-untyped]
        except ModuleNotFoundError:
            raise ValueError("a mind from a GGUF file needs xllamacpp: pip install xllamacpp") from None
        settings = xllamacpp.CommonParams()
        settings.model.path = str(path)
        settings.n_ctx, settings.n_parallel = context * at_once, at_once
        settings.cpuparams.n_threads = settings.cpuparams_batch.n_threads = threads
        settings.use_jinja, settings.swa_full, settings.cache_prompt = True, True, True
        settings.verbosity = -1
        settings.ui = False
        settings.api_keys = [secrets.token_hex(16)]  # it also listens on a port of this machine: for nobody
        try:
            self._server: Any = xllamacpp.Server(settings)
        except (RuntimeError, ValueError, OSError) as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(f"mind {name} cannot be loaded: {reason}") from None

    def stream(
        self, messages: Sequence[Message], tools: Sequence[Tool], most_tokens: int, stopped: Stopped
    ) -> Iterator[Delta]:
        """See `ChatStream.stream`."""
        body = {
            **as_request(messages, tools, most_tokens),
            "temperature": self._temperature,
            "cache_prompt": True,
            "chat_template_kwargs": {"enable_thinking": False},  # nobody wants to wait for its thoughts
        }
        chunks: queue.SimpleQueue[object] = queue.SimpleQueue()
        closed = threading.Event()

        def take(chunk: object) -> bool:
            chunks.put(chunk)
            return closed.is_set() or stopped()

        def work() -> None:
            try:
                self._server.handle_chat_completions(body, take)
            except Exception as error:
                chunks.put({"error": str(error)})
            chunks.put(_OVER)

        thread = threading.Thread(target=work, name="mind-gguf", daemon=True)
        thread.start()
        wait = self._first_wait
        try:
            while (chunk := chunks.get(timeout=wait)) is not _OVER:
                if (delta := read_chunk(chunk)) is not None:
                    wait = self._wait
                    yield delta
        except queue.Empty:
            raise MindError("the model is silent for too long") from None
        finally:
            closed.set()

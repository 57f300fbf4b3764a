"""The mind `openai:URL#MODEL`: any server with OpenAI's chat endpoint, streaming; Ollama, llama.cpp, vLLM, ..."""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..parts import Message, Tool
from .chat_stream import Delta, MindError, Stopped, as_request, read_chunk

MOST_BYTES = 4_000_000  # of one answer
MOST_LINE = 1_000_000  # of one event
UNTHINKING = {"reasoning_effort": "none", "chat_template_kwargs": {"enable_thinking": False}}  # Ollama, llama.cpp, vLLM
POLL = 0.05  # s between looks at whether the thought is still wanted


class _RefusedError(Exception):
    """The server does not take the request as it is."""


@dataclass(frozen=True)
class Waits:
    """How long a server may be silent: until its first word, and between two (s)."""

    first: float = 20.0
    next: float = 8.0


class OpenAIStream:
    """A model of a server; see `ChatStream`.

    Args:
        url: up to and including the version, such as `http://localhost:11434/v1`.
        model: as the server calls it.
        key: sent as a bearer token, if there is one.
        waits: how long it may be silent.
        context: tokens the model reads; servers do not tell.
    """

    def __init__(self, url: str, model: str, key: str = "", waits: Waits | None = None, context: int = 4096) -> None:
        self.name = f"openai:{url}#{model}"
        self.at_once, self.context, self.opens_thought = 8, context, False
        self._parts, self._model, self._waits = urlsplit(url.rstrip("/")), model, waits or Waits()
        self._unthinking = True  # it is asked to answer at once: nobody wants to wait for its thoughts
        self._headers = {"Content-Type": "application/json", "Accept": "text/event-stream"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self.leaves = not is_here(self._parts.hostname or "")

    def stream(
        self, messages: Sequence[Message], tools: Sequence[Tool], most_tokens: int, stopped: Stopped
    ) -> Iterator[Delta]:
        """See `ChatStream.stream`."""
        body = {"model": self._model, **as_request(messages, tools, most_tokens)}
        if self._unthinking:
            try:
                yield from self._answer({**body, **UNTHINKING}, stopped)
                return
            except _RefusedError:
                self._unthinking = False  # a server that takes no field it does not know
        yield from self._answer(body, stopped)

    def _answer(self, body: dict[str, Any], stopped: Stopped) -> Iterator[Delta]:
        connection, over = self._connection(), threading.Event()
        try:
            connection.connect()
            wire = connection.sock  # an answer takes it away from the connection
            _Watch(wire, stopped, over).start()
            connection.request("POST", f"{self._parts.path}/chat/completions", json.dumps(body), self._headers)
            answer = connection.getresponse()
            if answer.status in (400, 422) and "reasoning_effort" in body:
                raise _RefusedError
            if answer.status != 200:
                told = " ".join(answer.read(400).decode(errors="replace").split())
                raise MindError(f"the server answers {answer.status} {told}".strip())
            yield from self._deltas(wire, answer)
        except TimeoutError:
            raise MindError("the server is silent for too long") from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            if stopped():
                return
            raise MindError(f"the connection failed: {str(error) or type(error).__name__}") from None
        finally:
            over.set()
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port, wait = self._parts.hostname or "", self._parts.port, self._waits.first
        if self._parts.scheme == "https":
            return http.client.HTTPSConnection(host, port, timeout=wait, context=ssl.create_default_context())
        return http.client.HTTPConnection(host, port, timeout=wait)

    def _deltas(self, wire: socket.socket, answer: http.client.HTTPResponse) -> Iterator[Delta]:
        """What the events say; a server that does not stream is read whole."""
        if "json" in (answer.headers.get_content_type() or ""):
            whole = read_chunk(_loaded(answer.read(MOST_BYTES)))
            if whole is None:
                raise MindError("the server's answer cannot be read")
            yield whole
            return
        size = understood = unread = 0
        finished = False
        while line := answer.readline(MOST_LINE):
            size += len(line)
            if size > MOST_BYTES:
                raise MindError("the server does not stop")
            if not line.startswith(b"data:"):
                continue
            data = line[len(b"data:") :].strip()
            if data == b"[DONE]":
                finished = True
                break
            delta = read_chunk(_loaded(data))
            if delta is None:
                unread += 1
                continue
            understood += 1
            finished = finished or bool(delta.finish)
            wire.settimeout(self._waits.next)
            yield delta
        if not understood:
            raise MindError("the server's answer cannot be read" if unread else "the server said nothing")
        if not finished:
            raise MindError("the answer was cut off")


class _Watch(threading.Thread):
    """Shuts a connection as soon as nobody wants what it brings, so that the server stops, too."""

    def __init__(self, wire: socket.socket, stopped: Stopped, over: threading.Event) -> None:
        super().__init__(name="mind-watch", daemon=True)
        self._wire, self._stopped, self._over = wire, stopped, over

    def run(self) -> None:
        """Look until the answer is over."""
        while not self._over.wait(POLL):
            if self._stopped():
                with contextlib.suppress(OSError):
                    self._wire.shutdown(socket.SHUT_RDWR)
                return


def is_here(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _loaded(data: bytes) -> object:
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None

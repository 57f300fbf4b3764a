"""A stand-in for OpenAI's chat endpoint as a mind meets it: it streams, stalls, cuts off, talks nonsense."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.http_server import answering

STALL, CUT = object(), object()  # in a script: say nothing more until the test is over; close the connection


def said(text: object, **other: object) -> dict[str, Any]:
    """A chunk with some text."""
    return {"choices": [{"index": 0, "delta": {"content": text, **other}}]}


def finished(reason: str = "stop") -> dict[str, Any]:
    """The last chunk."""
    return {"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}


def call(index: int, **function: str) -> dict[str, Any]:
    """A chunk with a part of a tool call."""
    parts = {"index": index, "id": f"c{index}", "type": "function", "function": function}
    return {"choices": [{"index": 0, "delta": {"tool_calls": [parts]}}]}


@dataclass
class MindServer:
    """What it was asked, and what it answers: chunks, raw bytes or one of the marks above, in order."""

    url: str = ""
    script: Sequence[object] = ()
    status: int = 200
    stream: bool = True
    refuses: str = ""  # a field that it does not know
    requests: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    hung_up: threading.Event = field(default_factory=threading.Event)  # the client went away before the end


@contextmanager
def mind_server(script: Sequence[object] = (), *, status: int = 200, stream: bool = True) -> Iterator[MindServer]:
    """A server on a free port of this machine."""
    state = MindServer(script=script, status=status, stream=stream)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            state.requests.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            state.headers.append(dict(self.headers))
            if state.refuses and state.refuses in state.requests[-1]:
                self.send_response(400)
                self.end_headers()
                return
            kind = "text/event-stream" if state.stream and state.status == 200 else "application/json"
            self.send_response(state.status)
            self.send_header("Content-Type", kind)
            self.end_headers()
            for item in state.script:
                if item is CUT:
                    return
                if item is STALL:
                    self._wait()
                    return
                data = item if isinstance(item, bytes) else json.dumps(item).encode()
                self.wfile.write(data if not state.stream or isinstance(item, bytes) else b"data: " + data + b"\n\n")
                self.wfile.flush()
            if state.stream:
                self.wfile.write(b"data: [DONE]\n\n")

        def _wait(self) -> None:
            self.connection.settimeout(0.02)
            while not state.over.is_set():
                try:
                    if not self.connection.recv(1):
                        state.hung_up.set()
                        return
                except TimeoutError:
                    continue
                except OSError:
                    state.hung_up.set()
                    return

    with answering(Handler) as address:
        state.url = f"{address}/v1"
        try:
            yield state
        finally:
            state.over.set()

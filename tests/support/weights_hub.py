"""A stand-in for the Hugging Face hub on localhost that serves files of repositories, and counts what it served."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.support.http_server import answering

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Hub:
    """The server's address, the files it was asked for, and the repositories it keeps for those who agreed."""

    url: str
    files: Mapping[str, bytes]  # "owner/repo/file" -> content
    gated: frozenset[str] = frozenset()
    got: list[str] = field(default_factory=list)


@contextmanager
def serving(files: Mapping[str, bytes], gated: frozenset[str] = frozenset()) -> Iterator[Hub]:
    """Serve files of repositories until the context ends."""
    hub = Hub("", files, gated)

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self._answer(with_body=False)

        def do_GET(self) -> None:
            if "/resolve/" in self.path:
                hub.got.append(self.path)
            self._answer(with_body=True)

        def _answer(self, *, with_body: bool) -> None:
            repository, _, file = self.path.lstrip("/").partition("/resolve/main/")
            content, error = hub.files.get(f"{repository}/{file}"), ""
            if repository in hub.gated:
                status, error, content = 403, "GatedRepo", b"ask first"
            elif content is None:
                status, error, content = 404, "EntryNotFound", b"no such file"
            else:
                status = 200
            self.send_response(status)
            headers = {
                "Content-Length": str(len(content)),
                "X-Repo-Commit": COMMIT,
                "ETag": f'"{hashlib.sha256(content).hexdigest()}"',
            } | ({"X-Error-Code": error} if error else {})
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if with_body:
                self.wfile.write(content)

    with answering(Handler) as hub.url:
        yield hub

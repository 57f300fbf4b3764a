"""A stand-in for the Hugging Face hub on localhost: repositories, uploads and commits, kept in memory."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler

from tests.support.http_server import answering


@dataclass
class HubRepository:
    private: bool
    kind: str
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)


@dataclass
class Hub:
    """What the server holds. `token`: the only one it lets in."""

    url: str = ""
    token: str = "hf_test"
    repositories: dict[str, HubRepository] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)  # by SHA-256
    requests: list[str] = field(default_factory=list)


class _Handler(BaseHTTPRequestHandler):
    hub: Hub
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self.hub.requests.append(f"GET {self.path}")
        name = "/".join(self.path.split("?")[0].split("/")[3:5])
        if name not in self.hub.repositories:
            return self._send(404, {"error": "Repository not found"})
        repository = self.hub.repositories[name]
        return self._send(200, {"id": name, "private": repository.private, "sha": "0" * 40, "siblings": [], "tags": []})

    def do_POST(self) -> None:
        self.hub.requests.append(f"POST {self.path}")
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.headers.get("Authorization") != f"Bearer {self.hub.token}":
            return self._send(401, {"error": "Invalid credentials"})
        path = self.path.split("?")[0]
        if path == "/api/repos/create":
            return self._create(json.loads(body))
        if path == "/api/validate-yaml":
            return self._send(200, {"errors": [], "warnings": []})
        if path.endswith("/info/lfs/objects/batch"):
            return self._send(
                200, {"transfer": "basic", "objects": [self._place(o) for o in json.loads(body)["objects"]]}
            )
        name = "/".join(path.split("/")[3:5])
        if "/preupload/" in path:
            return self._send(200, {"files": [self._mode(file["path"]) for file in json.loads(body)["files"]]})
        if "/commit/" in path:
            return self._commit(name, [json.loads(line) for line in body.splitlines()])
        return self._send(404, {"error": "unknown"})

    def do_PUT(self) -> None:
        self.hub.requests.append(f"PUT {self.path}")
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.hub.large[hashlib.sha256(data).hexdigest()] = data
        self._send(200, {})

    def _create(self, order: dict[str, str]) -> None:
        name = f"{order['organization']}/{order['name']}"
        if name in self.hub.repositories:
            return self._send(409, {"error": "exists", "url": f"{self.hub.url}/{name}"})
        private = order.get("visibility") == "private" or bool(order.get("private"))
        self.hub.repositories[name] = HubRepository(private, order.get("type", "model"))
        return self._send(200, {"url": f"{self.hub.url}/{name}", "id": name, "name": name})

    def _mode(self, path: str) -> dict[str, object]:
        large = path.endswith((".parquet", ".safetensors"))
        return {"path": path, "uploadMode": "lfs" if large else "regular", "shouldIgnore": False}

    def _place(self, entry: dict[str, object]) -> dict[str, object]:
        upload = {"href": f"{self.hub.url}/upload/{entry['oid']}", "header": {}}
        return {"oid": entry["oid"], "size": entry["size"], "actions": {"upload": upload}}

    def _commit(self, name: str, lines: list[dict[str, dict[str, str]]]) -> None:
        repository = self.hub.repositories[name]
        for line in lines:
            value = line["value"]
            if line["key"] == "header":
                repository.commits.append(value["summary"])
            elif line["key"] == "file":
                repository.files[value["path"]] = base64.b64decode(value["content"])
            elif line["key"] == "lfsFile":
                repository.files[value["path"]] = self.hub.large[value["oid"]]
        self._send(200, {"commitUrl": f"{self.hub.url}/{name}/commit/{'1' * 40}", "commitOid": "1" * 40})

    def _send(self, status: int, value: object) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if status == 404:
            self.send_header("X-Error-Code", "RepoNotFound")
        self.end_headers()
        self.wfile.write(data)


@contextmanager
def serve_hub() -> Iterator[Hub]:
    """A hub that answers until the block ends."""
    hub = Hub()
    with answering(type("Handler", (_Handler,), {"hub": hub})) as hub.url:
        yield hub

"""`agent fetch`: whole and checked files in the hub's cache, going on after a break, one line when it cannot be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from typer.testing import CliRunner

from agent.assistant.ear.whisper_weights import whisper_folder, whisper_weights
from agent.assistant.fetch import fetch, weights_of
from agent.cli import app
from tests.support.http_server import answering

pytest.importorskip("huggingface_hub", reason="needs the extra assistant")
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {name: (name * 50_000).encode() for name in whisper_weights("base.en").files}


@dataclass
class Hub:
    """A hub that redirects to a store of bytes, as the real one does; `breaks`: after how many bytes it hangs up."""

    url: str = ""
    breaks: list[int] = field(default_factory=list)
    ranges: list[str] = field(default_factory=list)
    damaged: bool = False
    status: int = 302


@contextmanager
def hub() -> Iterator[Hub]:
    state = Hub()

    class Handler(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            content = FILES.get(self.path.rpartition("/")[2])
            if content is None or state.status != 302:
                self.send_response(404 if state.status == 302 else state.status)
                self.end_headers()
                return
            self.send_response(302)
            self.send_header("Location", f"{state.url.replace('127.0.0.1', 'localhost')}/store{self.path}")
            self.send_header("X-Repo-Commit", COMMIT)
            self.send_header("X-Linked-Etag", f'"{hashlib.sha256(content).hexdigest()}"')
            self.send_header("X-Linked-Size", str(len(content)))
            self.end_headers()

        def do_GET(self) -> None:
            content = FILES[self.path.rpartition("/")[2]]
            content = b"x" * len(content) if state.damaged else content
            start = int((self.headers.get("Range") or "bytes=0-").removeprefix("bytes=").rstrip("-"))
            state.ranges.append(self.headers.get("Range", ""))
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            self.wfile.write(content[start : start + state.breaks.pop(0) if state.breaks else None])

    with answering(Handler) as state.url:
        yield state


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("huggingface_hub.file_download.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_a_broken_download_goes_on_and_is_found_by_name(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        server.breaks += [30_000, 1_000]
        seen: list[tuple[str, int, int]] = []
        fetch(weights_of("whisper:base.en"), lambda line: None, lambda *now: seen.append(now))
        assert server.ranges == ["", "bytes=30000-", "bytes=31000-", "", "", ""]
        folder = whisper_folder("base.en")
        assert {file.name: file.read_bytes() for file in folder.iterdir()} == FILES
        assert folder.name == COMMIT
        assert (seen[-1][1], seen[-1][2]) == (len(FILES["vocabulary.txt"]),) * 2
        done = len(server.ranges)
        result = CliRunner().invoke(app, ["fetch", "whisper:base.en"], catch_exceptions=False)
        assert "all it needs is on this disk" in result.output
        assert len(server.ranges) == done


def test_a_stopped_command_is_gone_on_with_by_the_next(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)

        def stop(file: str, done: int, whole: int) -> None:
            if done:
                raise KeyboardInterrupt

        monkeypatch.setattr("agent.assistant.fetch.BLOCK", 10_000)
        with pytest.raises(KeyboardInterrupt):
            fetch(weights_of("whisper:base.en"), lambda line: None, stop)
        assert [path.stat().st_size for path in cache.rglob("*.part")] == [10_000]
        fetch(weights_of("whisper:base.en"), lambda line: None, lambda *now: None)
        assert server.ranges[:2] == ["", "bytes=10000-"]
        assert whisper_folder("base.en").is_dir()
        assert not list(cache.rglob("*.part"))


def test_what_cannot_be_fetched_is_one_line(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    weights = weights_of("whisper:base.en")
    with hub() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.url)
        server.damaged = True
        with pytest.raises(ValueError, match=r"config.json of Systran/faster-whisper-base.en: it arrived damaged"):
            fetch(weights, lambda line: None, lambda *now: None)
        assert not [path for path in cache.rglob("*") if path.is_file()], "nothing of it is left"
        server.status = 403
        with pytest.raises(ValueError, match=r"is gated or not there"):
            fetch(weights, lambda line: None, lambda *now: None)
        server.status = 503
        with pytest.raises(ValueError, match=r"the hub answers 503"):
            fetch(weights, lambda line: None, lambda *now: None)
    with pytest.raises(ValueError, match=r"cannot reach the hub for config.json"):
        fetch(weights, lambda line: None, lambda *now: None)
    with pytest.raises(ValueError, match=r"type: agent fetch whisper:base.en"):
        whisper_folder("base.en")
    with pytest.raises(ValueError, match="is not fetched from here"):
        weights_of("openai:http://localhost/v1#m")

"""Engines behind the OpenAI speech endpoint, against a real server on localhost that fails in all the usual ways."""

from __future__ import annotations

import base64
import io
import json
import socket
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from synth.engines import EngineFailureError, Style
from synth.engines.declaration import ServerDeclaration, read_declaration
from synth.engines.failure import MOST_FAILURES
from synth.engines.http import ServerEngine
from synth.voices.casting import engine_voices, load_engine
from synth.web_request import LONGEST_WAIT
from tests.support.http_server import answering

RATE = 16_000


@dataclass
class Speaker:
    """A speech server: what it was asked, and what it answers next before it speaks again."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def speaker() -> Iterator[Speaker]:
    state = Speaker()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            assert self.path == "/v1/audio/speech"
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            state.asked.append(body)
            state.keys.append(self.headers["Authorization"])
            status, headers, data = state.answers.pop(0) if state.answers else (200, {}, tone(body["input"]))
            if not status:  # a connection that breaks
                return
            self.send_response(status)
            for name, value in {"Content-Length": str(len(data)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(data)

    with answering(Handler) as address:
        state.url = f"{address}/v1"
        yield state


def tone(text: str) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, 0.1 * np.sin(np.arange(len(text) * 800)), RATE, format="WAV")
    return buffer.getvalue()


def declared(folder: Path, speaker: Speaker, more: str = "", clones: bool = False) -> Path:
    voices = '[[voice]]\nid = "heart"\nname = "af_heart"\nlicence = "Apache-2.0"\nconsent = "synthetic"\n'
    path = folder / "server.toml"
    path.write_text(
        f'name = "speaker"\nurl = "{speaker.url}"\nmodel = "tts-1"\nclones = {str(clones).lower()}\n'
        f'languages = ["en"]\nlicence_code = "MIT"\nlicence_weights = "Apache-2.0"\ntimeout = 20\n{more}\n'
        + ("" if clones else voices)
    )
    return path


def engine_of(path: Path, waits: list[float] | None = None) -> ServerEngine:
    sleep = (waits if waits is not None else []).append
    return ServerEngine(f"http:{path}", read_declaration(path, ServerDeclaration), sleep=sleep)


def test_request_has_what_the_endpoint_takes_and_the_words_are_aligned_later(
    speaker: Speaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPEAKER_KEY", "s3cret")
    path = declared(tmp_path, speaker, 'api_key_env = "SPEAKER_KEY"\nseed = true\n[body]\nlang_code = "a"')
    name = f"http:{path}"
    voice = engine_voices(name)["heart"]
    speech = load_engine(name).speak("Hello there.", voice, Style(rate=1.2), 5)
    assert (speech.rate, len(speech.samples), speech.words) == (RATE, 9_600, None)
    (asked,) = speaker.asked
    seed = asked.pop("seed")
    assert asked == {
        "model": "tts-1",
        "input": "Hello there.",
        "voice": "af_heart",
        "response_format": "wav",
        "speed": 1.2,
        "lang_code": "a",
    }
    assert speaker.keys == ["Bearer s3cret"]
    load_engine(name).speak("Hello there.", voice, Style(), 6)
    assert speaker.asked[1]["seed"] != seed


def test_reference_is_sent_where_the_server_clones(speaker: Speaker, tmp_path: Path) -> None:
    fields = 'reference_audio = "ref_audio"\nreference_text = "ref_text"'
    path = declared(tmp_path, speaker, fields, clones=True)
    voice = engine_voices(f"http:{path}")["ls125-f"]
    engine_of(path).speak("Hello there.", voice, Style(), 0)
    kind, data = speaker.asked[0]["ref_audio"].split(",")
    assert kind == "data:audio/flac;base64"
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(data)))
    assert rate == 24_000
    assert len(samples) > 3 * rate
    assert speaker.asked[0].get("ref_text") == voice.text
    assert "voice" not in speaker.asked[0]


def test_busy_and_broken_servers_are_waited_for(speaker: Speaker, tmp_path: Path) -> None:
    waits: list[float] = []
    path = declared(tmp_path, speaker)
    engine, voice = engine_of(path, waits), engine_voices(f"http:{path}")["heart"]
    far = "Fri, 31 Dec 2100 23:59:59 GMT"
    speaker.answers = [(429, {"Retry-After": "7"}, b""), (500, {}, b""), (0, {}, b""), (503, {"Retry-After": far}, b"")]
    assert len(engine.speak("Hello there.", voice, Style(), 0).samples) == 9_600
    assert waits == [7.0, 14.0, 28.0, LONGEST_WAIT]
    assert len(speaker.asked) == 5


@pytest.mark.parametrize(
    ("answer", "code", "message", "asked"),
    [
        ((500, {}, b"out of memory"), "server", "failed 3 times, the last time: 500 out of memory", 3),
        ((429, {}, b"slow down"), "server", "failed 3 times, the last time: 429 slow down", 3),
        ((400, {}, b"text too long"), "refused", "refuses the request: 400 text too long", 1),
        ((200, {}, b"<html>login</html>"), "garbage", "18 bytes that are no audio: b'<html>", 1),
        ((200, {}, tone("")), "silent", "gave silence", 1),
        ((200, {}, tone("x")), "short", "gave 0.0. s of speech", 1),
    ],
)
def test_each_failure_has_its_code(
    speaker: Speaker, tmp_path: Path, answer: tuple[int, dict[str, str], bytes], code: str, message: str, asked: int
) -> None:
    path = declared(tmp_path, speaker, "retries = 2")
    voice = engine_voices(f"http:{path}")["heart"]
    speaker.answers = [answer] * 3
    with pytest.raises(EngineFailureError, match=message) as failure:
        engine_of(path).speak("Hello there.", voice, Style(), 0)
    assert failure.value.code == code
    assert len(speaker.asked) == asked


def test_what_no_retry_mends_stops_at_once(speaker: Speaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = declared(tmp_path, speaker, 'api_key_env = "SPEAKER_KEY"')
    voice = engine_voices(f"http:{path}")["heart"]
    monkeypatch.delenv("SPEAKER_KEY", raising=False)
    with pytest.raises(ValueError, match="needs its key in the environment variable SPEAKER_KEY"):
        load_engine(f"http:{path}")
    speaker.answers = [(401, {}, b"bad key")]
    with pytest.raises(ValueError, match="refuses: 401 bad key") as failure:
        engine_of(path).speak("Hello there.", voice, Style(), 0)
    assert not isinstance(failure.value, EngineFailureError)


def test_a_server_that_is_away_is_told_before_work_and_one_that_goes_away_stops_it(
    speaker: Speaker, tmp_path: Path
) -> None:
    path = declared(tmp_path, speaker, "retries = 0")
    voice, engine = engine_voices(f"http:{path}")["heart"], load_engine(f"http:{path}")
    speaker.answers = [(500, {}, b"")] * (2 * MOST_FAILURES - 1)
    for _ in range(MOST_FAILURES - 1):
        with pytest.raises(EngineFailureError, match="failed once: 500"):
            engine.speak("Hello there.", voice, Style(), 0)
    with pytest.raises(ValueError, match=f"failed {MOST_FAILURES} times in a row; the last: .*500") as failure:
        engine.speak("Hello there.", voice, Style(), 0)
    assert not isinstance(failure.value, EngineFailureError)
    speaker.answers = []
    assert len(engine.speak("Hello there.", voice, Style(), 0).samples) == 9_600
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        away = declared(tmp_path, Speaker(f"http://127.0.0.1:{unused.getsockname()[1]}/v1"))
        load_engine.cache_clear()
        with pytest.raises(ValueError, match=r"nothing answers at .*/v1/models: .*refused; is the server running"):
            load_engine(f"http:{away}")


def test_voice_that_cannot_be_cloned_is_refused(speaker: Speaker, tmp_path: Path) -> None:
    path = declared(tmp_path, speaker)
    clone = engine_voices("sherpa:pocket")["ls125-f"]
    with pytest.raises(ValueError, match="cannot clone 'ls125-f'; it has heart"):
        engine_of(path).speak("Hello there.", clone, Style(), 0)
    with pytest.raises(ValueError, match="cannot clone the voices of mine"):
        engine_voices(f"http:{path}", [Path("mine")])
    assert speaker.asked == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ("retrys = 2", "unknown key 'retrys'; did you mean 'retries'"),
        ("timeout = 0", "not valid TOML"),
        ("retries = -1", "retries: .*greater than or equal to 0"),
        ('[[voice]]\nid = "heart"\nlicence = ""\nconsent = "x"', "voice.0.licence"),
    ],
)
def test_file_with_a_mistake_is_named(speaker: Speaker, tmp_path: Path, more: str, message: str) -> None:
    with pytest.raises(ValueError, match=f"server.toml.*{message}"):
        engine_voices(f"http:{declared(tmp_path, speaker, more)}")

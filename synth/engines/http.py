"""Any server with the OpenAI speech endpoint: `POST {url}/audio/speech` with model, input and voice gives audio.

A server is described in a TOML file (see `declaration`):

    name = "kokoro-server"
    url = "http://localhost:8880/v1"
    model = "kokoro"
    api_key_env = "SPEECH_API_KEY"   # the variable that holds the key, if the server wants one
    clones = false
    languages = ["en"]
    licence_code = "Apache-2.0"
    licence_weights = "Apache-2.0"

    [[voice]]
    id = "heart"
    name = "af_heart"
    licence = "Apache-2.0"
    consent = "voice of the model, as its authors published it"

One that clones says which fields of the request take the reference: `reference_audio = "ref_audio"` (sent as a data
URL) and `reference_text = "ref_text"`. `seed = true` sends a seed. A 429, a 5xx and a broken connection are waited out,
as long as `Retry-After` says or twice as long each time; after `MOST_FAILURES` failed requests in a row the run stops.
Words are timed by the aligner.
"""

from __future__ import annotations

import base64
import io
import json
import os
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import soundfile  # type: ignore[import-untyped]

from corpus.audio import SAMPLE_RATE, encode_flac, read_mono

from ..seeds import derive
from ..web_request import Patience, RefusedRequestError, UnansweredError, fetch, require_server
from .catalogue import EngineEntry
from .declaration import ServerDeclaration
from .failure import EngineFailureError, FailuresInARow, checked, require_words
from .protocol import ReferenceVoice, Speech, Style

REFERENCE_SECONDS = 30
ANSWER_SECONDS = 10.0  # that a server may take to show that it is there
_SEEDS = 2**31


def load(name: str, entry: EngineEntry, language: str) -> ServerEngine:
    """The server of a TOML file. Raises ValueError if the variable with its key is not set, or nothing answers."""
    declared = entry.declaration
    assert isinstance(declared, ServerDeclaration), "the catalogue reads a server's file as such"
    if declared.api_key_env and not os.environ.get(declared.api_key_env):
        raise ValueError(f"engine {name} needs its key in the environment variable {declared.api_key_env}")
    engine = ServerEngine(name, declared, os.environ.get(declared.api_key_env, ""))
    try:
        require_server(f"{declared.url.rstrip('/')}/models", engine.headers, min(declared.timeout, ANSWER_SECONDS))
    except UnansweredError as error:
        raise ValueError(f"engine {name}: {error}; is the server running?") from None
    return engine


class ServerEngine:
    """One server.

    Args:
        name: of the engine.
        declared: its TOML file.
        key: sent as a bearer token, if there is one.
        sleep: waits so many seconds.
    """

    def __init__(
        self, name: str, declared: ServerDeclaration, key: str = "", sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.name = name
        self.languages = declared.languages
        self.clones = declared.clones
        self.licence_code = declared.licence_code
        self.licence_weights = declared.licence_weights
        self.version = f"http-{declared.name}-{declared.model}"
        self._declared = declared
        self._voices = {voice.id: voice.name or voice.id for voice in declared.voice}
        self.headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})
        self._sleep = sleep
        self._failures = FailuresInARow(name)

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak a text; see `Engine.speak`.

        Raises:
            ValueError: nothing to say, a voice the server does not have, a key it refuses, or it failed
                `MOST_FAILURES` times in a row.
            EngineFailureError: the server fails after all retries, or what it sends is no speech.
        """
        require_words(text)
        with self._failures.counted():
            return self._spoken(text, voice, style, seed)

    def _spoken(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        body = {
            "model": self._declared.model,
            "input": text,
            "response_format": "wav",
            "speed": style.rate,
            **self._voice(voice),
            **self._declared.body,
        }
        if self._declared.seed:
            body["seed"] = derive(seed, text) % _SEEDS
        data = self._post(json.dumps(body).encode())
        try:
            samples, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
        except (soundfile.LibsndfileError, OSError, ValueError):
            raise EngineFailureError(
                "garbage", f"engine {self.name} sent {len(data)} bytes that are no audio: {data[:80]!r}"
            ) from None
        return checked(self.name, np.asarray(samples.mean(axis=1)), int(rate), text)

    def _voice(self, voice: ReferenceVoice) -> dict[str, Any]:
        """The request's fields that say with which voice."""
        if not self.clones:
            if voice.audio is not None or voice.voice.id not in self._voices:
                raise ValueError(
                    f"engine {self.name} cannot clone {voice.voice.id!r}; it has {', '.join(self._voices)}"
                )
            return {"voice": self._voices[voice.voice.id]}
        if voice.audio is None:
            raise ValueError(f"engine {self.name} speaks with a reference only; {voice.voice.id!r} has no recording")
        sound = encode_flac(np.clip(read_mono(voice.audio)[None, : REFERENCE_SECONDS * SAMPLE_RATE], -1, 1))
        fields = {self._declared.reference_audio: f"data:audio/flac;base64,{base64.b64encode(sound).decode()}"}
        if self._declared.reference_text and voice.text:
            fields[self._declared.reference_text] = voice.text
        return fields

    def _post(self, body: bytes) -> bytes:
        """The answer's bytes, after as many tries as the file allows."""
        address = f"{self._declared.url.rstrip('/')}/audio/speech"
        patience = Patience(self._declared.timeout, self._declared.retries, self._sleep)
        try:
            return fetch(address, body, self.headers, patience)
        except RefusedRequestError as error:
            if error.status in (401, 403, 404):
                raise ValueError(f"{address} refuses: {error}") from None
            raise EngineFailureError("refused", f"{address} refuses the request: {error}") from None
        except UnansweredError as error:
            raise EngineFailureError("server", str(error)) from None

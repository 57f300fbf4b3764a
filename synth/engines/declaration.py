"""Engines that a user describes in a TOML file: what they can do, under which licences, and how they are reached.

Every file has these keys, then those of its kind (`PiperDeclaration`, `WorkerDeclaration`, `ServerDeclaration`,
`SherpaDeclaration`):

    name = "chatterbox"
    clones = true                  # imitates a reference by itself
    languages = ["en"]             # ISO 639-1
    licence_code = "MIT"           # SPDX ids; the licence of the weights is stored with every voice
    licence_weights = "MIT"
    install = "pip install ..."    # optional: what to type to get it
    pseudo_speakers = false        # true: its one voice is also moved to the pitch and timbre of the bank's references

    [[weights]]                    # optional: what `synth engines fetch` downloads from the Hugging Face hub
    repo = "ResembleAI/chatterbox"
    files = ["ve.safetensors"]

    [[voice]]                      # required where clones = false: the voices it was built with
    id = "heart"
    name = "af_heart"              # as the engine calls it; the id if left out
    licence = "Apache-2.0"
    consent = "synthetic voice"
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field, model_validator

from corpus.strict import Strict, load_toml


class HubWeights(Strict):
    """Files of one Hugging Face repository. `gated` ones need an account that accepted their terms."""

    repo: str
    files: tuple[str, ...] = Field(min_length=1)
    revision: str | None = None
    gated: bool = False


class OwnVoice(Strict):
    """A voice that an engine was built with."""

    id: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    name: str = ""
    gender: Literal["f", "m"] | None = None
    language: str = "en"
    licence: str = Field(min_length=1)
    consent: str = Field(min_length=1)
    source: str = ""


class Declaration(Strict):
    """What every declared engine says of itself."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.-]+$")
    clones: bool
    languages: tuple[str, ...] = Field(min_length=1)
    licence_code: str = Field(min_length=1)
    licence_weights: str = Field(min_length=1)
    install: str = ""
    pseudo_speakers: bool = False
    weights: tuple[HubWeights, ...] = ()
    voice: tuple[OwnVoice, ...] = ()

    @model_validator(mode="after")
    def _voices(self) -> Declaration:
        if self.clones == bool(self.voice):
            raise ValueError("an engine that clones lists no [[voice]], one that does not lists at least one")
        if len({voice.id for voice in self.voice}) < len(self.voice):
            raise ValueError("two voices have the same id")
        if self.pseudo_speakers and len(self.voice) != 1:
            raise ValueError(f"pseudo_speakers are made of one [[voice]], not of {len(self.voice)}")
        return self


class PiperDeclaration(Declaration):
    """Piper voices of the user's; see `piper.py`. Each voice's `name` is its file."""

    clones: Literal[False] = False
    licence_code: str = "GPL-3.0-or-later"


class WorkerDeclaration(Declaration):
    """An engine in a process of its own; see `worker.py`.

    Attributes:
        command: started in the TOML file's folder; `~` and `$NAME` are expanded.
        environment: added to the process's.
        start_timeout: s until it introduces itself, and again for the first request, which may load a model.
        timeout: s for any later request.
        native_times: whether its answers hold word times.
    """

    command: tuple[str, ...] = Field(min_length=1)
    environment: dict[str, str] = Field(default_factory=dict)
    start_timeout: float = Field(default=300.0, gt=0)
    timeout: float = Field(default=120.0, gt=0)
    native_times: bool = False


class ServerDeclaration(Declaration):
    """A server with the OpenAI speech endpoint; see `http.py`.

    Attributes:
        url: up to and including the version, such as `http://localhost:8000/v1`.
        model: as the server calls it.
        api_key_env: the environment variable that holds the key, if there is one.
        reference_audio, reference_text: names of the request's fields for a voice to clone, as a data URL and its text.
        body: further fields of every request.
        seed: whether the server takes a `seed`; without one no clip can be made again.
        timeout: s for one request. retries: how often one is repeated after a 429, a 5xx or a broken connection.
    """

    url: str = Field(pattern=r"^https?://")
    model: str
    api_key_env: str = ""
    reference_audio: str = ""
    reference_text: str = ""
    body: dict[str, Any] = Field(default_factory=dict)
    seed: bool = False
    timeout: float = Field(default=120.0, gt=0)
    retries: int = Field(default=5, ge=0, le=100)

    @model_validator(mode="after")
    def _reference(self) -> ServerDeclaration:
        if self.clones and not self.reference_audio:
            raise ValueError("clones = true needs reference_audio: the request's field that takes the reference")
        return self


class SherpaDeclaration(Declaration):
    """A model for sherpa-onnx; see `sherpa.py`.

    Attributes:
        family: which of its model types.
        folder: where the files are, relative to the TOML file; empty for files fetched from `weights`.
        files: parameter name of sherpa's config -> file in the folder, where it differs from the family's usual name.
        espeak: espeak-ng's name of the language, for a model that wants its phonemes.
        steps: of the flow solver, where the family has one; 0 for the model's own number.
    """

    family: Literal["zipvoice", "pocket", "kokoro", "kitten", "vits", "matcha"]
    folder: str = ""
    files: dict[str, str] = Field(default_factory=dict)
    espeak: str = ""
    steps: int = Field(default=0, ge=0, le=100)


AnyDeclaration = TypeVar("AnyDeclaration", bound=Declaration)


def read_declaration(path: Path, kind: type[AnyDeclaration]) -> AnyDeclaration:
    """Read an engine's TOML file. Raises ValueError with one line that names the file and the key."""
    return load_toml(path, kind, "engine's file")

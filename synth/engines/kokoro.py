"""Kokoro-82M (wheel `kokoro-onnx`): over forty voices in six languages, and no others: it cannot clone.

Its graph draws noise inside, so the same call does not give quite the same samples twice; `Style.liveliness` and the
seed are not heeded. Words are timed by the aligner.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from kokoro_onnx import Kokoro
from onnxruntime.capi.onnxruntime_pybind11_state import (  # type: ignore[import-untyped]
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
)

from . import weights
from .catalogue import EngineEntry
from .declaration import OwnVoice
from .failure import EngineFailureError, checked, require_words
from .kokoro_voices import KOKORO_LANGUAGES, KOKORO_VOICES, KokoroDeclaration, accent_of
from .protocol import ReferenceVoice, Speech, Style


def load(name: str, entry: EngineEntry, language: str) -> KokoroEngine:
    """The engine with the weights in the cache or in the files its own file names. Raises ValueError without them."""
    weights.require(name, entry.weights)
    if entry.declaration is not None:
        declared, folder = entry.declaration, entry.folder
        assert isinstance(declared, KokoroDeclaration), "the catalogue reads Kokoro's files as such"
        assert folder is not None, "a declared engine has a file"
        own_model, own_voices = (folder / Path(file).expanduser() for file in (declared.model, declared.voices))
        for file in (own_model, own_voices):
            if not file.is_file():
                raise ValueError(f"engine {name}: there is no file {file}")
        return KokoroEngine(own_model, own_voices, declared.voice, name, declared.licence_weights)
    repo = entry.weights[0]
    model, voices = (weights.cached(repo.repo, file, repo.revision) for file in repo.files)
    assert model is not None, "just required"
    assert voices is not None, "just required"
    return KokoroEngine(model, voices)


class KokoroEngine:
    """Kokoro in one thread.

    Args:
        model: the ONNX file.
        voices: the file of style vectors, an NPZ: name -> float32 `[lengths, 1, 256]`.
        own: the voices it speaks with.

    Raises:
        ValueError: a file is not what it should be, or has no vector for a voice.
    """

    languages = KOKORO_LANGUAGES
    clones = False
    licence_code = "MIT AND GPL-3.0-or-later"

    def __init__(
        self,
        model: Path,
        voices: Path,
        own: Sequence[OwnVoice] = KOKORO_VOICES,
        name: str = "kokoro",
        licence: str = "Apache-2.0",
    ) -> None:
        self.name, self.licence_weights = name, licence
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # processes are the parallelism
        options.log_severity_level = 3
        try:
            session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
            self._kokoro = Kokoro.from_session(session, str(voices))
        except (Fail, InvalidArgument, InvalidGraph, InvalidProtobuf, OSError, ValueError, BadZipFile) as error:
            reason = " ".join(str(error).split())[:200]
            raise ValueError(
                f"engine {name}: {model.name} and {voices.name} are no model of Kokoro: {reason}"
            ) from None
        vectors = frozenset(self._kokoro.get_voices())
        self._voices = {one.id: (one.name or one.id, accent_of(one)) for one in own if (one.name or one.id) in vectors}
        if own is not KOKORO_VOICES and len(self._voices) < len(own):
            lacking = next(one for one in own if one.id not in self._voices)
            raise ValueError(f"engine {name}: {voices.name} holds no voice {lacking.name or lacking.id!r}")
        self.version = f"kokoro-{version('kokoro-onnx')}-{model.stat().st_size}-ort{onnxruntime.__version__}"

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak a text; see `Engine.speak`.

        Raises:
            ValueError: nothing to say, or a voice that is not Kokoro's own.
            EngineFailureError: what came out is no speech.
        """
        require_words(text)
        if voice.audio is not None or voice.voice.id not in self._voices:
            raise ValueError(
                f"engine {self.name} cannot clone {voice.voice.id!r}; it has its own voices only: "
                f"synth engines voices {self.name}"
            )
        vector, accent = self._voices[voice.voice.id]
        try:
            samples, rate = self._kokoro.create(text, vector, speed=style.rate, lang=accent)
        except ValueError as error:
            raise EngineFailureError("refused", f"engine {self.name} cannot speak {text!r}: {error}") from None
        return checked(self.name, np.asarray(samples), rate, text)

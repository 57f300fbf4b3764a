"""Kokoro-82M (wheel `kokoro-onnx`): over forty voices in six languages, and no others: it cannot clone.

Its graph draws noise inside, so the same call does not give quite the same samples twice; `Style.liveliness` and the
seed are not heeded. Words are timed by the aligner.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

import numpy as np
import onnxruntime  # type: ignore[import-untyped]
from kokoro_onnx import Kokoro

from . import weights
from .catalogue import EngineEntry
from .failure import EngineFailureError, checked, require_words
from .kokoro_voices import ACCENTS
from .protocol import ReferenceVoice, Speech, Style


def load(name: str, entry: EngineEntry, language: str) -> KokoroEngine:
    """The engine with the weights in the cache. Raises ValueError if they are not there."""
    weights.require(name, entry.weights)
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
    """

    name = "kokoro"
    languages = tuple(dict.fromkeys(language for language, _ in ACCENTS.values()))
    clones = False
    licence_code = "MIT AND GPL-3.0-or-later"
    licence_weights = "Apache-2.0"

    def __init__(self, model: Path, voices: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # processes are the parallelism
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
        self._kokoro = Kokoro.from_session(session, str(voices))
        self._voices = frozenset(self._kokoro.get_voices())
        self.version = f"kokoro-{version('kokoro-onnx')}-{model.stat().st_size}-ort{onnxruntime.__version__}"

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak a text; see `Engine.speak`.

        Raises:
            ValueError: nothing to say, or a voice that is not Kokoro's own.
            EngineFailureError: what came out is no speech.
        """
        require_words(text)
        name = voice.voice.id
        if voice.audio is not None or name not in self._voices:
            raise ValueError(
                f"engine kokoro cannot clone {name!r}; it has its own voices only: synth engines voices kokoro"
            )
        try:
            samples, rate = self._kokoro.create(text, name, speed=style.rate, lang=ACCENTS[name[0]][1])
        except ValueError as error:
            raise EngineFailureError("refused", f"engine kokoro cannot speak {text!r}: {error}") from None
        return checked(self.name, np.asarray(samples), rate, text)

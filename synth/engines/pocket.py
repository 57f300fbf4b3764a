"""Pocket TTS (Kyutai, wheel `pocket-tts`): clones a voice on a CPU from up to 30 s of speech.

It has no control of the speaking rate: the reference sets it, and `Style.rate` is not heeded. `Style.liveliness` scales
the sampling temperature. Words are timed by the aligner.
"""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml  # type: ignore[import-untyped]
from pocket_tts import TTSModel  # type: ignore[import-untyped]

from corpus.audio import read_mono

from ..seeds import derive
from . import weights
from .catalogue import EngineEntry
from .failure import checked, require_words
from .pocket_config import LANGUAGES, hub_weights, local_config
from .protocol import ReferenceVoice, Speech, Style

PROMPT_SECONDS = 30  # of a reference that are used
_VOICES_KEPT = 16  # prompted states of voices, some MB each


def load(name: str, entry: EngineEntry, language: str) -> PocketEngine:
    """The engine for a language, or with the configuration that its name gives. Weights are looked up, never fetched.

    Raises:
        ValueError: the configuration is not known, or its weights are not in the cache.
    """
    config = entry.argument or LANGUAGES[language]
    weights.require(f"pocket:{config}" if config != LANGUAGES["en"] else "pocket", hub_weights(config))
    return PocketEngine(Path(config).stem, local_config(config), language)


class PocketEngine:
    """One model of Pocket TTS.

    Args:
        config_name: for the version.
        config: pocket-tts's configuration, every file in it a local path.
        language: ISO 639-1 code of what the model speaks.
    """

    name = "pocket"
    clones = True
    licence_code = "MIT"
    licence_weights = "CC-BY-4.0"

    def __init__(self, config_name: str, config: Mapping[str, Any], language: str) -> None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "config.yaml"
            path.write_text(yaml.safe_dump(dict(config)), encoding="utf-8")
            try:
                self._model = TTSModel.load_model(config=path).eval()
            except (OSError, RuntimeError, ValueError) as error:
                raise ValueError(
                    f"pocket-tts cannot load {config_name}: {' '.join(str(error).split())[:300]}"
                ) from None
        self._model.max_decoder_frames_per_call = 1  # how many frames wait depends on timing, and so would the sums
        self._temperature: float = self._model.temp
        self._states: OrderedDict[Path, Any] = OrderedDict()
        self.languages = (language,)
        size = Path(str(config.get("weights_path") or path)).stat().st_size if config.get("weights_path") else 0
        self.version = f"pocket-{version('pocket-tts')}-{config_name}-{size}-torch{torch.__version__}"

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak a text; see `Engine.speak`.

        Raises:
            ValueError: nothing to say, or the voice has no reference.
            EngineFailureError: what came out is no speech.
        """
        require_words(text)
        if voice.audio is None:
            raise ValueError(f"engine pocket speaks with a reference only, and {voice.voice.id!r} has no recording")
        state = self._state(voice.audio)
        self._model.temp = self._temperature * style.liveliness
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(derive(seed, text))
            samples = self._model.generate_audio(state, text)
        return checked(self.name, np.asarray(samples.numpy()), self._model.sample_rate, text)

    def _state(self, audio: Path) -> Any:
        """The model's state after hearing a reference, kept for the voices used last."""
        if audio not in self._states:
            rate = self._model.sample_rate
            prompt = torch.from_numpy(read_mono(audio, rate)[: PROMPT_SECONDS * rate])
            self._states[audio] = self._model.get_state_for_audio_prompt(prompt[None])
            if len(self._states) > _VOICES_KEPT:
                self._states.popitem(last=False)
        self._states.move_to_end(audio)
        return self._states[audio]

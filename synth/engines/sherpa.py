"""sherpa-onnx: many models behind one wheel without PyTorch. ZipVoice and Pocket TTS clone, the others do not.

A model is described in a TOML file (see `declaration`), with these keys besides the common ones:

    family = "zipvoice"            # zipvoice, pocket, kokoro, kitten, vits (also Piper's voices), matcha
    folder = "zipvoice-distill"    # where its files are, relative to this one
    files = { vocoder = "../vocos_24khz.onnx" }   # those not called as the family usually calls them
    steps = 4                      # of the flow solver

A voice's `name` is its number in the model. ZipVoice needs to know what the reference says. Only the pocket family
takes a seed and a temperature (`Style.liveliness`); the others draw their noise as they like. Words are timed by the
aligner.

Since 2.0 sherpa-onnx has no espeak-ng in it. A model that wants phonemes gets them from its `lexicon`, which skips
words it does not hold, or, with `espeak = "en-us"` (or "fr-fr", ...) in the file, from the phonemizer of the extra
`piper` (GPL-3.0-or-later). ZipVoice takes a lexicon only. Piper's voices as Piper publishes them are for
`piper:FILE.toml`, which times their words.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
import sherpa_onnx  # type: ignore[import-untyped]

from corpus.audio import read_mono

from ..seeds import derive
from . import weights
from .catalogue import EngineEntry
from .declaration import SherpaDeclaration
from .failure import EngineFailureError, checked, require_words
from .protocol import ReferenceVoice, Speech, Style

REFERENCE_RATE = 24_000  # Hz
TEMPERATURE = 0.7  # of the pocket family
_SEEDS = 2**31

_FILES = {  # family -> parameter -> the file's usual name; the lexicon may be missing
    "zipvoice": {
        "tokens": "tokens.txt",
        "encoder": "encoder.int8.onnx",
        "decoder": "decoder.int8.onnx",
        "vocoder": "vocos_24khz.onnx",
        "lexicon": "lexicon.txt",
    },
    "pocket": {
        "lm_flow": "lm_flow.int8.onnx",
        "lm_main": "lm_main.int8.onnx",
        "encoder": "encoder.onnx",
        "decoder": "decoder.int8.onnx",
        "text_conditioner": "text_conditioner.onnx",
        "vocab_json": "vocab.json",
        "token_scores_json": "token_scores.json",
    },
    "kokoro": {"model": "model.onnx", "voices": "voices.bin", "tokens": "tokens.txt", "lexicon": "lexicon-us-en.txt"},
    "kitten": {"model": "model.onnx", "voices": "voices.bin", "tokens": "tokens.txt", "lexicon": "lexicon-us-en.txt"},
    "vits": {"model": "model.onnx", "tokens": "tokens.txt", "lexicon": "lexicon.txt"},
    "matcha": {
        "acoustic_model": "model-steps-3.onnx",
        "vocoder": "vocos-22khz-univ.onnx",
        "tokens": "tokens.txt",
        "lexicon": "lexicon.txt",
    },
}
_CONFIGS = {
    "zipvoice": sherpa_onnx.OfflineTtsZipvoiceModelConfig,
    "pocket": sherpa_onnx.OfflineTtsPocketModelConfig,
    "kokoro": sherpa_onnx.OfflineTtsKokoroModelConfig,
    "kitten": sherpa_onnx.OfflineTtsKittenModelConfig,
    "vits": sherpa_onnx.OfflineTtsVitsModelConfig,
    "matcha": sherpa_onnx.OfflineTtsMatchaModelConfig,
}


def load(name: str, entry: EngineEntry, language: str) -> SherpaEngine:
    """The model of a TOML file.

    Raises:
        ValueError: its files are not there, or sherpa-onnx refuses them.
    """
    declared = entry.declaration
    assert isinstance(declared, SherpaDeclaration), "the catalogue reads sherpa's files as such"
    assert entry.folder is not None, "a declared engine has a file"
    if declared.folder:
        folder = entry.folder / declared.folder
    else:
        weights.require(name, declared.weights)
        if not declared.weights:
            raise ValueError(f"engine {name}: give the folder of its files, or [[weights]] to fetch")
        first = weights.cached(declared.weights[0].repo, declared.weights[0].files[0], declared.weights[0].revision)
        assert first is not None, "just required"
        folder = first.parent
    return SherpaEngine(name, declared, folder)


class SherpaEngine:
    """One model in one thread.

    Args:
        name: of the engine.
        declared: its TOML file.
        folder: where its files are.
    """

    def __init__(self, name: str, declared: SherpaDeclaration, folder: Path) -> None:
        self.name = name
        self.languages = declared.languages
        self.clones = declared.clones
        self.licence_code = declared.licence_code
        self.licence_weights = declared.licence_weights
        self._declared = declared
        self._phonemes = _phonemizer(name, declared.espeak)
        self._voices = {voice.id: voice.name or voice.id for voice in declared.voice}
        files = _found(declared, folder)
        model = sherpa_onnx.OfflineTtsModelConfig(num_threads=1, provider="cpu")
        setattr(model, declared.family, _CONFIGS[declared.family](**{key: str(path) for key, path in files.items()}))
        config = sherpa_onnx.OfflineTtsConfig(model=model)
        if not config.validate():
            raise ValueError(f"sherpa-onnx refuses the {declared.family} model in {folder}; its message is above")
        self._tts = sherpa_onnx.OfflineTts(config)
        size = sum(path.stat().st_size for path in files.values() if path.is_file())
        self.version = f"sherpa-{version('sherpa-onnx')}-{declared.name}-{size}"

    def speak(self, text: str, voice: ReferenceVoice, style: Style, seed: int) -> Speech:
        """Speak a text; see `Engine.speak`.

        Raises:
            ValueError: nothing to say, or the voice is not one this model can speak with.
            EngineFailureError: what came out is no speech.
        """
        require_words(text)
        request = sherpa_onnx.GenerationConfig()
        request.speed = style.rate
        if self._declared.steps:
            request.num_steps = self._declared.steps
        if self.clones:
            self._clone(request, voice)
        else:
            request.sid = self._speaker(voice)
        if self._declared.family == "pocket":
            request.extra = {
                "seed": str(derive(seed, text) % _SEEDS),
                "temperature": str(TEMPERATURE * style.liveliness),
            }
        if self._phonemes:
            request.phoneme_codepoints = [[ord(symbol) for symbol in part] for part in self._phonemes(text)]
        audio = self._tts.generate("" if self._phonemes else text, request)
        if not audio.sample_rate:
            raise EngineFailureError("refused", f"engine {self.name} gave nothing for {text!r}")
        return checked(self.name, np.asarray(audio.samples, np.float32), int(audio.sample_rate), text)

    def _clone(self, request: sherpa_onnx.GenerationConfig, voice: ReferenceVoice) -> None:
        if voice.audio is None:
            raise ValueError(f"engine {self.name} speaks with a reference only; {voice.voice.id!r} has no recording")
        if self._declared.family == "zipvoice" and not voice.text:
            raise ValueError(f"engine {self.name} needs to know what {voice.audio} says: give the voice a text")
        request.reference_audio = read_mono(voice.audio, REFERENCE_RATE)
        request.reference_sample_rate = REFERENCE_RATE
        request.reference_text = voice.text or ""

    def _speaker(self, voice: ReferenceVoice) -> int:
        number = self._voices.get(voice.voice.id, "")
        if voice.audio is not None or not number:
            raise ValueError(f"engine {self.name} cannot clone {voice.voice.id!r}; it has {', '.join(self._voices)}")
        if not number.isdigit() or int(number) >= max(1, self._tts.num_speakers):
            raise ValueError(f"engine {self.name} has {self._tts.num_speakers} voices, numbered from 0; not {number!r}")
        return int(number)


def _phonemizer(name: str, accent: str) -> Callable[[str], list[list[str]]] | None:
    """espeak-ng's symbols of a text, by sentence; None where the model does without."""
    if not accent:
        return None
    try:
        from .piper import espeak_symbols
    except ModuleNotFoundError as error:
        raise ValueError(
            f"engine {name} needs espeak's phonemes from the extra 'piper': pip install 'duologue[piper]' ({error})"
        ) from None
    return partial(espeak_symbols, accent)


def _found(declared: SherpaDeclaration, folder: Path) -> dict[str, Path]:
    """The model's files by parameter. Raises ValueError for one that is missing or not the family's."""
    usual = _FILES[declared.family]
    for key in declared.files:
        if key not in usual:
            raise ValueError(
                f"{declared.name}: a {declared.family} model has no file {key!r}; valid: {', '.join(usual)}"
            )
    paths = {key: folder / declared.files.get(key, file) for key, file in usual.items()}
    for key, path in list(paths.items()):
        if not path.exists():
            if key != "lexicon" or key in declared.files:
                raise ValueError(f"{declared.name}: {path} is not there; name the model's {key} in files")
            del paths[key]
    return paths

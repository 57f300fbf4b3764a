"""Where Whisper's models for CTranslate2 are: a folder of the user's, or faster-whisper's in the hub's local cache."""

from __future__ import annotations

from pathlib import Path

from corpus.suggestion import suggestion
from synth.engines.declaration import HubWeights
from synth.engines.weights import cached, missing

_FILES = ("config.json", "model.bin", "tokenizer.json")
_SIZES = ("tiny", "tiny.en", "base", "base.en", "small", "small.en", "medium", "medium.en")
WHISPERS = {
    size: HubWeights(repo=f"Systran/faster-whisper-{size}", files=(*_FILES, "vocabulary.txt")) for size in _SIZES
} | {
    "large-v3": HubWeights(
        repo="Systran/faster-whisper-large-v3", files=(*_FILES, "vocabulary.json", "preprocessor_config.json")
    ),
    "turbo": HubWeights(
        repo="mobiuslabsgmbh/faster-whisper-large-v3-turbo",
        files=(*_FILES, "vocabulary.json", "preprocessor_config.json"),
    ),
}


def whisper_weights(size: str) -> HubWeights:
    """The hub's files of a size. Raises ValueError for one that is not known."""
    if size not in WHISPERS:
        raise ValueError(f"no Whisper is called {size!r}{suggestion(size, WHISPERS)}; or give a folder that holds one")
    return WHISPERS[size]


def whisper_folder(name: str) -> Path:
    """The folder of a size or the folder itself. Raises ValueError, saying what to type, where there is no model."""
    folder = Path(name).expanduser()
    if folder.is_dir():
        if not (folder / "model.bin").is_file():
            raise ValueError(f"{folder} holds no model.bin: give a folder with a Whisper model for CTranslate2")
        return folder
    weights = whisper_weights(name)
    lacking = missing((weights,))
    model = cached(weights.repo, "model.bin", weights.revision)
    if lacking or model is None:
        raise ValueError(f"the ear whisper:{name} is not on this disk yet; type: agent fetch whisper:{name}")
    return model.parent

"""The configurations that pocket-tts carries: their files, and the weights on the hub that they name."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

from corpus.suggestion import suggestion

from .declaration import HubWeights
from .weights import cached

LANGUAGES = {  # ISO 639-1 code -> pocket-tts's configuration
    "en": "english",
    "fr": "french",
    "de": "german",
    "es": "spanish",
    "it": "italian",
    "pt": "portuguese",
    "nl": "dutch",
}
_HUB = "hf://"
_WITHOUT_CLONING = "weights_path_without_voice_cloning"


def read_config(argument: str) -> tuple[Path, dict[str, Any]]:
    """A configuration by the wheel's name for it, or from a `.yaml` file: its path and content.

    Raises:
        ValueError: there is no such configuration.
    """
    import yaml  # type: ignore[import-untyped]

    if argument.endswith((".yaml", ".yml")):
        path = Path(argument).expanduser()
    else:
        folder = _folder()
        path = folder / f"{argument}.yaml"
        if not path.is_file():
            names = [file.stem for file in folder.glob("*.yaml")]
            raise ValueError(f"pocket-tts has no configuration {argument!r}{suggestion(argument, names)}")
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise ValueError(f"cannot read {path}: {' '.join(str(error).split())}") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path} is no configuration of pocket-tts")
    return path, content


def _folder() -> Path:
    spec = importlib.util.find_spec("pocket_tts")
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError("No module named 'pocket_tts'", name="pocket_tts")
    return Path(spec.submodule_search_locations[0]) / "config"


def hub_weights(argument: str) -> tuple[HubWeights, ...]:
    """What a configuration needs from the hub; nothing where pocket-tts is not installed, as nothing names it then.

    Raises:
        ValueError: there is no such configuration.
    """
    if importlib.util.find_spec("pocket_tts") is None or importlib.util.find_spec("yaml") is None:
        return ()
    return tuple(_parsed(address) for address in _addresses(read_config(argument)[1]))


def local_config(argument: str) -> dict[str, Any]:
    """A configuration with the local path of every file it needs, and without the weights that cannot clone.

    With those left out, pocket-tts cannot fall back to them; with local paths, it has nothing to download.

    Raises:
        ValueError: it needs a file that is not in the cache or has an address other than a path or the hub's.
    """
    path, content = read_config(argument)
    if "without-voice-cloning" in str(content.get("weights_path", "")):
        raise ValueError(f"{path} names weights that cannot clone a voice; name those of kyutai/pocket-tts")
    return {key: _local(value) for key, value in content.items() if key != _WITHOUT_CLONING}


def _addresses(value: Any, key: str = "") -> list[str]:
    if isinstance(value, dict):
        return [address for name, part in value.items() for address in _addresses(part, name)]
    return [value] if isinstance(value, str) and value.startswith(_HUB) and key != _WITHOUT_CLONING else []


def _parsed(address: str) -> HubWeights:
    owner, repo, file = address.removeprefix(_HUB).split("/", 2)
    file, _, revision = file.partition("@")
    gated = f"{owner}/{repo}" == "kyutai/pocket-tts"
    return HubWeights(repo=f"{owner}/{repo}", files=(file,), revision=revision or None, gated=gated)


def _local(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _local(part) for key, part in value.items()}
    if not isinstance(value, str) or "://" not in value:
        return value
    if not value.startswith(_HUB):
        raise ValueError(f"pocket-tts would download {value}: fetch it yourself and name the file")
    part = _parsed(value)
    local = cached(part.repo, part.files[0], part.revision)
    assert local is not None, "weights are required before they are read"
    return str(local)

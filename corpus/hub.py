"""Folders as the Hugging Face hub holds them, and putting one there: never without a licence, private unless asked.

corpus   data/*.parquet, corpus.json, README.md                  `corpus.formats.huggingface` writes and reads it
codec    model.safetensors, config.json, README.md               `Codec.load` takes the folder
agent    the same, with its vocabulary and codec.json            `agent.files.bundle.load_bundle` takes the folder
"""

from __future__ import annotations

import json
import os
import re
import struct
from pathlib import Path
from typing import Any, Literal

from .card import CARD, card_licence, model_card
from .durable import disk_full_told, link_or_copy, publish, remove, sync_directory, write_synced
from .manifest import IDENTITY, MANIFEST

Kind = Literal["dataset", "model"]

WEIGHTS, CONFIG = "model.safetensors", "config.json"
PICKLES = {".bin", ".ckpt", ".pickle", ".pkl", ".pt", ".pth"}  # loading one runs whatever its maker put in it
LONGEST_HEADER = 100_000_000  # bytes, the limit of the safetensors format
_CONFIG_KEY = re.compile(r"^duologue_\w+$")  # of a single file's metadata: the configuration as JSON


def hub_kind(folder: Path) -> Kind:
    """What a folder would be on the hub. Raises ValueError, saying what to do, when it has the shape of neither."""
    if any((folder / "data").glob("*.parquet")):
        return "dataset"
    if (folder / CONFIG).is_file() and any(folder.glob("*.safetensors")):
        return "model"
    if (folder / IDENTITY).is_file() and (folder / MANIFEST).is_file():
        raise ValueError(f"{folder} is a corpus: first type: synth export {folder} --to huggingface --out DIR")
    raise ValueError(f"{folder} holds neither data/*.parquet nor {CONFIG} with safetensors")


def check_card(folder: Path) -> str:
    """The licence a folder's card states. Raises ValueError where there is no card or it states none."""
    try:
        licence = card_licence((folder / CARD).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError):
        raise ValueError(f"{folder} has no readable {CARD}: write a card that states the licence") from None
    if not licence:
        raise ValueError(f"the card {folder / CARD} states no licence: nothing is published without one")
    return licence


def push(folder: str | Path, repo: str, *, private: bool = True, message: str = "") -> str:
    """Publish a folder on the hub, or on the server that HF_ENDPOINT names.

    Args:
        folder: hub-shaped, with a card that states its licence.
        repo: OWNER/NAME; created where there is none.
        private: create it private, and refuse to add to a public one.
        message: of the commit.

    Returns:
        The address of the commit.

    Raises:
        ValueError: the folder or card is unfit, a file is a pickle, huggingface_hub is missing, or the hub refuses.
    """
    folder = Path(folder)
    kind = hub_kind(folder)
    check_card(folder)
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", repo):
        raise ValueError(f"{repo!r} is no repository: write OWNER/NAME")
    pickles = sorted(path.name for path in folder.rglob("*") if path.suffix in PICKLES)
    if pickles:
        raise ValueError(f"{folder} holds a pickle, which is unsafe to load ({pickles[0]}): convert or remove it")
    hub = _hub()
    api = hub.HfApi(endpoint=os.environ.get("HF_ENDPOINT") or None)
    try:
        api.create_repo(repo, repo_type=kind, private=private, exist_ok=True)
        if private and not api.repo_info(repo, repo_type=kind).private:
            raise ValueError(f"{repo} exists and is public: choose another or say --public")
        commit = api.upload_folder(
            folder_path=str(folder),
            repo_id=repo,
            repo_type=kind,
            commit_message=message or f"Add {folder.name}",
            ignore_patterns=[".*", "**/.*"],
        )
    except (_http_error(hub), RuntimeError) as error:  # the latter: an upload that failed half-way
        raise ValueError(f"the hub refused {repo}: {_reason(error)}") from None
    return str(commit.commit_url)


def save_model(source: str | Path, out: str | Path, *, name: str, licence: str, description: str = "") -> Path:
    """Make a hub-shaped folder of a codec's weights file or of an agent's folder; files are linked where possible.

    Args:
        source: a safetensors file of ours, or a folder with `config.json` and safetensors.
        out: folder to create.
        name: the card's title.
        licence: SPDX id of the weights.
        description: Markdown for the card; a .md file of the weights' name beside them if empty.

    Raises:
        ValueError: `source` is neither, holds a pickle, `licence` is blank, or `out` is not empty.
    """
    source, out = Path(source), Path(out)
    if not licence.strip():
        raise ValueError("state the licence of the weights: --licence SPDX-ID")
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise ValueError(f"{out} exists and is not empty: choose another --out")
    files = _agent_files(source) if source.is_dir() else {WEIGHTS: source}
    contents = {} if source.is_dir() else {CONFIG: _config_of(source)}
    beside = source / CARD if source.is_dir() else source.with_suffix(".md")
    if not description and beside.is_file():
        description = re.sub(r"\A---\n.*?\n---\n", "", beside.read_text(encoding="utf-8"), flags=re.DOTALL)
        description = re.sub(r"\A\s*# .*\n", "", description)
    contents[CARD] = model_card(name, licence, "duologue", description).encode()
    build = out.absolute().parent / f".{out.name}.tmp"
    remove(build)
    with disk_full_told(build.parent):
        build.mkdir(parents=True)
        for file, path in files.items():
            link_or_copy(path, build / file)
        for file, data in contents.items():
            write_synced(build / file, data)
        sync_directory(build)
        publish(build, out)
    return out


def load_model(folder: str | Path) -> tuple[dict[str, Any], Path]:
    """The configuration and the weights file of a hub-shaped folder. Raises ValueError when it is none."""
    folder = Path(folder)
    try:
        config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{folder} has no readable {CONFIG}: {error}") from None
    weights = folder / WEIGHTS
    if not isinstance(config, dict) or not weights.is_file():
        raise ValueError(f"{folder} holds no {WEIGHTS} with a {CONFIG} object")
    safetensors_metadata(weights)
    return config, weights


def safetensors_metadata(path: Path) -> dict[str, str]:
    """The metadata in a safetensors file's header. Raises ValueError when it is no such file."""
    try:
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            if length > LONGEST_HEADER:
                raise ValueError(f"its header would be {length} bytes")
            header = json.loads(file.read(length))
    except (OSError, struct.error, ValueError) as error:
        raise ValueError(f"cannot read {path} as safetensors: {error}") from None
    metadata = header.get("__metadata__", {}) if isinstance(header, dict) else {}
    return {str(key): str(value) for key, value in metadata.items()}


def _config_of(weights: Path) -> bytes:
    """The configuration inside a single weights file of ours, as config.json."""
    path = [value for key, value in safetensors_metadata(weights).items() if _CONFIG_KEY.match(key)]
    if not path:
        raise ValueError(f"{weights} carries no configuration: give a codec or an agent that this project saved")
    return (json.dumps(json.loads(path[0]), indent=2) + "\n").encode()


def _agent_files(folder: Path) -> dict[str, Path]:
    files = {path.name: path for path in sorted(folder.iterdir()) if path.is_file() and not path.name.startswith(".")}
    files.pop(CARD, None)
    pickles = [name for name in files if Path(name).suffix in PICKLES]
    if pickles:
        raise ValueError(f"{folder} holds a pickle, which is unsafe to load ({pickles[0]}): convert or remove it")
    if CONFIG not in files or not any(name.endswith(".safetensors") for name in files):
        raise ValueError(f"{folder} is no model: {CONFIG} or safetensors are missing")
    return files


def _reason(error: Any) -> str:
    if getattr(getattr(error, "response", None), "status_code", None) in (401, 403):
        return "not logged in, or no right to write there; type: hf auth login"
    return " ".join(str(error).split())[:300]


def _http_error(hub: Any) -> type[Exception]:
    """The class of all errors of the HTTP library that huggingface_hub uses, whichever it is."""
    kind: type[Exception] = hub.errors.HfHubHTTPError.__mro__[1]
    return kind


def _hub() -> Any:
    try:
        import huggingface_hub
        import huggingface_hub.errors
    except ImportError:
        raise ValueError("publishing needs huggingface_hub; type: pip install 'duologue[formats]'") from None
    return huggingface_hub

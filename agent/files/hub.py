"""Folders of the Hugging Face hub, from the cache unless asked to fetch."""

from __future__ import annotations

from pathlib import Path

HUB_FILES = ["*.json", "model*.safetensors", "tokenizer*"]


def hub_folder(name: str, download: bool = False) -> str:
    """The folder of a model: `name` itself if it is one or a shipped name, else a repository of the Hugging Face hub.

    Args:
        name: folder, shipped name or id such as kyutai/moshiko-pytorch-bf16.
        download: fetch it if it is not in the cache.

    Raises:
        ValueError: it is nowhere, or huggingface_hub is missing.
    """
    if Path(name).is_dir() or name.count("/") != 1:
        return name
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError:
        raise ValueError(f"{name} is no folder, and ids of the hub need: pip install huggingface_hub") from None
    try:
        return str(snapshot_download(name, local_files_only=not download, allow_patterns=HUB_FILES))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        hint = "cannot be fetched" if download else "is neither a folder nor in the cache: add --download"
        raise ValueError(f"{name} {hint} ({str(error).splitlines()[0]})") from None

"""Where a codec's weights lie: a shipped name, a file, a folder, or a Hugging Face id in the local cache."""

from __future__ import annotations

import os
from pathlib import Path

WEIGHTS = Path(__file__).parent / "weights"  # the checkpoints that ship with the project
HUB_MARKS = ("model.safetensors", "tokenizer-*.safetensors")  # files of a hub repository that hold a codec


def find(name: str | Path) -> Path:
    """The safetensors file behind `name`. Nothing is downloaded; what cannot be found raises ValueError."""
    shipped = WEIGHTS / f"{name}.safetensors"
    path = Path(name)
    if len(path.parts) == 1 and shipped.is_file():
        return shipped
    if path.is_file():
        return path
    if path.is_dir():
        return _only_file(path)
    if isinstance(name, str) and name.count("/") == 1 and not path.suffix:
        return _cached(name)
    known = sorted(file.stem for file in WEIGHTS.glob("*.safetensors"))
    raise ValueError(
        f"no codec at {name}: give a file, a folder or one of the shipped names ({', '.join(known) or 'none'})"
    )


def _only_file(folder: Path) -> Path:
    """The one checkpoint of a folder."""
    for pattern in (*HUB_MARKS, "*.safetensors"):
        files = sorted(folder.glob(pattern))
        if len(files) == 1:
            return files[0]
        if files:
            raise ValueError(f"{folder} holds {len(files)} files {pattern}: name one")
    raise ValueError(f"{folder} holds no .safetensors file")


def _cached(name: str) -> Path:
    """A repository's newest snapshot in the Hugging Face cache."""
    home = Path(os.environ.get("HF_HOME", Path.home() / ".cache" / "huggingface"))
    cache = Path(os.environ.get("HF_HUB_CACHE", home / "hub")) / f"models--{name.replace('/', '--')}" / "snapshots"
    snapshots = sorted(cache.glob("*"), key=lambda folder: folder.stat().st_mtime)
    if not snapshots:
        raise ValueError(f"{name} is neither a file nor in the Hugging Face cache: run `hf download {name}` first")
    return _only_file(snapshots[-1])

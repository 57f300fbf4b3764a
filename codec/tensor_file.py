"""A safetensors file that appears whole or not at all."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from corpus.durable import DiskFullError, replacing

FULL = ("os error 28", "No space left", "os error 122", "os error 27")  # what safetensors says of a full disk


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file whole or not at all. Raises DiskFullError where there is no room."""
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as partial:
        try:
            save_file(ready, str(partial), metadata)
        except SafetensorError as error:
            if any(sign in str(error) for sign in FULL):
                raise DiskFullError(f"disk full while writing {path}: free space and run the same again") from None
            raise

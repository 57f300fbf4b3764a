"""A safetensors file that appears whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import save_file
from torch import Tensor

from corpus.durable import DiskFullError, remove, replacing

FULL = ("os error 28", "No space left", "os error 122", "os error 27")  # what safetensors says of a full disk


def save_tensors(path: Path, tensors: Mapping[str, Tensor], metadata: dict[str, str] | None = None) -> None:
    """Write a safetensors file whole or not at all, with the umask's mode. Raises DiskFullError where there is no room.

    safetensors writes into a file of a name that it draws, beside the one it is told: in a folder of its own, so that
    the next save can clear away what a kill left of it.
    """
    ready = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    scratch = path.with_name(f".{path.name}.saving")
    with replacing(path) as partial:
        try:
            remove(scratch)
            scratch.mkdir()
            save_file(ready, str(scratch / path.name), metadata)
            os.replace(scratch / path.name, partial)
        except SafetensorError as error:
            if any(sign in str(error) for sign in FULL):
                raise DiskFullError(f"disk full while writing {path}: free space and run the same again") from None
            raise
        finally:
            remove(scratch)

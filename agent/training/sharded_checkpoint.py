"""A checkpoint that each process writes its share of, and any number of processes read (torch.distributed.checkpoint).

RUN/checkpoint.safetensors    no tensors: `training`, as of every run, and in it the shares and their sizes
RUN/shards-000200/            safetensors files, one of a process; each says which part of which tensor it holds

The small file turns from one folder to the next at once, so a run killed while it saves has its checkpoint of before.
No tensor is whole in any process, and nothing is pickled. Processes on several machines need one file system.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from codec.tensor_file import FULL
from codec.training import parallel
from codec.training.run_state import CHECKPOINT, read_about, write_checkpoint
from corpus.durable import DiskFullError, remove, sync_directory

SHARDS = "shards"  # in `training`: {"folder": name, "files": {name: bytes}}


def write_shards(folder: Path, about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write the checkpoint of a run whose tensors are shared among processes, in all of them.

    Raises DiskFullError where there is no room; the checkpoint of before is still there.
    """
    from torch.distributed.checkpoint.api import CheckpointException
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageWriter
    from torch.distributed.checkpoint.state_dict_saver import save

    place = folder / f"shards-{about['step']:06d}"
    if place.name == _named(folder):  # saved again where it stands: never into the folder that is in use
        place = place.with_name(f"{place.name}-again")
    if parallel.rank() == 0:
        remove(place)
        place.mkdir(parents=True)
    writer = HuggingFaceStorageWriter(str(place), save_distributed=True)
    try:
        parallel.wait()
        save({name: tensor.detach() for name, tensor in tensors.items()}, storage_writer=writer)
    except CheckpointException as error:
        if any(sign in str(error) for sign in FULL):
            raise DiskFullError(f"disk full while writing {place}: free space and run the same again") from None
        raise
    if parallel.rank() == 0:
        sync_directory(place)
        files = {path.name: path.stat().st_size for path in sorted(place.iterdir())}
        write_checkpoint(folder / CHECKPOINT, {**about, SHARDS: {"folder": place.name, "files": files}}, {})
        remove_shards(folder, but=place.name)
    parallel.wait()


def remove_shards(folder: Path, but: str = "") -> None:
    """Remove the shares of earlier checkpoints in a run's folder."""
    for path in folder.glob("shards-*"):
        if path.name != but:
            remove(path)


def read_shards(folder: Path, about: Mapping[str, Any], parameters: Mapping[str, nn.Parameter]) -> dict[str, Tensor]:
    """The tensors of such a checkpoint, those as large as their parameter shared out as it is now.

    Args:
        folder: of the run.
        about: what its checkpoint says of itself.
        parameters: that train, by name.

    Returns:
        `model.name` and `optimizer.name|slot`.

    Raises:
        ValueError: a file is missing or cut off.
    """
    from torch.distributed.checkpoint.hf_storage import HuggingFaceStorageReader
    from torch.distributed.checkpoint.state_dict_loader import load

    place, files = folder / about[SHARDS]["folder"], about[SHARDS]["files"]
    odd = [name for name, size in files.items() if _size(place / name) != size]
    if odd:
        raise ValueError(f"{place / odd[0]} is missing or cut off: the checkpoint in {folder} cannot be read")
    reader = HuggingFaceStorageReader(str(place))
    tensors: dict[str, Tensor] = {}
    for key, about_one in reader.read_metadata().state_dict_metadata.items():
        name = key.removeprefix("model.").removeprefix("optimizer.").split("|")[0]
        tensors[key] = _room(about_one, parameters.get(name))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "torch.distributed is disabled")  # a process may be alone
        load(tensors, storage_reader=reader)
    return tensors


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _room(about: Any, parameter: nn.Parameter | None) -> Tensor:
    """Memory for a tensor, shared out as its parameter."""
    empty = torch.empty(about.size, dtype=about.properties.dtype)
    if parameter is None or parameter.shape != about.size:
        return empty
    return torch.empty_like(parameter, dtype=about.properties.dtype, requires_grad=False)


def _named(folder: Path) -> str | None:
    """The folder of shares that a run's checkpoint is in."""
    path = folder / CHECKPOINT
    return read_about(path).get(SHARDS, {}).get("folder") if path.exists() else None

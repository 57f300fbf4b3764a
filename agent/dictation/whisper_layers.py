"""Whisper's convolutions and lower layers out of a CTranslate2 model file (`model.bin` of faster-whisper's folders)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import torch

from ..hearing.network import HearingNetwork, Layer

VERSION = 6  # of the file format
TYPES: Mapping[int, Any] = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
Arrays = dict[str, Any]


def begin_with_whisper(network: HearingNetwork, folder: str | Path) -> None:
    """Copy what the network shares with Whisper's encoder; its last projection stays as it is.

    Raises:
        ValueError: no such file, another format, or an encoder of other sizes.
    """
    path = Path(folder) / "model.bin"
    try:
        with path.open("rb") as file:
            arrays = _read(file, "encoder/")
    except (OSError, struct.error) as error:
        raise ValueError(f"{path} is no model of faster-whisper: {error}") from None
    try:
        _fill(network, arrays)
    except (KeyError, RuntimeError) as error:
        raise ValueError(f"the encoder in {path} has other sizes than the recognizer: {error}") from None


def _fill(network: HearingNetwork, arrays: Arrays) -> None:
    def put(target: Any, name: str) -> None:
        target.data.copy_(torch.from_numpy(arrays[f"encoder/{name}"].astype(np.float32)))

    for name in ("conv1", "conv2"):
        conv = getattr(network, name)
        put(conv.weight, f"{name}/weight")
        put(conv.bias, f"{name}/bias")
    put(network.positions, "position_encodings/encodings")
    for index, layer in enumerate(network.layers):
        assert isinstance(layer, Layer)
        parts = {
            "self_attention/layer_norm": layer.norm1,
            "self_attention/linear_0": layer.heads_in,
            "self_attention/linear_1": layer.heads_out,
            "ffn/layer_norm": layer.norm2,
            "ffn/linear_0": layer.wide,
            "ffn/linear_1": layer.narrow,
        }
        for name, module in parts.items():
            norm = name.endswith("norm")
            put(module.weight, f"layer_{index}/{name}/{'gamma' if norm else 'weight'}")
            put(module.bias, f"layer_{index}/{name}/{'beta' if norm else 'bias'}")


def _read(file: BinaryIO, wanted: str) -> Arrays:
    """The arrays whose names begin so."""
    (version,) = struct.unpack("<I", file.read(4))
    if version != VERSION:
        raise OSError(f"format {version}, this reads {VERSION}")
    _string(file)
    _, count = struct.unpack("<II", file.read(8))
    arrays = {}
    for _ in range(count):
        name = _string(file)
        (rank,) = struct.unpack("<B", file.read(1))
        shape = struct.unpack(f"<{rank}I", file.read(4 * rank))
        kind, size = struct.unpack("<BI", file.read(5))
        if name.startswith(wanted):
            arrays[name] = np.frombuffer(file.read(size), TYPES[kind]).reshape(shape)
        else:
            file.seek(size, 1)
    return arrays


def _string(file: BinaryIO) -> str:
    (length,) = struct.unpack("<H", file.read(2))
    return file.read(length)[:-1].decode()

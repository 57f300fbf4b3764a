"""Weights of listener and ear's head as files: `config.json` and `model.safetensors`, each written whole."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from pathlib import Path

from safetensors.torch import save
from torch import Tensor

from corpus.durable import replacing

from .network import ListenerNetwork

ONLY_IN_TRAINING = ("future.", "teacher.")
UNFITTED = {0.2: 0.9, 0.5: 0.7, 1.2: 0.5}  # thresholds by seconds of silence until some are fitted


def write_listener(folder: Path, network: ListenerNetwork, thresholds: Mapping[float, float] | None = None) -> None:
    """Write what `Listener.load` reads; the heads of training are left out."""
    tensors = {n: t for n, t in network.state_dict().items() if not n.startswith(ONLY_IN_TRAINING)}
    settings = {"network": dataclasses.asdict(network.config)}
    _write(folder, tensors, {**settings, "thresholds": _named(thresholds or UNFITTED)})


def write_ear_head(
    folder: Path, tensors: Mapping[str, Tensor], thresholds: Mapping[float, float] | None = None
) -> None:
    """Write what `EarTurnHead.load` reads."""
    _write(folder, tensors, {"thresholds": _named(thresholds or UNFITTED)})


def write_thresholds(folder: Path, thresholds: Mapping[float, float]) -> None:
    """Put fitted thresholds into a folder's `config.json`."""
    settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    _put(folder / "config.json", json.dumps({**settings, "thresholds": _named(thresholds)}, indent=2).encode() + b"\n")


def _named(thresholds: Mapping[float, float]) -> dict[str, float]:
    return {str(silence): round(least, 4) for silence, least in thresholds.items()}


def _write(folder: Path, tensors: Mapping[str, Tensor], settings: Mapping[str, object]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    _put(folder / "model.safetensors", save({n: t.detach().cpu().contiguous() for n, t in tensors.items()}))
    _put(folder / "config.json", json.dumps(settings, indent=2).encode() + b"\n")


def _put(path: Path, content: bytes) -> None:
    with replacing(path) as partial:
        partial.write_bytes(content)

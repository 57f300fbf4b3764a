"""A run on disk: its checkpoint, written whole and read back, and what may differ when it goes on.

RUN/checkpoint.safetensors   every tensor that trains and the optimizer's slots; as metadata, `training`: the step,
                             recipe, model, data and all else that decides what the run is
RUN/recipe.json              the recipe, for people
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from torch import Tensor

from ..tensor_file import save_tensors

CHECKPOINT = "checkpoint.safetensors"
SPARSE = ("model.",)  # tables that leave out what is as usual: an absent key there is a difference, too
SHOWN = 3  # differences named in one line


class TrainingError(ValueError):
    """Training cannot go on; the message says why and what to do."""


class StoppedError(KeyboardInterrupt):
    """A run ended early on request, all saved; the message says how to go on."""


def write_checkpoint(path: Path, about: Mapping[str, Any], tensors: Mapping[str, Tensor]) -> None:
    """Write a checkpoint whole or not at all."""
    save_tensors(path, tensors, {"training": json.dumps(about)})


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """A training checkpoint's step and recipe, and its tensors. Raises ValueError if it cannot be read."""
    about = read_about(path)
    try:
        with safe_open(str(path), framework="pt") as file:
            return about, {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise ValueError(f"cannot read {path} as a training checkpoint: {error}") from None


def read_about(path: Path) -> dict[str, Any]:
    """What a checkpoint says of itself, without its tensors. Raises ValueError if it cannot be read."""
    try:
        with safe_open(str(path), framework="pt") as file:
            about: dict[str, Any] = json.loads((file.metadata() or {})["training"])
            return about
    except (OSError, SafetensorError, KeyError, json.JSONDecodeError) as error:
        raise ValueError(f"cannot read {path} as a training checkpoint: {error}") from None


def check_free(folder: Path, resume: bool) -> None:
    """Raise ValueError when a new run would overwrite one, or there is none to go on with."""
    if folder.exists() and not folder.is_dir():
        raise ValueError(f"{folder} is no folder: choose another --out")
    there = (folder / CHECKPOINT).exists()
    if there and not resume:
        raise ValueError(f"{folder} holds a run already: add --resume to go on with it, or choose another --out")
    if resume and not there:
        raise ValueError(f"{folder} holds no run to go on with: leave --resume out to begin one")


def check_same(
    folder: Path, before: Mapping[str, Any], now: Mapping[str, Any], may_change: Collection[str] = ()
) -> list[str]:
    """Compare what a run was begun with and what it is asked to go on with, key by key.

    Args:
        folder: of the run.
        before: what its checkpoint says; a key it lacks is of a younger version and passed over.
        now: what is asked for; nested tables are compared by the keys in them.
        may_change: dotted keys that may differ.

    Returns:
        What differs and may, as words.

    Raises:
        ValueError: something differs that decides what the run is; the message names the keys.
    """
    changes = {key: (old, new) for key, old, new in _differences(before, now)}
    told = {key: f"{key} was {_short(old)}, is {_short(new)}" for key, (old, new) in changes.items()}
    refused = [words for key, words in told.items() if key not in may_change]
    if refused:
        more = f" and {len(refused) - SHOWN} more" if len(refused) > SHOWN else ""
        raise ValueError(
            f"the run in {folder} was begun with something else: {'; '.join(refused[:SHOWN])}{more}; "
            "go on with the same, or begin another run with another --out"
        )
    return [f"{key} {_short(old)} -> {_short(new)}" for key, (old, new) in changes.items()]


def check_steps(asked: int, taken: int) -> None:
    """Raise ValueError when fewer steps are asked for than a run has taken."""
    if asked < taken:
        raise ValueError(f"the run has taken {taken} steps already; {asked} are asked for")


def _differences(before: Mapping[str, Any], now: Mapping[str, Any], place: str = "") -> list[tuple[str, Any, Any]]:
    differing: list[tuple[str, Any, Any]] = []
    keys = [*now, *(key for key in before if key not in now)] if place.startswith(SPARSE) else [*now]
    for key in keys:
        if key not in before and not place.startswith(SPARSE):
            continue
        old, new, name = before.get(key), now.get(key), f"{place}{key}"
        if isinstance(old, Mapping) and isinstance(new, Mapping):
            differing += _differences(old, new, f"{name}.")
        elif _plain(old) != _plain(new):
            differing.append((name, old, new))
    return differing


def _plain(value: Any) -> Any:
    """As JSON gives it back."""
    return json.loads(json.dumps(value))


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 24 else text[:20] + '..."' * (text[0] == '"')

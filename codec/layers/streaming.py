"""Streaming state as plain values: every layer is `y, state = layer(x, state)`, offline is a fresh state.

A state is a frozen dataclass of tensors (or of states, or tuples of states, or None where there is none). Every tensor
has the batch first, so a row is one conversation: it can be reset, picked out or stacked without knowing the layer.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ..tensor_file import save_tensors

S = TypeVar("S")


def map_state(function: Callable[..., Tensor], *states: S) -> S:
    """A state of the same shape whose tensors are `function(tensor of states[0], tensor of states[1], ...)`."""
    mapped: S = _map(function, states)
    return mapped


def _map(function: Callable[..., Tensor], states: tuple[Any, ...]) -> Any:
    first = states[0]
    if isinstance(first, Tensor):
        return function(*states)
    if first is None:
        return None
    if isinstance(first, tuple):
        return tuple(_map(function, items) for items in zip(*states, strict=True))
    fields = dataclasses.fields(first)
    return type(first)(*(_map(function, tuple(getattr(state, field.name) for state in states)) for field in fields))


def copy(state: S) -> S:
    """A deep copy that shares no memory."""
    return map_state(torch.clone, state)


def to(state: S, device: torch.device | str) -> S:
    """The state on another device."""
    return map_state(lambda tensor: tensor.to(device), state)


def reset_rows(state: S, fresh: S, rows: Tensor) -> S:
    """Start some conversations of a batch anew.

    Args:
        state: the running state of batch B.
        fresh: a fresh state of batch B or 1.
        rows: bool `[B]`, True where to reset.
    """

    def pick(old: Tensor, new: Tensor) -> Tensor:
        mask = rows.to(old.device).view(-1, *[1] * (old.dim() - 1))
        return torch.where(mask, new, old)

    return map_state(pick, state, fresh)


def stack(states: list[S]) -> S:
    """One batch out of several, in order."""
    return map_state(lambda *tensors: torch.cat(tensors), *states)


def select(state: S, rows: Tensor) -> S:
    """The conversations `rows` (int64 indices) of a batch, copied."""
    return map_state(lambda tensor: tensor.index_select(0, rows.to(tensor.device)), state)


def batch_of(state: object) -> int:
    """Rows of a state."""
    return next(tensor for _, tensor in named_tensors(state)).shape[0]


def named_tensors(state: object, prefix: str = "") -> Iterator[tuple[str, Tensor]]:
    """Every tensor of a state with its dotted name, in a fixed order."""
    if isinstance(state, Tensor):
        yield prefix, state
    elif isinstance(state, tuple):
        for index, item in enumerate(state):
            yield from named_tensors(item, f"{prefix}.{index}" if prefix else str(index))
    elif state is not None:
        for field in dataclasses.fields(state):  # type: ignore[arg-type]
            yield from named_tensors(getattr(state, field.name), f"{prefix}.{field.name}" if prefix else field.name)


def flatten(state: object) -> dict[str, Tensor]:
    """The state as a flat dictionary, for storage or for an ONNX session."""
    return dict(named_tensors(state))


def unflatten(template: S, tensors: Mapping[str, Tensor]) -> S:
    """A state shaped like `template` from what `flatten` gave; another batch size than the template's is allowed.

    Raises:
        ValueError: a tensor is missing, unknown, or has the wrong shape or type.
    """
    expected = flatten(template)
    if expected.keys() != tensors.keys():
        odd = sorted(expected.keys() ^ tensors.keys())
        raise ValueError(f"not a state of this model: {len(odd)} tensors differ, first {odd[0]}")
    for name, tensor in expected.items():
        given = tensors[name]
        if given.shape[1:] != tensor.shape[1:] or given.dtype != tensor.dtype:
            raise ValueError(
                f"not a state of this model: {name} is {list(given.shape)} {given.dtype}, "
                f"expected {list(tensor.shape)} {tensor.dtype}"
            )
    names = iter(expected)
    return map_state(lambda _: tensors[next(names)], template)


def save(state: object, path: str | Path) -> None:
    """Write a state as safetensors."""
    save_tensors(Path(path), dict(named_tensors(state)))


def load(path: str | Path, template: S) -> S:
    """Read a state that `save` wrote; `template` is any state of the same codec. Bad files raise ValueError."""
    try:
        tensors = load_file(str(path))
    except (SafetensorError, OSError) as error:
        raise ValueError(f"cannot read {path} as a streaming state: {error}") from None
    return unflatten(template, tensors)

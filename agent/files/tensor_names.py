"""Kyutai's tensor names <-> ours, and attention matrices stacked over weight sets <-> apart.

Ours differ from the native names by the prefixes below only. Older files stack the matrices of all weight sets of an
attention in one.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import torch
from torch import Tensor

PREFIXES = (  # ours, theirs
    ("temporal.", "transformer."),
    ("depth.inputs.", "depformer_in."),
    ("depth.text_emb.", "depformer_text_emb."),
    ("depth.emb.", "depformer_emb."),
    ("depth.layers.", "depformer.layers."),
    ("depth.norms.", "depformer_norms."),
    ("depth.linears.", "linears."),
)
STACKED = re.compile(r"^(.*\.)(in|out)_proj(?:_weight|\.weight|\.(lora_[AB])\.weight)(_scb)?$")
SPLIT = re.compile(r"^(.*\.)(in|out)_projs\.(\d+)\.(?:(lora_[AB])\.)?weight(_scb)?$")


def to_native(name: str) -> str:
    """Kyutai's name of one of our tensors."""
    for ours, theirs in PREFIXES:
        if name.startswith(ours):
            return theirs + name.removeprefix(ours)
    return name


def from_native(name: str) -> str:
    """Our name of one of Kyutai's tensors."""
    for ours, theirs in PREFIXES:
        if name.startswith(theirs):
            return ours + name.removeprefix(theirs)
    return name


def split_stacked(tensors: Mapping[str, Tensor], sets: int) -> dict[str, Tensor]:
    """Stacked attention matrices apart; `sets` is the depth transformer's number of weight sets. Native names."""
    split = {}
    for name, tensor in tensors.items():
        match = STACKED.match(name)
        if match is None:
            split[name] = tensor
            continue
        prefix, side, adapter, scale = match.groups()
        count = sets if prefix.startswith("depformer.") else 1
        if len(tensor) % count:
            raise ValueError(f"{name} of shape {list(tensor.shape)} does not hold {count} sets of weights")
        for index, part in enumerate(tensor.chunk(count)):
            place = f"{prefix}{side}_projs.{index}." + (f"{adapter}." if adapter else "")
            split[f"{place}weight{scale or ''}"] = part
    return split


def stack(tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `split_stacked`, under the oldest files' names."""
    stacked: dict[str, Tensor] = {}
    groups: dict[str, dict[int, Tensor]] = {}
    for name, tensor in tensors.items():
        match = SPLIT.match(name)
        if match is None:
            stacked[name] = tensor
            continue
        prefix, side, index, adapter, scale = match.groups()
        tail = f".{adapter}.weight" if adapter else "_weight" if side == "in" else ".weight"
        groups.setdefault(f"{prefix}{side}_proj{tail}{scale or ''}", {})[int(index)] = tensor
    stacked.update({name: torch.cat([parts[k] for k in sorted(parts)]) for name, parts in groups.items()})
    return stacked

"""A model out of tensors: checked against the configuration, 8-bit matrices, adapters, the user's side filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor, nn

from ..model.config import ModelConfig
from ..model.language_model import LanguageModel
from ..model.lora import adapter_tensors, add_adapters
from ..model.quantized import Int8Linear
from .tensor_names import from_native, split_stacked, to_native


def with_both_sides(config: ModelConfig) -> ModelConfig:
    """The configuration with all codebooks predicted, each side's with weights of its own."""
    depth = config.depth
    if depth is None or config.n_q != 2 * config.dep_q:
        if config.dep_q == config.n_q and config.depth is not None:
            return config
        raise ValueError(f"both sides need n_q to be twice dep_q, got {config.n_q} and {config.dep_q}")
    schedule = (
        (*depth.schedule, *(each + depth.sets for each in depth.schedule)) if depth.per_step else depth.schedule * 2
    )
    widths = depth.transformer.feedforward
    transformer = replace(depth.transformer, feedforward=widths if len(widths) == 1 else widths * 2)
    depth = replace(depth, schedule=schedule, transformer=transformer)
    return replace(config, depth=depth, dep_q=config.n_q, ours=replace(config.ours, agent_q=config.dep_q))


def build(config: ModelConfig, tensors: Mapping[str, Tensor], dtype: torch.dtype | None = None) -> LanguageModel:
    """A model of tensors under native names, split or stacked. Misfits raise ValueError."""
    with torch.device("meta"):
        model = LanguageModel(config)
    sets = 1 if config.depth is None else _sets_in_file(tensors, config.depth.sets)
    ours = {from_native(name): tensor for name, tensor in split_stacked(tensors, sets).items()}
    for name in [name for name in ours if name.endswith(".weight_scb")]:
        _put_int8(model, name.removesuffix(".weight_scb"))
    expected = model.state_dict()
    if config.agent_codebooks < config.dep_q:
        _copy_sides(ours, expected, config)
    _check(ours, expected)
    model.load_state_dict({name: cast(name, tensor, dtype) for name, tensor in ours.items()}, assign=True)
    return model


def _sets_in_file(tensors: Mapping[str, Tensor], expected: int) -> int:
    """Weight sets of the depth transformer that a file holds: fewer than expected if it knows one side only."""
    names = (re.match(r"depformer\.layers\.0\.gating\.(\d+)\.", name) for name in tensors)
    return max((int(match[1]) + 1 for match in names if match), default=expected)


def _copy_sides(ours: dict[str, Tensor], expected: Mapping[str, Tensor], config: ModelConfig) -> None:
    """Give the user's steps the agent's weights where a file has the agent's only (as PersonaPlex did)."""
    assert config.depth is not None
    steps, sets = config.agent_codebooks, config.depth.schedule[config.agent_codebooks]
    pattern = re.compile(
        r"^(depth\.(inputs|emb|norms|linears)\.|depth\.layers\.\d+\..*?(?:projs|gating)\.)(\d+)(\..*)$"
    )
    if f"depth.linears.{steps}.weight" in ours:
        return
    for name, tensor in expected.items():
        match = pattern.match(name)
        if name in ours or match is None:
            continue
        back = steps if match[2] in ("emb", "norms", "linears") else sets
        source = f"{match[1]}{int(match[3]) - back}{match[4]}"
        if source in ours:
            ours[name] = ours[source].clone()
        elif name.startswith(f"depth.emb.{steps - 1}."):  # from the agent's last codebook on: nothing known of it
            like = next(each for each in ours.values() if each.is_floating_point())
            ours[name] = torch.zeros(tensor.shape, dtype=like.dtype)


def _check(ours: Mapping[str, Tensor], expected: Mapping[str, Tensor]) -> None:
    missing, odd = sorted(expected.keys() - ours.keys()), sorted(ours.keys() - expected.keys())
    if missing:
        raise ValueError(
            f"the weights do not fit config.json: {len(missing)} tensors are missing, first {to_native(missing[0])}"
        )
    if odd:
        raise ValueError(f"the weights do not fit config.json: {len(odd)} tensors too many, first {to_native(odd[0])}")
    for name, tensor in expected.items():
        if ours[name].shape != tensor.shape:
            raise ValueError(
                f"the weights do not fit config.json: {to_native(name)} is {list(ours[name].shape)}, "
                f"expected {list(tensor.shape)}"
            )


def cast(name: str, tensor: Tensor, dtype: torch.dtype | None) -> Tensor:
    """A tensor in the float type asked for; scales and conditioners stay float32."""
    if name.startswith("condition_provider.") or name.endswith(".weight_scb"):
        return tensor.float()
    if tensor.dtype == torch.int8:
        return tensor.clone()  # a file's tensors may lie at odd addresses, memory of ours does not
    return tensor if dtype is None or not tensor.is_floating_point() else tensor.to(dtype)


def _put_int8(model: nn.Module, name: str) -> None:
    parent, _, last = name.rpartition(".")
    try:
        linear = model.get_submodule(name)
    except AttributeError:
        linear = None
    if not isinstance(linear, nn.Linear):
        raise ValueError(f"the weights do not fit config.json: there is no matrix {to_native(name)}")
    with torch.device("meta"):
        layer = Int8Linear(linear.in_features, linear.out_features, linear.bias is not None)
    setattr(model.get_submodule(parent), last, layer)


def load_adapters(model: LanguageModel, tensors: Mapping[str, Tensor], path: str, scaling: float = 2.0) -> None:
    """Put adapters under native names, read from `path`, on a model, in place. Misfits raise ValueError."""
    depth = model.config.depth
    apart = split_stacked(tensors, 1 if depth is None else depth.sets)
    ours = {from_native(name): tensor for name, tensor in apart.items()}
    adapters = adapter_tensors(ours)
    ranks = {len(tensor) for name, tensor in adapters.items() if ".lora_A." in name}
    if len(ranks) != 1:
        raise ValueError(f"{path} holds no adapters of one rank: found {sorted(ranks)}")
    add_adapters(model, ranks.pop(), scaling)
    state = model.state_dict()
    for name, tensor in ours.items():
        if name not in state or state[name].shape != tensor.shape:
            raise ValueError(f"{path} does not fit the model: {to_native(name)} of shape {list(tensor.shape)}")
    missing = sorted(adapter_tensors(state).keys() - adapters.keys())
    if missing:
        raise ValueError(f"{path} does not fit the model: it lacks {to_native(missing[0])}")
    model.load_state_dict({name: tensor.to(state[name].dtype) for name, tensor in ours.items()}, strict=False)

"""Apple's OpenELM as the temporal transformer: layers that differ in heads and width (arXiv 2404.14619).

`transformers` has no OpenELM of its own, and no code that comes with weights is run here: its `config.json` and its
safetensors are read as they are. Heads of queries, heads of keys and the feed-forward's width are each layer's own; a
layer has its queries, keys and values in one matrix, RMS-normed queries and keys, rotation by halves, and the
embedding serves as the output.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from ..model.attention import Attention
from ..model.config import ModelConfig, TransformerConfig, Variation
from ..model.gating import Gating
from ..model.language_model import LanguageModel
from ..model.norm import RMSNorm
from ..model.rope import half_to_pairs
from ..model.temporal import TemporalLayer
from .hub import hub_folder
from .ledger import MappingLedger, put_text, quiet_audio
from .open_lm import OPENELM, refusal, width_for

ONLY = {  # what its configuration may say of parts that are made in one way here
    "activation_fn_name": "swish",
    "normalization_layer_name": "rms_norm",
    "ffn_with_glu": True,
    "share_input_output_layers": True,
}
EPSILON = 1e-6  # of all its norms
LLAMA_START = 1  # Llama 2's beginning of text


@dataclass(frozen=True)
class OpenElm:
    """An OpenELM: its configuration and its tensors by name, without the prefix `transformer.`."""

    settings: Mapping[str, Any]
    tensors: Mapping[str, Tensor]


def load_openelm(source: str | Path, download: bool = False) -> OpenElm:
    """An OpenELM from a folder or the hub's cache; safetensors only. Raises ValueError where it cannot be read."""
    folder = Path(hub_folder(str(source), download))
    tensors: dict[str, Tensor] = {}
    try:
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        for path in sorted(folder.glob("model*.safetensors")):
            tensors |= load_file(path)
    except (OSError, json.JSONDecodeError, SafetensorError) as error:
        raise ValueError(f"cannot load {source} as an OpenELM: {error}") from None
    if not tensors:
        raise ValueError(f"cannot load {source} as an OpenELM: there is no model*.safetensors in it")
    return OpenElm(settings, {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()})


def copy_llama_tokenizer(source: str | Path, folder: str | Path, download: bool = False) -> dict[str, str]:
    """Copy the `tokenizer.json` beside an OpenELM into a model folder; see `initialise.copy_tokenizer`."""
    path = Path(hub_folder(str(source), download)) / "tokenizer.json"
    if not path.is_file():
        raise ValueError(f"OpenELM comes without its tokenizer, which is Llama 2's: put its tokenizer.json at {path}")
    Path(folder).mkdir(parents=True, exist_ok=True)
    shutil.copyfile(path, Path(folder) / path.name)
    return {"tokenizer_name": path.name}


def feedforward_width(multiplier: float, dim: int, divisor: int) -> int:
    """Width inside a layer's feed-forward: a multiple of `divisor`, at least 90 % of `multiplier * dim`."""
    wanted = multiplier * dim
    width = max(divisor, int(wanted + divisor / 2) // divisor * divisor)
    return width + divisor if width < 0.9 * wanted else width


def openelm_config(settings: Mapping[str, Any], context: int | None) -> TransformerConfig:
    """The temporal transformer that matches an OpenELM's `config.json`; its context at most `context`."""
    odd = [f"{key} = {settings[key]}" for key, only in ONLY.items() if settings.get(key, only) != only]
    if odd:
        raise refusal(OPENELM, f"{', '.join(odd)} has no counterpart here")
    try:
        dim, count = settings["model_dim"], settings["num_transformer_layers"]
        heads, groups = _each(settings["num_query_heads"], count), _each(settings["num_kv_heads"], count)
        multipliers = _each(settings["ffn_multipliers"], count)
        widths = [feedforward_width(each, dim, settings["ffn_dim_divisor"]) for each in multipliers]
        variation = Variation(
            head_dim=settings["head_dim"],
            qk_norm=settings["normalize_qk_projections"],
            norm_eps=EPSILON,
            layer_heads=heads,
            layer_key_heads=groups,
            layer_feedforward=tuple(width_for(width, dim) for width in widths),
        )
        return TransformerConfig(
            dim,
            heads[0],
            count,
            (variation.layer_feedforward[0],),
            "silu",
            "rms_norm_f32",
            "rope",
            context=context or settings["max_context_length"],
            max_period=float(settings["rope_freq_constant"]),
            kv_repeat=heads[0] // groups[0],
            variation=variation,
        )
    except (KeyError, TypeError, IndexError, ZeroDivisionError) as error:
        raise refusal(OPENELM, f"its config.json does not describe one ({error})") from None


def _each(value: Any, layers: int) -> tuple[Any, ...]:
    """A number of each layer, where one may stand for all."""
    return tuple(value) if isinstance(value, list) else (value,) * layers


def from_openelm(source: OpenElm, config: ModelConfig) -> LanguageModel:
    """A model with an OpenELM as its temporal transformer; see `initialise.initialise` for `config`.

    Raises:
        ValueError: a tensor is missing, too many or of another size, or its configuration asks for what is not here.
    """
    tensors, ledger = source.tensors, MappingLedger()
    try:
        table = tensors["token_embeddings.weight"]
        rows = len(table)
        temporal = openelm_config(source.settings, config.temporal.context)
        config = replace(config, temporal=temporal, text_card=rows + 2, text_card_out=None, pad=rows, end_pad=rows + 1)
        model = LanguageModel(config)
        with torch.no_grad():
            text, start = ledger.take(table), source.settings.get("bos_token_id", LLAMA_START)
            put_text(ledger, model, text, text, start)
            for index, layer in enumerate(model.temporal.layers):
                assert isinstance(layer, TemporalLayer)
                _copy_layer(ledger, layer, tensors, f"layers.{index}.")
            _copy_norm(ledger, model.out_norm, tensors["norm.weight"])
            quiet_audio(model)
    except KeyError as error:
        raise refusal(OPENELM, f"its weights lack {error.args[0]}") from None
    ledger.check(tensors.items(), model, OPENELM)
    return model.eval()


def _copy_layer(ledger: MappingLedger, layer: TemporalLayer, tensors: Mapping[str, Tensor], name: str) -> None:
    _copy_norm(ledger, layer.norm1, tensors[f"{name}attn_norm.weight"])
    _copy_norm(ledger, layer.norm2, tensors[f"{name}ffn_norm.weight"])
    _copy_attention(ledger, layer.self_attn, tensors, f"{name}attn.")
    assert isinstance(layer.gating, Gating)
    ledger.put(layer.gating.linear_in.weight, ledger.take(tensors[f"{name}ffn.proj_1.weight"]))
    ledger.put(layer.gating.linear_out.weight, ledger.take(tensors[f"{name}ffn.proj_2.weight"]))


def _copy_norm(ledger: MappingLedger, norm: Any, weight: Tensor, order: Tensor | None = None) -> None:
    assert isinstance(norm, RMSNorm)
    values = ledger.take(weight)
    ledger.put(norm.alpha, (values if order is None else values[order]).view(1, 1, -1))


def _copy_attention(ledger: MappingLedger, ours: Attention, tensors: Mapping[str, Tensor], name: str) -> None:
    """Queries, keys and values stay in their order, the rows of a turned head go in pairs."""
    order = torch.tensor(half_to_pairs(ours.width))
    rows = ledger.take(tensors[f"{name}qkv_proj.weight"])
    turned = (ours.heads + ours.groups) * ours.width
    pairs = torch.unflatten(rows[:turned], 0, (-1, ours.width))[:, order].flatten(0, 1)
    for parameter in ours.in_projs[0].parameters():
        ledger.put(parameter, torch.cat([pairs, rows[turned:]]))
    for parameter in ours.out_projs[0].parameters():
        ledger.put(parameter, ledger.take(tensors[f"{name}out_proj.weight"]))
    if ours.q_norm is not None:
        _copy_norm(ledger, ours.q_norm, tensors[f"{name}q_norm.weight"], order)
        _copy_norm(ledger, ours.k_norm, tensors[f"{name}k_norm.weight"], order)

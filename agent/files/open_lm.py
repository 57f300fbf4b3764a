"""What an open decoder LM of `transformers` is made of, in the terms of the temporal transformer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from torch import nn

from ..model.config import ACTIVATIONS, TransformerConfig, Variation
from ..model.experts import ExpertsConfig

SCALING = re.compile(r"multiplier|scal(e|ar|ing)\b|scal(e|ar|ing)_|softcap|_cap\b|^scale")  # of an LM's configuration
KNOWN_SCALINGS = {  # read off the modules: the attention's `scaling` and the rotary tables
    "query_pre_attn_scalar", "attention_multiplier", "rope_scaling", "rope_parameters",
}  # fmt: skip
NAMES = {"gelu_pytorch_tanh": "gelu_tanh", "gelu_new": "gelu_tanh", "swish": "silu"}  # activations called otherwise


OPENELM = "openelm"  # its own name for its kind
KNOWN = "Llama, SmolLM2 and 3, Mistral, Qwen 2 and 3, Gemma and Gemma 3, Granite, gpt-oss and OpenELM"


def refusal(kind: str, why: str) -> ValueError:
    """The error that tells why a kind of language model is none to start from, and which are."""
    return ValueError(f'a language model of type "{kind}" cannot be mapped: {why}; known are {KNOWN}')


def body_of(language_model: Any) -> tuple[Any, Any]:
    """The LM's stack of decoder layers and its configuration."""
    body: Any = getattr(language_model, "model", None)
    body = getattr(body, "language_model", body)
    for name in ("embed_tokens", "layers", "norm", "rotary_emb"):
        if not hasattr(body, name):
            kind = getattr(getattr(language_model, "config", None), "model_type", type(language_model).__name__)
            raise refusal(kind, f"it has no {name} of Llama's kind")
    return body, body.config


def temporal_config(body: Any, settings: Any, context: int | None) -> TransformerConfig:
    """The temporal transformer that matches an LM. Raises ValueError for parts that have no counterpart."""
    _refuse(body, settings)
    attention, mlp, layers = body.layers[0].self_attn, body.layers[0].mlp, len(body.layers)
    heads, groups = settings.num_attention_heads, settings.num_key_value_heads
    width, dim = attention.head_dim, settings.hidden_size
    experts, hidden, gating, bias = _feedforward(mlp, settings)
    tables, rotary = _rotary(body, settings, width)
    windows = tuple(_window(layer, settings) or 0 for layer in body.layers)
    largest = context or settings.max_position_embeddings
    variation = Variation(
        head_dim=None if width * heads == dim else width,
        qkv_bias=attention.q_proj.bias is not None,
        out_bias=attention.o_proj.bias is not None,
        feedforward_bias=bias,
        qk_norm=getattr(attention, "q_norm", None) is not None,
        post_norm=hasattr(body.layers[0], "post_feedforward_layernorm"),
        norm_eps=settings.rms_norm_eps,
        frequencies=tables,
        layer_rotary=() if not any(rotary) else rotary,
        layer_window=tuple(min(window or largest, largest) for window in windows) if any(windows) else (),
        sinks=hasattr(attention, "sinks"),
        experts=experts,
    )
    return TransformerConfig(
        dim,
        heads,
        layers,
        (width_for(hidden, dim),),
        gating,
        "rms_norm_f32",
        "rope",
        context=largest,
        kv_repeat=heads // groups,
        variation=variation,
    )


def _refuse(body: Any, settings: Any) -> None:
    kind, layer = settings.model_type, body.layers[0]
    odd = unknown_scalings(settings.to_dict())
    if odd:
        raise refusal(kind, f"it scales by {', '.join(odd)}, which have no counterpart here")
    for name in (
        "self_attn.q_proj",
        "self_attn.k_proj",
        "self_attn.v_proj",
        "self_attn.o_proj",
        "mlp",
        "input_layernorm",
    ):
        try:
            layer.get_submodule(name)
        except AttributeError:
            raise refusal(kind, f"its layers have no {name}") from None
    if getattr(layer.input_layernorm, "bias", None) is not None or not hasattr(settings, "rms_norm_eps"):
        raise refusal(kind, "its norms are not RMSNorm")


def unknown_scalings(settings: Mapping[str, Any]) -> list[str]:
    """Factors and caps of an LM's configuration that are not neutral and not among KNOWN_SCALINGS: `key = value`."""
    found = []
    for key, value in settings.items():
        neutral = (None, 0, 1) if "cap" in key else (None, 1)
        values = value if isinstance(value, list) else [value]
        if SCALING.search(key) and key not in KNOWN_SCALINGS and any(each not in neutral for each in values):
            found.append(f"{key} = {value}")
    return found


def _feedforward(mlp: Any, settings: Any) -> tuple[ExpertsConfig | None, int, str, bool]:
    """Experts if any, hidden width, activation, bias."""
    if hasattr(mlp, "router") and hasattr(getattr(mlp, "experts", None), "gate_up_proj_bias"):
        inner = mlp.experts
        experts = ExpertsConfig(
            inner.num_experts, mlp.router.top_k, inner.intermediate_size, float(inner.alpha), float(inner.limit)
        )
        return experts, inner.intermediate_size, "silu", True
    if not hasattr(mlp, "gate_proj"):
        raise refusal(
            settings.model_type,
            "its feed-forward is neither gated with gate_proj, up_proj, down_proj nor gpt-oss's mixture of experts",
        )
    name = getattr(settings, "hidden_activation", None) or settings.hidden_act
    name = NAMES.get(name, name)
    if name not in ACTIVATIONS:
        raise ValueError(f'the activation "{name}" cannot be mapped')
    return None, mlp.gate_proj.out_features, name, mlp.gate_proj.bias is not None


def width_for(hidden: int, dim: int) -> int:
    """Moshi's dim_feedforward that makes a gated layer of this hidden width."""
    width = (3 * hidden + 1) // 2
    return width + (width == 4 * dim)


def _window(layer: Any, settings: Any) -> int | None:
    """The layer's sliding window, None if it sees everything."""
    attention = layer.self_attn
    kinds = getattr(settings, "layer_types", None)
    if kinds is not None:
        kind = kinds[attention.layer_idx]
        if kind not in ("full_attention", "sliding_attention"):
            raise ValueError(f'a layer of type "{kind}" cannot be mapped')
        return settings.sliding_window if kind == "sliding_attention" else None
    window: int | None = getattr(settings, "sliding_window", None)
    return window


def _rotary(body: Any, settings: Any, width: int) -> tuple[tuple[tuple[float, ...], ...], tuple[int, ...]]:
    """The rotary tables, and which one each layer uses (-1: none)."""
    module = body.rotary_emb
    if hasattr(module, "inv_freq"):
        tables = [module.inv_freq]
        uses = [0 if getattr(layer.self_attn, "use_rope", True) else -1 for layer in body.layers]
    else:
        kinds = sorted(set(settings.layer_types))
        tables = [getattr(module, f"{kind}_inv_freq") for kind in kinds]
        uses = [kinds.index(settings.layer_types[layer.self_attn.layer_idx]) for layer in body.layers]
    padded = (nn.functional.pad(table.double(), (0, width // 2 - len(table))) for table in tables)
    return tuple(tuple(table.tolist()) for table in padded), tuple(uses)

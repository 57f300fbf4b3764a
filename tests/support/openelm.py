"""OpenELM from its published description (arXiv 2404.14619), as plain functions of a dictionary of tensors."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

SETTINGS: dict[str, Any] = {
    "model_type": "openelm",
    "model_dim": 48,
    "head_dim": 8,
    "num_transformer_layers": 3,
    "num_query_heads": [2, 4, 6],
    "num_kv_heads": [1, 1, 2],
    "ffn_multipliers": [0.5, 1.35, 4.0],
    "ffn_dim_divisor": 16,
    "ffn_with_glu": True,
    "activation_fn_name": "swish",
    "normalization_layer_name": "rms_norm",
    "normalize_qk_projections": True,
    "share_input_output_layers": True,
    "rope_freq_constant": 10000,
    "rope_max_length": 4096,
    "max_context_length": 2048,
    "vocab_size": 100,
}
WIDTHS = (32, 64, 192)  # by hand: 24 -> 32; 64.8 -> 64; 192 -> 192


def random_weights(settings: dict[str, Any] = SETTINGS, prefix: str = "transformer.") -> dict[str, Tensor]:
    """Tensors in which every part matters."""
    draw = torch.Generator().manual_seed(5)
    dim, head = settings["model_dim"], settings["head_dim"]
    tensors = {"token_embeddings.weight": torch.randn(settings["vocab_size"], dim, generator=draw)}
    for layer, width in enumerate(WIDTHS):
        heads, groups, name = settings["num_query_heads"][layer], settings["num_kv_heads"][layer], f"layers.{layer}."
        shapes = {
            "attn.qkv_proj": ((heads + 2 * groups) * head, dim),
            "attn.out_proj": (dim, heads * head),
            "ffn.proj_1": (2 * width, dim),
            "ffn.proj_2": (dim, width),
        }
        for part, shape in shapes.items():
            tensors[f"{name}{part}.weight"] = torch.randn(shape, generator=draw) * shape[1] ** -0.5
        for part, size in (("attn_norm", dim), ("ffn_norm", dim), ("attn.q_norm", head), ("attn.k_norm", head)):
            tensors[f"{name}{part}.weight"] = 1 + 0.3 * torch.randn(size, generator=draw)
    tensors["norm.weight"] = 1 + 0.3 * torch.randn(dim, generator=draw)
    return {f"{prefix}{name}": tensor for name, tensor in tensors.items()}


def logits(tensors: dict[str, Tensor], ids: Tensor, settings: dict[str, Any] = SETTINGS) -> Tensor:
    """Ids int64 `[B, T]` -> logits `[B, T, V]`."""
    table = tensors["transformer.token_embeddings.weight"]
    x = table[ids]
    for layer in range(settings["num_transformer_layers"]):
        name = f"transformer.layers.{layer}."
        own = {key.removeprefix(name).removesuffix(".weight"): t for key, t in tensors.items() if key.startswith(name)}
        x = x + _attention(_norm(x, own["attn_norm"]), own, settings, layer)
        gate, value = (_norm(x, own["ffn_norm"]) @ own["ffn.proj_1"].T).chunk(2, dim=-1)
        x = x + (functional.silu(gate) * value) @ own["ffn.proj_2"].T
    return _norm(x, tensors["transformer.norm.weight"]) @ table.T


def _norm(x: Tensor, weight: Tensor) -> Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * weight


def _attention(x: Tensor, own: dict[str, Tensor], settings: dict[str, Any], layer: int) -> Tensor:
    heads, groups, head = settings["num_query_heads"][layer], settings["num_kv_heads"][layer], settings["head_dim"]
    every = (x @ own["attn.qkv_proj"].T).unflatten(-1, (-1, head)).transpose(1, 2)
    query, key, value = every.split([heads, groups, groups], dim=1)
    query, key = _turned(_norm(query, own["attn.q_norm"])), _turned(_norm(key, own["attn.k_norm"]))
    key, value = (each.repeat_interleave(heads // groups, dim=1) for each in (key, value))
    scores = query @ key.transpose(2, 3) / head**0.5
    hidden = torch.ones(x.shape[1], x.shape[1], dtype=torch.bool).triu(1)
    attended = scores.masked_fill(hidden, -torch.inf).softmax(-1) @ value
    return attended.transpose(1, 2).flatten(2) @ own["attn.out_proj"].T


def _turned(x: Tensor) -> Tensor:
    """Rotary positions by halves."""
    half = x.shape[-1] // 2
    rates = 10_000.0 ** (-torch.arange(half) / half)
    phase = torch.arange(x.shape[2])[:, None] * rates
    first, second = x.split(half, dim=-1)
    return torch.cat([first * phase.cos() - second * phase.sin(), second * phase.cos() + first * phase.sin()], dim=-1)

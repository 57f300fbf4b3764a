"""Checkpoint files, all safetensors: reading any, writing Mimi's foreign layouts and our own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from .config import CodecConfig, SeanetConfig, from_dict, to_dict
from .layouts import Layout, to_foreign
from .tensor_file import save_tensors

METADATA_KEY = "duologue_codec"  # of our own files: the configuration as JSON


def read(path: Path) -> tuple[dict[str, Tensor], CodecConfig | None]:
    """Every tensor of a safetensors file, and the configuration if the file is one of ours. Bad files: ValueError."""
    try:
        with safe_open(str(path), framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 (not a mapping)
    except (SafetensorError, OSError) as error:
        raise ValueError(f"cannot read {path} as safetensors: {error}") from None
    if METADATA_KEY not in metadata:
        return tensors, None
    try:
        return tensors, from_dict(json.loads(metadata[METADATA_KEY]))
    except json.JSONDecodeError as error:
        raise ValueError(f"{path}: its configuration is not JSON: {error}") from None


def write(
    path: Path, state: Mapping[str, Tensor], config: CodecConfig, layout: Layout, dtype: torch.dtype | None = None
) -> None:
    """Write a checkpoint; `dtype` (e.g. torch.float16) applies to our own layout only."""
    if layout == "own":
        tensors = dict(state) if dtype is None else _rounded(state, dtype)
        metadata = {METADATA_KEY: json.dumps(to_dict(config))}
    elif dtype is not None:
        raise ValueError(f'a file of layout "{layout}" is float32: leave dtype out')
    else:
        tensors, metadata = to_foreign(state, config, layout), {"format": "pt"}
    save_tensors(path, tensors, metadata)


def _rounded(state: Mapping[str, Tensor], dtype: torch.dtype) -> dict[str, Tensor]:
    """Tensors in a shorter type. Codebooks are stored as entries with usage one: their sums would lose precision."""
    tensors = {name: tensor.to(dtype) for name, tensor in state.items()}
    for name in state:
        if name.endswith(".cluster_usage"):
            sums = name.removesuffix("cluster_usage") + "embedding_sum"
            usage = state[name].clamp(min=1e-5)
            tensors[sums] = (state[sums] / usage[:, None]).to(dtype)
            tensors[name] = torch.ones_like(usage)
    return tensors


def huggingface_config(config: CodecConfig) -> dict[str, Any]:
    """The `config.json` that `transformers.MimiModel.from_pretrained` needs beside the weights."""
    body, transformer, quantizer = config.body, config.encoder_transformer, config.quantizer
    assert isinstance(body, SeanetConfig)
    return {
        "model_type": "mimi",
        "architectures": ["MimiModel"],
        "sampling_rate": config.sample_rate,
        "audio_channels": 1,
        "hidden_size": body.dim,
        "num_filters": body.filters,
        "num_residual_layers": 1,
        "upsampling_ratios": list(body.ratios),
        "kernel_size": body.kernel,
        "last_kernel_size": body.last_kernel,
        "residual_kernel_size": body.residual_kernel,
        "compress": body.compress,
        "codebook_size": quantizer.codebook_size,
        "codebook_dim": quantizer.codebook_dim,
        "vector_quantization_hidden_dimension": quantizer.codebook_dim,
        "num_quantizers": quantizer.n_q,
        "num_semantic_quantizers": 1,
        "upsample_groups": body.dim,
        "num_hidden_layers": transformer.layers,
        "intermediate_size": transformer.feedforward,
        "num_attention_heads": transformer.heads,
        "num_key_value_heads": transformer.heads,
        "head_dim": transformer.dim // transformer.heads,
        "sliding_window": transformer.window,
        "layer_scale_initial_scale": transformer.layer_scale,
        "use_causal_conv": True,
        "use_conv_shortcut": False,
        "trim_right_ratio": 1.0,
        "norm_eps": 1e-5,
        "frame_rate": config.sample_rate / config.frame_samples,
    }

"""A model whose temporal transformer starts as an open decoder LM of `transformers`, in the LM's own vocabulary.

Read are the decoders that share Llama's modules: Llama, SmolLM2 and 3, Mistral, Qwen 2 and 3, Gemma and Gemma 3,
gpt-oss, and others that happen to agree: the result is run against the LM before it is handed out. The text stream
gets two ids behind the LM's, PAD and end of PAD; the codebooks, their embeddings and the depth transformer are fresh.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..model.attention import Attention
from ..model.config import ModelConfig
from ..model.embedding import TokenEmbedding
from ..model.experts import Experts
from ..model.gating import Gating
from ..model.language_model import LanguageModel
from ..model.norm import RMSNorm
from ..model.rope import half_to_pairs
from ..model.streams import ZERO
from ..model.temporal import TemporalLayer
from .open_lm import body_of, temporal_config

OFFSET_NORMS = ("gemma", "gemma2", "gemma3", "gemma3_text")  # their norms multiply by 1 + weight
TOLERANCE = 1e-3  # of the largest hidden value, between the LM and the model made of it


def load_language_model(source: str | Path, download: bool = False) -> Any:
    """A causal LM of `transformers`, in float32, from a folder or the local cache; safetensors only.

    Args:
        source: a folder, or an id of the Hugging Face hub.
        download: fetch it if it is not in the cache.
    """
    try:
        from transformers import AutoModelForCausalLM
    except ImportError:
        raise ValueError("starting from a language model needs transformers: pip install transformers") from None
    try:
        return AutoModelForCausalLM.from_pretrained(
            source, local_files_only=not download, use_safetensors=True, dtype=torch.float32
        )
    except (OSError, ValueError) as error:
        line = str(error).strip().splitlines()[0]
        raise ValueError(f"cannot load {source} as a causal language model of transformers: {line}") from None


def copy_tokenizer(source: str | Path, folder: str | Path, download: bool = False) -> dict[str, str]:
    """Write the LM's `tokenizer.json` into a model folder; returns the key of `config.json` that names it."""
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(source, local_files_only=not download)
    if not tokenizer.is_fast:
        raise ValueError(f"the tokenizer of {source} has no tokenizer.json form")
    Path(folder).mkdir(parents=True, exist_ok=True)
    tokenizer.backend_tokenizer.save(str(Path(folder) / "tokenizer.json"))
    return {"tokenizer_name": "tokenizer.json"}


def initialise(language_model: Any, config: ModelConfig) -> LanguageModel:
    """A model with the LM as its temporal transformer.

    Args:
        language_model: what `load_language_model` gave, or any such object.
        config: everything but the temporal transformer, the text vocabulary and the PAD ids is taken from it; its
            context stays the window of attention where the LM's own is longer.

    Raises:
        ValueError: the LM has a part that has no counterpart here; the message names it.
    """
    body, settings = body_of(language_model)
    rows = len(body.embed_tokens.weight)
    temporal = temporal_config(body, settings, config.temporal.context)
    config = replace(config, temporal=temporal, text_card=rows + 2, text_card_out=None, pad=rows, end_pad=rows + 1)
    model = LanguageModel(config)
    with torch.no_grad():
        _copy_text(model, language_model, body, settings)
        for layer, source in zip(model.temporal.layers, body.layers, strict=True):
            assert isinstance(layer, TemporalLayer)
            _copy_attention(layer.self_attn, source.self_attn, body, settings)
            _copy_rest(layer, source, settings)
        assert isinstance(model.out_norm, RMSNorm)
        model.out_norm.alpha.copy_(_alpha(body.norm, settings).view(1, 1, -1))
        _quiet_audio(model)
    _verify(model.eval(), body, settings)
    return model


def _query_gain(body: Any, attention: Any, settings: Any, width: int) -> Tensor:
    """Gain `[width]` of a head's query rows, in the LM's order: score scale and rotary scale, 1 for Llama's."""
    module, kind = body.rotary_emb, ""
    if not hasattr(module, "inv_freq"):
        kind = f"{settings.layer_types[attention.layer_idx]}_"
    rotated = 2 * len(getattr(module, f"{kind}inv_freq"))
    gain = torch.full((width,), float(attention.scaling) * width**0.5)
    gain[:rotated] *= float(getattr(module, f"{kind}attention_scaling")) ** 2
    return gain


def _alpha(norm: Any, settings: Any) -> Tensor:
    weight: Tensor = norm.weight.float()
    return weight + 1 if settings.model_type in OFFSET_NORMS else weight


def _copy_text(model: LanguageModel, language_model: Any, body: Any, settings: Any) -> None:
    """Embeddings and text logits; new ids start as the mean, the initial token as the LM's beginning of text."""
    table = body.embed_tokens.weight.float()
    scale = float(getattr(body.embed_tokens, "scalar_embed_scale", 1.0))
    start = settings.bos_token_id
    first = table.mean(0) if start is None or not 0 <= start < len(table) else table[start]
    mean = table.mean(0, keepdim=True)
    model.text_emb.weight.copy_(scale * torch.cat([table, mean, mean, first[None]]))
    head = language_model.lm_head.weight.float()
    model.text_linear.weight.copy_(torch.cat([head, head.mean(0, keepdim=True).expand(2, -1)]))


def _copy_attention(ours: Attention, source: Any, body: Any, settings: Any) -> None:
    """One matrix of queries, keys and values, their rows in the order of interleaved rotation."""
    width = ours.width
    module = body.rotary_emb
    table = getattr(module, "inv_freq", None)
    rotated = width if table is None else 2 * len(table)
    order = torch.tensor(half_to_pairs(width, rotated))
    gain = _query_gain(body, source, settings, width)
    normed = ours.q_norm is not None
    if ours.q_norm is not None and ours.k_norm is not None:
        ours.q_norm.alpha.copy_((_alpha(source.q_norm, settings) * gain)[order].view(1, 1, -1))
        ours.k_norm.alpha.copy_(_alpha(source.k_norm, settings)[order].view(1, 1, -1))
    projections = (source.q_proj, source.k_proj, source.v_proj)
    for name in ("weight", "bias")[: 1 + (source.q_proj.bias is not None)]:
        query, key, value = (torch.unflatten(getattr(each, name), 0, (-1, width)) for each in projections)
        if not normed:
            query = query * gain.view(1, -1, *[1] * (query.dim() - 2))
        parts = [query[:, order].flatten(0, 1), key[:, order].flatten(0, 1), value.flatten(0, 1)]
        getattr(ours.in_projs[0], name).copy_(torch.cat(parts))
    ours.out_projs[0].load_state_dict(source.o_proj.state_dict())
    if ours.sinks is not None:
        ours.sinks.copy_(source.sinks)


def _copy_rest(layer: TemporalLayer, source: Any, settings: Any) -> None:
    names = ["input_layernorm", "post_attention_layernorm"]
    targets = [layer.norm1, layer.norm2]
    if hasattr(source, "post_feedforward_layernorm"):
        names = [*names, "pre_feedforward_layernorm", "post_feedforward_layernorm"]
        targets = [layer.norm1, layer.post_norm1, layer.norm2, layer.post_norm2]
    for target, name in zip(targets, names, strict=True):
        assert isinstance(target, RMSNorm)
        target.alpha.copy_(_alpha(getattr(source, name), settings).view(1, 1, -1))
    mlp = source.mlp
    if isinstance(layer.gating, Experts):
        _copy_experts(layer.gating, mlp)
        return
    assert isinstance(layer.gating, Gating)
    layer.gating.linear_in.weight.copy_(torch.cat([mlp.gate_proj.weight, mlp.up_proj.weight]))
    layer.gating.linear_out.weight.copy_(mlp.down_proj.weight)
    if mlp.gate_proj.bias is not None:
        layer.gating.linear_in.bias.copy_(torch.cat([mlp.gate_proj.bias, mlp.up_proj.bias]))
        layer.gating.linear_out.bias.copy_(mlp.down_proj.bias)


def _copy_experts(experts: Experts, mlp: Any) -> None:
    inner = mlp.experts
    experts.router.weight.copy_(mlp.router.weight)
    experts.router.bias.copy_(mlp.router.bias)
    both = inner.gate_up_proj.transpose(1, 2)  # gates and values alternate there
    experts.weight_in.copy_(torch.cat([both[:, ::2], both[:, 1::2]], dim=1))
    experts.bias_in.copy_(torch.cat([inner.gate_up_proj_bias[:, ::2], inner.gate_up_proj_bias[:, 1::2]], dim=1))
    experts.weight_out.copy_(inner.down_proj.transpose(1, 2))
    experts.bias_out.copy_(inner.down_proj_bias)


def _quiet_audio(model: LanguageModel) -> None:
    """Scale the fresh audio embeddings so that their sum is as loud as one text token, further text silent."""
    sequence = torch.zeros(1, model.config.streams, 1, dtype=torch.int64)
    sequence[:, 0] = ZERO
    sequence[:, 1 + model.config.n_q :] = ZERO
    loudness = model.embed(sequence).square().mean().sqrt()
    text = model.text_emb.weight.square().mean().sqrt()
    for table in model.emb:
        assert isinstance(table, TokenEmbedding)
        (table.weight if table.low_rank is None else table.low_rank.weight).mul_(text / loudness)
    for silent in (model.user_text_in, model.hint_in):
        if silent is not None:
            nn.init.zeros_(silent.weight)


@torch.no_grad()
def _verify(model: LanguageModel, body: Any, settings: Any) -> None:
    """Raise ValueError unless the model thinks what the LM thinks, on a few ids, without audio."""
    steps = min(24, model.config.temporal.context or 24)
    ids = torch.randint(settings.vocab_size, (1, steps), generator=torch.Generator().manual_seed(0))
    sequence = torch.full((1, model.config.streams, steps), ZERO)
    sequence[:, 0] = ids
    training = body.training
    expected = body.eval()(input_ids=ids, use_cache=False).last_hidden_state.float()
    body.train(training)
    error = float((model.hidden(sequence) - expected).abs().max() / expected.abs().max())
    if not error < TOLERANCE:
        raise ValueError(
            f'a language model of type "{settings.model_type}" cannot be mapped: the result differs from it by '
            f"{error:.1e} of its largest hidden value"
        )

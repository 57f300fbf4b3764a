"""A model whose temporal transformer starts as an open decoder LM of `transformers`, in the LM's own vocabulary.

Read are the decoders that share Llama's modules: Llama, SmolLM2 and 3, Mistral, Qwen 2 and 3, Gemma and Gemma 3,
gpt-oss, and others that happen to agree (for OpenELM, which `transformers` lacks, see `openelm`): every tensor of the
LM must find its place and every one of ours a source, and the result is run against the LM before it is handed out.
The text stream gets two ids behind the LM's, PAD and end of PAD; the codebooks, their embeddings and the depth
transformer are fresh.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from ..model.attention import Attention
from ..model.config import ModelConfig
from ..model.experts import Experts
from ..model.gating import Gating
from ..model.language_model import LanguageModel
from ..model.norm import RMSNorm
from ..model.rope import half_to_pairs
from ..model.streams import ZERO
from ..model.temporal import TemporalLayer
from .ledger import MappingLedger, put_text, quiet_audio
from .open_lm import OPENELM, body_of, refusal, temporal_config
from .openelm import copy_llama_tokenizer

OFFSET_NORMS = ("gemma", "gemma2", "gemma3", "gemma3_text")  # their norms multiply by 1 + weight
TOLERANCE = 1e-3  # of the largest logit, between the LM and the model made of it
SENTENCE = "When the rain stopped, we sat down by the harbour and talked about boats, music and the summer of 1984."


def load_language_model(source: str | Path, download: bool = False) -> Any:
    """A causal LM of `transformers`, in float32, from a folder or the local cache; safetensors only.

    Args:
        source: a folder, or an id of the Hugging Face hub.
        download: fetch it if it is not in the cache.
    """
    package = _transformers()
    kind = model_type(source, download)
    if kind and kind not in package.CONFIG_MAPPING:
        raise refusal(kind, "nobody here has heard of it")
    load: Any = package.AutoModelForCausalLM.from_pretrained
    try:
        model, about = load(
            source,
            local_files_only=not download,
            use_safetensors=True,
            dtype=torch.float32,
            output_loading_info=True,
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        line = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ValueError(f"cannot load {source} as a causal language model of transformers: {line}") from None
    for key, what in (("missing_keys", "lack"), ("unexpected_keys", "hold, and the model has no place for,")):
        names = sorted(about[key])
        if names:  # transformers would go on with random values, or without
            raise ValueError(f"the weights in {source} {what} {len(names)} tensors, first {names[0]}")
    return model


def _transformers() -> Any:
    """The package. Raises ValueError, saying what to install, where it is missing."""
    try:
        import transformers
    except ImportError:
        raise ValueError("starting from a language model needs transformers: pip install transformers") from None
    return transformers


def model_type(source: str | Path, download: bool = False) -> str:
    """What kind of model a folder or id of the hub holds, by its own name; empty if it does not say."""
    read: Any = _transformers().PreTrainedConfig.get_config_dict
    try:
        values, _ = read(source, local_files_only=not download)
    except (OSError, ValueError):
        return ""
    return str(values.get("model_type", ""))


def copy_tokenizer(source: str | Path, folder: str | Path, download: bool = False) -> dict[str, str]:
    """Write the LM's `tokenizer.json` into a model folder; returns the key of `config.json` that names it."""
    if model_type(source, download) == OPENELM:
        return copy_llama_tokenizer(source, folder, download)
    load = _transformers().AutoTokenizer.from_pretrained
    try:
        tokenizer = load(source, local_files_only=not download)
    except (OSError, ValueError) as error:
        hint = "" if download else "; neither a folder nor in the cache? --download fetches it"
        line = str(error).strip().splitlines()[0]
        raise ValueError(f"cannot load the tokenizer of {source}: {line}{hint}") from None
    if not tokenizer.is_fast:
        raise ValueError(f"the tokenizer of {source} has no tokenizer.json form")
    Path(folder).mkdir(parents=True, exist_ok=True)
    tokenizer.backend_tokenizer.save(str(Path(folder) / "tokenizer.json"))
    return {"tokenizer_name": "tokenizer.json"}


def initialise(language_model: Any, config: ModelConfig, text: Sequence[int] = ()) -> LanguageModel:
    """A model with the LM as its temporal transformer.

    Args:
        language_model: what `load_language_model` gave, or any such object.
        config: everything but the temporal transformer, the text vocabulary and the PAD ids is taken from it; its
            context stays the window of attention where the LM's own is longer.
        text: ids of some text to compare on, besides random ones.

    Raises:
        ValueError: the LM has a part that has no counterpart here; the message names it.
    """
    body, settings = body_of(language_model)
    rows = len(body.embed_tokens.weight)
    temporal = temporal_config(body, settings, config.temporal.context)
    config = replace(config, temporal=temporal, text_card=rows + 2, text_card_out=None, pad=rows, end_pad=rows + 1)
    model, ledger = LanguageModel(config), MappingLedger()
    with torch.no_grad():
        _copy_text(ledger, model, language_model, body, settings)
        for layer, source in zip(model.temporal.layers, body.layers, strict=True):
            assert isinstance(layer, TemporalLayer)
            _copy_attention(ledger, layer.self_attn, source.self_attn, body, settings)
            _copy_rest(ledger, layer, source, settings)
        assert isinstance(model.out_norm, RMSNorm)
        ledger.put(model.out_norm.alpha, _alpha(ledger, body.norm, settings).view(1, 1, -1))
        quiet_audio(model)
    head = ((f"lm_head.{name}", parameter) for name, parameter in language_model.lm_head.named_parameters())
    ledger.check([*body.named_parameters(), *head], model, settings.model_type)
    _verify(model.eval(), language_model, settings, text)
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


def _alpha(ledger: MappingLedger, norm: Any, settings: Any) -> Tensor:
    weight = ledger.take(norm.weight)
    return weight + 1 if settings.model_type in OFFSET_NORMS else weight


def _copy_text(ledger: MappingLedger, model: LanguageModel, language_model: Any, body: Any, settings: Any) -> None:
    scale = float(getattr(body.embed_tokens, "scalar_embed_scale", 1.0))
    table, head = ledger.take(body.embed_tokens.weight), ledger.take(language_model.lm_head.weight)
    put_text(ledger, model, table, head, settings.bos_token_id, scale)


def _copy_attention(ledger: MappingLedger, ours: Attention, source: Any, body: Any, settings: Any) -> None:
    """One matrix of queries, keys and values, their rows in the order of interleaved rotation."""
    width = ours.width
    module = body.rotary_emb
    table = getattr(module, "inv_freq", None)
    rotated = width if table is None else 2 * len(table)
    order = torch.tensor(half_to_pairs(width, rotated))
    gain = _query_gain(body, source, settings, width)
    normed = ours.q_norm is not None
    if ours.q_norm is not None and ours.k_norm is not None:
        ledger.put(ours.q_norm.alpha, (_alpha(ledger, source.q_norm, settings) * gain)[order].view(1, 1, -1))
        ledger.put(ours.k_norm.alpha, _alpha(ledger, source.k_norm, settings)[order].view(1, 1, -1))
    projections = (source.q_proj, source.k_proj, source.v_proj)
    for name in ("weight", "bias")[: 1 + (source.q_proj.bias is not None)]:
        rows = [ledger.take(getattr(each, name)) for each in projections]
        query, key, value = (torch.unflatten(each, 0, (-1, width)) for each in rows)
        if not normed:
            query = query * gain.view(1, -1, *[1] * (query.dim() - 2))
        parts = [query[:, order].flatten(0, 1), key[:, order].flatten(0, 1), value.flatten(0, 1)]
        ledger.put(getattr(ours.in_projs[0], name), torch.cat(parts))
    for name, parameter in ours.out_projs[0].named_parameters():
        ledger.put(parameter, ledger.take(getattr(source.o_proj, name)))
    if ours.sinks is not None:
        ledger.put(ours.sinks, ledger.take(source.sinks))


def _copy_rest(ledger: MappingLedger, layer: TemporalLayer, source: Any, settings: Any) -> None:
    names = ["input_layernorm", "post_attention_layernorm"]
    targets = [layer.norm1, layer.norm2]
    if hasattr(source, "post_feedforward_layernorm"):
        names = [*names, "pre_feedforward_layernorm", "post_feedforward_layernorm"]
        targets = [layer.norm1, layer.post_norm1, layer.norm2, layer.post_norm2]
    for target, name in zip(targets, names, strict=True):
        assert isinstance(target, RMSNorm)
        ledger.put(target.alpha, _alpha(ledger, getattr(source, name), settings).view(1, 1, -1))
    mlp = source.mlp
    if isinstance(layer.gating, Experts):
        _copy_experts(ledger, layer.gating, mlp)
        return
    assert isinstance(layer.gating, Gating)
    for name in ("weight", "bias")[: 1 + (mlp.gate_proj.bias is not None)]:
        gate, up, down = (ledger.take(getattr(each, name)) for each in (mlp.gate_proj, mlp.up_proj, mlp.down_proj))
        ledger.put(getattr(layer.gating.linear_in, name), torch.cat([gate, up]))
        ledger.put(getattr(layer.gating.linear_out, name), down)


def _copy_experts(ledger: MappingLedger, experts: Experts, mlp: Any) -> None:
    inner = mlp.experts
    ledger.put(experts.router.weight, ledger.take(mlp.router.weight))
    ledger.put(experts.router.bias, ledger.take(mlp.router.bias))
    both, bias = ledger.take(inner.gate_up_proj).transpose(1, 2), ledger.take(inner.gate_up_proj_bias)
    ledger.put(experts.weight_in, torch.cat([both[:, ::2], both[:, 1::2]], dim=1))  # gates and values alternate there
    ledger.put(experts.bias_in, torch.cat([bias[:, ::2], bias[:, 1::2]], dim=1))
    ledger.put(experts.weight_out, ledger.take(inner.down_proj).transpose(1, 2))
    ledger.put(experts.bias_out, ledger.take(inner.down_proj_bias))


@torch.no_grad()
def _verify(model: LanguageModel, language_model: Any, settings: Any, text: Sequence[int]) -> None:
    """Raise ValueError unless the model says what the LM says, without audio, on text and on random ids."""
    steps = min(24, model.config.temporal.context or 24)
    drawn = torch.randint(settings.vocab_size, (steps,), generator=torch.Generator().manual_seed(0))
    training = language_model.training
    language_model.eval()
    for ids in (torch.tensor(list(text)[:steps], dtype=torch.int64), drawn):
        if not len(ids):
            continue
        sequence = torch.full((1, model.config.streams, len(ids)), ZERO)
        sequence[:, 0] = ids
        expected = language_model(input_ids=ids[None], use_cache=False).logits.float()
        found = model.text_linear(model.hidden(sequence))[..., : expected.shape[-1]]
        error = float((found - expected).abs().max() / expected.abs().max())
        if not error < TOLERANCE:
            raise refusal(settings.model_type, f"the result differs from it by {error:.1e} of its largest logit")
    language_model.train(training)

"""The temporal transformer started from language models of `transformers`, with random weights."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from agent import GREEDY, load_model, tiny
from agent.files.checkpoints import save
from agent.files.initialise import copy_tokenizer, initialise, load_language_model

BASE: dict[str, Any] = {
    "vocab_size": 100,
    "hidden_size": 48,
    "intermediate_size": 80,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 0,
}
ALTERNATING = ["sliding_attention", "full_attention", "sliding_attention"]
LLAMA_3 = {
    "rope_type": "llama3",
    "factor": 8.0,
    "low_freq_factor": 1.0,
    "high_freq_factor": 4.0,
    "original_max_position_embeddings": 16,
    "rope_theta": 500_000.0,
}
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 16, "rope_theta": 10_000.0}
MAPPED: dict[str, dict[str, Any]] = {
    "Llama": {},
    "Llama scaled": {"rope_parameters": LLAMA_3, "attention_bias": True, "mlp_bias": True, "head_dim": 8},
    "SmolLM3": {},  # every fourth layer without rotation
    "Mistral": {"sliding_window": 8},
    "Qwen2": {},
    "Qwen3": {"head_dim": 16},
    "Gemma": {"head_dim": 16},
    "Gemma3Text": {"head_dim": 16, "sliding_window": 8, "query_pre_attn_scalar": 7, "layer_types": ALTERNATING},
    "Granite": {"attention_multiplier": 0.3},
    "GptOss": {
        "head_dim": 12,
        "num_local_experts": 4,
        "num_experts_per_tok": 2,
        "sliding_window": 8,
        "layer_types": ALTERNATING,
        "rope_parameters": YARN,
    },
}
REFUSED = {
    "Gemma2": ({}, r"scales by .*logit_softcapping = 30\.0"),
    "Cohere": ({}, r'type "cohere" cannot be mapped: it scales by logit_scale = 0\.0625'),
    "Phi3": ({}, "no self_attn.q_proj"),
    "Olmo": ({}, "not RMSNorm"),
    "Granite": (
        {"residual_multiplier": 0.5, "embedding_multiplier": 12.0, "logits_scaling": 8.0, "attention_multiplier": 0.3},
        r"scales by .*embedding_multiplier = 12\.0, logits_scaling = 8\.0, residual_multiplier = 0\.5, which have no",
    ),
    "Qwen3Moe": ({"num_experts": 4, "moe_intermediate_size": 16}, "neither gated"),
}


@pytest.fixture(scope="module")
def transformers() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield pytest.importorskip("transformers")


def language_model(transformers: Any, name: str, settings: dict[str, Any]) -> Any:
    """An LM with random weights in which every part matters."""
    kind = name.split()[0]
    layers = {"num_hidden_layers": 4, "no_rope_layers": [1, 1, 1, 0]} if kind == "SmolLM3" else {}
    config = getattr(transformers, f"{kind}Config")(**{**BASE, **layers, **settings})
    torch.manual_seed(1)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for path, parameter in model.named_parameters():
            if parameter.dim() == 1:
                parameter.add_(0.3 * torch.randn(parameter.shape))
            elif "embed" not in path:
                parameter.mul_(4)
    return model


@torch.no_grad()
@pytest.mark.parametrize("name", MAPPED)
def test_without_audio_it_thinks_what_the_language_model_thinks(transformers: Any, name: str) -> None:
    theirs = language_model(transformers, name, MAPPED[name])
    base = tiny()
    base = replace(base, temporal=replace(base.temporal, context=40))
    model = initialise(theirs, base)
    ids = torch.randint(100, (2, 40), generator=torch.Generator().manual_seed(2))
    sequence = torch.full((2, model.config.streams, 40), -1)
    sequence[:, 0] = ids
    expected = theirs.model(input_ids=ids, use_cache=False).last_hidden_state
    hidden = model.hidden(sequence)
    assert expected.std() > 0.3
    torch.testing.assert_close(hidden, expected, rtol=1e-4, atol=1e-4)
    logits = model.text_linear(hidden)
    torch.testing.assert_close(logits[..., :100], theirs(input_ids=ids).logits, rtol=1e-4, atol=1e-4)
    assert (model.config.pad, model.config.end_pad, model.config.text_card) == (100, 101, 102)
    sequence[:, 1:5] = 0  # audio is heard, and is about as loud as a token
    assert 0.05 < float((model.hidden(sequence) - hidden).norm() / hidden.norm()) < 3


@torch.no_grad()
@pytest.mark.parametrize("name", ["SmolLM3", "Qwen3", "Gemma3Text", "GptOss"])
def test_it_streams_beyond_its_window_and_survives_a_file(transformers: Any, tmp_path: Path, name: str) -> None:
    base = tiny()
    base = replace(base, temporal=replace(base.temporal, context=20))
    model = initialise(language_model(transformers, name, MAPPED[name]), base)
    back = load_model(save(model, tmp_path))
    assert back.config == model.config
    steps = 50
    codes = torch.randint(32, (1, model.config.streams, steps), generator=torch.Generator().manual_seed(3))
    state, found = back.init_state(1), []
    for step in range(steps):
        user = codes[:, 3:5, max(step - 1, 0)]
        forced = torch.stack([codes[:, row, max(step - late, 0)] for row, late in enumerate((0, 0, 1))], dim=1)
        frame, state = back.step(user, state, GREEDY, forced=forced, hint=codes[:, 6, step])
        assert frame.user_text is not None
        if step >= 2:
            codes[:, 5, step - 2] = frame.user_text
        found.append(frame.thought.text_logits)
    torch.testing.assert_close(torch.stack(found, dim=1), model(codes).text_logits[:, 0], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("name", REFUSED)
def test_what_has_no_counterpart_is_refused(transformers: Any, name: str) -> None:
    settings, message = REFUSED[name]
    with pytest.raises(ValueError, match=message):
        initialise(language_model(transformers, name, settings), tiny())


def test_a_tensor_without_a_place_or_a_source_is_named(transformers: Any, tmp_path: Path) -> None:
    theirs = language_model(transformers, "Llama", {})
    theirs.model.layers[1].mlp.gate_norm = torch.nn.LayerNorm(4)
    with pytest.raises(ValueError, match=r"no place for layers\.1\.mlp\.gate_norm\.weight and 1 more"):
        initialise(theirs, tiny())
    del theirs.model.layers[1].mlp.gate_norm
    theirs.model.norm.weight.data = theirs.model.norm.weight.data[:10]
    with pytest.raises(ValueError, match=r"cannot be mapped: \[1, 1, 10\] for \[1, 1, 48\]"):
        initialise(theirs, tiny())
    language_model(transformers, "Llama", {}).save_pretrained(tmp_path)
    weights = load_file(tmp_path / "model.safetensors")
    for lost, more, message in (
        ("model.layers.2.mlp.up_proj.weight", {}, r"lack 1 tensors, first model\.layers\.2\.mlp\.up_proj\.weight"),
        ("", {"model.layers.0.extra.weight": torch.ones(2)}, r"no place for, 1 tensors, first model\.layers\.0\.extra"),
    ):
        kept = {name: tensor for name, tensor in weights.items() if name != lost}
        save_file({**kept, **more}, tmp_path / "model.safetensors", {"format": "pt"})
        with pytest.raises(ValueError, match=message):
            load_language_model(tmp_path)
    os.truncate(tmp_path / "model.safetensors", 5000)
    with pytest.raises(ValueError, match="cannot load"):
        load_language_model(tmp_path)


def test_the_check_is_of_what_it_says_on_text(transformers: Any) -> None:
    """A model that differs on some ids only is found out where a text has them, and heads count."""
    theirs, text = language_model(transformers, "Llama", {}), [90, 91, 92, 90]
    untouched = theirs.forward

    def other(input_ids: torch.Tensor, **more: Any) -> Any:
        out = untouched(input_ids=input_ids, **more)
        out.logits[..., 5] += 1.0 * (input_ids == 91)
        return out

    theirs.forward = other
    drawn = torch.randint(100, (16,), generator=torch.Generator().manual_seed(0))
    assert 91 not in drawn
    initialise(theirs, tiny())
    with pytest.raises(ValueError, match="of its largest logit"):
        initialise(theirs, tiny(), text)


def test_a_model_that_is_no_such_decoder_is_refused(transformers: Any) -> None:
    config = transformers.GPT2Config(n_embd=48, n_head=4, n_layer=2, vocab_size=100, bos_token_id=1, eos_token_id=2)
    with pytest.raises(ValueError, match='type "gpt2" cannot be mapped'):
        initialise(transformers.AutoModelForCausalLM.from_config(config), tiny())


def test_from_a_folder_with_its_tokenizer(transformers: Any, tmp_path: Path) -> None:
    tokenizers = pytest.importorskip("tokenizers")
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"<unk>": 0, "hello": 1, "there": 2}, unk_token="<unk>"))
    words.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    language_model(transformers, "Llama", {}).save_pretrained(tmp_path / "lm")
    transformers.PreTrainedTokenizerFast(tokenizer_object=words, unk_token="<unk>").save_pretrained(tmp_path / "lm")
    model = initialise(load_language_model(tmp_path / "lm"), tiny())
    save(model, tmp_path / "agent", passengers=copy_tokenizer(tmp_path / "lm", tmp_path / "agent"))
    assert load_model(tmp_path / "agent").config.text_card == 102
    read = tokenizers.Tokenizer.from_file(str(tmp_path / "agent" / "tokenizer.json"))
    assert read.encode("hello there").ids == [1, 2]
    with pytest.raises(ValueError, match="cannot load"):
        load_language_model(tmp_path / "nothing")
    with pytest.raises(ValueError, match=r"cannot load the tokenizer of .*nothing: .*--download fetches it"):
        copy_tokenizer(tmp_path / "nothing", tmp_path / "agent")

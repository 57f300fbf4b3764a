"""The model against the wheel `moshi` with random weights: predictions, streaming, files."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from agent import GREEDY, LanguageModel, load_model
from agent.files.assemble import build
from agent.files.checkpoints import save
from agent.files.config_json import from_moshi, to_moshi
from agent.files.tensor_names import stack
from agent.model.quantized import quantize

TEXT, CARD = 96, 64
SIDE = {1: [0, *[1] * 7], 2: [0, *[2] * 7]}
MOSHI: dict[str, Any] = {  # the official 7B configuration with smaller numbers
    "dim": 64,
    "text_card": TEXT,
    "existing_text_padding_id": 3,
    "n_q": 16,
    "dep_q": 8,
    "card": CARD,
    "num_heads": 4,
    "num_layers": 2,
    "hidden_scale": 4.125,
    "causal": True,
    "layer_scale": None,
    "context": 40,
    "max_period": 10000,
    "gating": "silu",
    "norm": "rms_norm_f32",
    "positional_embedding": "rope",
    "depformer_dim": 32,
    "depformer_dim_feedforward": int(4.125 * 32),
    "depformer_num_heads": 2,
    "depformer_num_layers": 1,
    "depformer_layer_scale": None,
    "depformer_multi_linear": True,
    "depformer_context": 8,
    "depformer_max_period": 10000,
    "depformer_gating": "silu",
    "depformer_pos_emb": "none",
    "depformer_weights_per_step": True,
    "delays": [0, *SIDE[1], *SIDE[1]],
}
DEPTH_16 = {**MOSHI, "dep_q": 16, "delays": [0, *SIDE[2], *SIDE[2]]}
HIBIKI = {
    **DEPTH_16,
    "model_type": "hibiki",
    "n_q": 32,
    "max_period": 100000.0,
    "delays": [0, 0, *[2] * 15, 0, *[2] * 15],
    "hidden_scale": 4,
    "depformer_num_layers": 2,
    "depformer_low_rank_embeddings": 8,
    "depformer_weights_per_step_schedule": [0, 1, 2, 3, 4, 5, 6, 7, *[8] * 8],
    "conditioners": {
        "description": {
            "type": "lut",
            "lut": {"n_bins": 31, "dim": 16, "tokenizer": "noop", "possible_values": ["very_bad", "good", "very_good"]},
        }
    },
    "fuser": {
        "cross_attention_pos_emb": False,
        "cross_attention_pos_emb_scale": 1,
        "sum": ["description"],
        "prepend": [],
        "cross": [],
    },
    "cross_attention": [],
    "lm_gen_config": {"temp": 0.8, "temp_text": 0.8, "top_k": 250, "top_k_text": 50},
}
TTS = {
    **MOSHI,
    "model_type": "tts",
    "n_q": 8,
    "dep_q": 8,
    "delays": [0, 0, *[2] * 7],
    "demux_second_stream": True,
    "text_card_out": None,
    "cross_attention": True,
    "depformer_low_rank_embeddings": 8,
    "conditioners": {
        "speaker_wavs": {"type": "tensor", "tensor": {"dim": 24}},
        "cfg": {"type": "lut", "lut": {"n_bins": 7, "dim": 16, "tokenizer": "noop", "possible_values": ["1.0", "2.0"]}},
    },
    "fuser": {
        "cross_attention_pos_emb": True,
        "cross_attention_pos_emb_scale": 1,
        "sum": ["cfg"],
        "prepend": [],
        "cross": ["speaker_wavs"],
    },
    "tts_config": {"audio_delay": 1.28, "second_stream_ahead": 2},
}
STT = {
    **MOSHI,
    "model_type": "stt",
    "dep_q": 0,
    "delays": [0] * 17,
    "extra_heads_num_heads": 4,
    "extra_heads_dim": 6,
    "stt_config": {"audio_delay_seconds": 0.5},
}
OLD = {  # of moshi's own golden test: LayerNorm, sinusoids, no gating in the temporal transformer, shared sets
    "delays": [0, 1, 2, 4],
    "n_q": 3,
    "dep_q": 3,
    "card": 32,
    "text_card": 48,
    "dim": 16,
    "num_layers": 2,
    "num_heads": 2,
    "hidden_scale": 1,
    "context": 16,
    "depformer_dim": 16,
    "depformer_num_heads": 2,
    "depformer_multi_linear": True,
    "depformer_weights_per_step": True,
    "depformer_weights_per_step_schedule": [0, 1, 1],
    "depformer_low_rank_embeddings": 8,
    "depformer_gating": "silu",
}
ODDS = {  # every remaining option at once
    **MOSHI,
    "norm": "layer_norm_f32",
    "norm_emb": True,
    "bias_proj": True,
    "layer_scale": 0.3,
    "depformer_layer_scale": 0.2,
    "kv_repeat": 2,
    "positional_embedding": "sin_rope",
    "gating": "gelu",
    "depformer_norm": "layer_norm",
    "depformer_pos_emb": "rope",
    "depformer_dim_feedforward": [96, 64, 96, 64, 48, 48, 48, 60],
    "text_card_out": 40,
}
SHARED = {
    **MOSHI,
    "depformer_weights_per_step": False,
    "depformer_multi_linear": False,
    "depformer_gating": "none",
    "norm": "rms_norm",
    "depformer_pos_emb": "sin",
}
CONFIGS = {
    "moshi": MOSHI,
    "depth-16": DEPTH_16,
    "hibiki": HIBIKI,
    "tts": TTS,
    "stt": STT,
    "old": OLD,
    "odds": ODDS,
    "shared": SHARED,
}


@pytest.fixture(scope="module")
def moshi() -> Iterator[Any]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        loaders = pytest.importorskip("moshi.models.loaders", reason="pip install --no-deps moshi")
        from moshi.conditioners import ConditionAttributes, TensorCondition
        from moshi.models.lm import LMGen
        from moshi.utils.compile import no_compile

        with no_compile():
            yield SimpleNamespace(
                loaders=loaders, LMGen=LMGen, Attributes=ConditionAttributes, TensorCondition=TensorCondition
            )


def reference(moshi: Any, keys: dict[str, Any], file: Path | None = None) -> Any:
    """The wheel's model, from a file or with random weights in which every part matters."""
    passengers = ("model_type", "lm_gen_config", "tts_config", "stt_config", "duologue")
    keys = copy.deepcopy({key: value for key, value in keys.items() if key not in passengers})
    torch.manual_seed(3)
    model = moshi.loaders.get_moshi_lm(file, keys, dtype=torch.float32)
    if file is None:
        with torch.no_grad():
            for name, tensor in model.named_parameters():
                if tensor.dim() == 1 or name.endswith("alpha"):
                    tensor.add_(0.2 * torch.randn(tensor.shape))
                elif "emb" in name:
                    tensor.mul_(3)
    return model.eval()


def ours(model: Any, keys: dict[str, Any]) -> LanguageModel:
    return build(from_moshi(keys), model.state_dict()).eval()


def codes_for(keys: dict[str, Any], steps: int = 70) -> Tensor:
    generator = torch.Generator().manual_seed(4)
    text = torch.randint(keys["text_card"], (2, 1, steps), generator=generator)
    if keys.get("demux_second_stream"):
        text = text + (keys["text_card"] + 1) * torch.randint(20, (2, 1, steps), generator=generator)
    codes = torch.cat([text, torch.randint(keys["card"], (2, keys["n_q"], steps), generator=generator)], dim=1)
    codes[1, :, -20:] = -1  # a shorter item of the batch
    codes[0, 0, 10:14] = -1
    return codes


def conditions(moshi: Any, model: Any, own: LanguageModel, batch: int) -> tuple[Any, Any]:
    """The same conditions for both: one stream has them, the others have not."""
    if model.condition_provider is None:
        return None, None
    generator = torch.Generator().manual_seed(5)
    items, given = [], {}
    voice = torch.randn(1, 5, 24, generator=generator)
    for row in range(batch):
        item = moshi.Attributes()
        mask = torch.full((1, 5), row == 0)
        for name, each in model.condition_provider.conditioners.items():
            if hasattr(each, "tokenizer"):
                word = each.tokenizer.possible_values and list(each.tokenizer.possible_values)[1]
                item.text[name] = word if row == 0 else None
                given.setdefault(name, []).append(item.text[name])
            else:
                item.tensor[name] = moshi.TensorCondition(voice * mask[..., None], mask)
                given.setdefault(name, []).append(voice[0] if row == 0 else None)
        items.append(item)
    return model.condition_provider.prepare_and_provide(items), own.conditions(batch, given)


def distance(found: Tensor, expected: Tensor) -> float:
    assert torch.equal(found.isnan(), expected.isnan())
    assert expected.nan_to_num().std() > 0.1
    return float((found - expected).nan_to_num().abs().max())


@torch.no_grad()
@pytest.mark.parametrize("name", CONFIGS)
def test_predictions(moshi: Any, name: str) -> None:
    keys = CONFIGS[name]
    theirs = reference(moshi, keys)
    model, codes = ours(theirs, keys), codes_for(keys)
    their_conditions, our_conditions = conditions(moshi, theirs, model, 2)
    found = model(codes, our_conditions)
    if theirs.depformer is None:  # the wheel has no forward without one
        sequence = torch.cat([theirs._get_initial_token().expand(2, -1, -1), codes], dim=2)[:, :, :-1]
        z, text_logits = theirs.forward_text(sequence)
        assert distance(found.text_logits, text_logits) < 1e-4
        for head, other in zip(model.extra_heads, theirs.extra_heads, strict=True):
            assert distance(head(found.hidden), other(z)) < 1e-4
        return
    expected = theirs(codes, their_conditions)
    assert distance(found.logits, expected.logits) < 1e-4
    assert distance(found.text_logits, expected.text_logits) < 1e-4
    assert torch.equal(found.mask, expected.mask)
    assert torch.equal(found.text_mask, expected.text_mask)


@torch.no_grad()
@pytest.mark.parametrize(("name", "delay"), [("moshi", 1), ("moshi", 2), ("depth-16", 1)])
def test_gradients(moshi: Any, name: str, delay: int) -> None:
    keys = {**CONFIGS[name], "delays": [0, *SIDE[delay], *SIDE[delay]]}
    theirs = reference(moshi, keys)
    model, codes = ours(theirs, keys), codes_for(keys, 50)
    found = {}
    for each in (theirs, model):
        with torch.enable_grad():
            for parameter in each.parameters():
                parameter.requires_grad_(True)
            out = each(codes)
            target = codes[:, 1 : 1 + keys["dep_q"]]
            loss = torch.nn.functional.cross_entropy(out.logits[out.mask], target[out.mask])
            loss = loss + torch.nn.functional.cross_entropy(out.text_logits[out.text_mask], codes[:, :1][out.text_mask])
            loss.backward()
        table, matrix = each.emb[9].weight.grad, each.text_linear.weight.grad
        found[each] = torch.cat([table.flatten(), matrix.flatten(), each.text_emb.weight.grad.flatten()])
    assert float((found[model] - found[theirs]).norm() / found[theirs].norm()) < 1e-4


@torch.no_grad()
@pytest.mark.parametrize(
    ("name", "steps"), [("moshi", 300), ("depth-16", 300), ("hibiki", 60), ("tts", 60), ("stt", 60), ("odds", 60)]
)
def test_greedy_streaming_with_idle_and_reset_rows(moshi: Any, name: str, steps: int) -> None:
    keys, batch = {**CONFIGS[name], "context": 25 if steps < 100 else 40}, 3
    theirs = reference(moshi, keys)
    model = ours(theirs, keys)
    their_conditions, our_conditions = conditions(moshi, theirs, model, batch)
    generation = moshi.LMGen(theirs, use_sampling=False, support_out_of_sync=True, condition_tensors=their_conditions)
    state = model.init_state(batch, conditions=our_conditions)
    generator, seen = torch.Generator().manual_seed(6), set()
    needed = keys["n_q"] - keys["dep_q"]
    with generation.streaming(batch):
        for step in range(steps):
            if step in (17, 41, 55, 250):
                rows = torch.tensor([step == 17, step != 17, step == 250])
                generation.reset_streaming(rows)
                state = model.reset(state, rows)
            executing = torch.tensor([row != step % 5 for row in range(batch)])
            generation.set_exec_mask(executing)
            user = torch.randint(keys["card"], (batch, needed, 1), generator=generator)
            expected = generation.step(user)
            frame, state = model.step(user[:, :, 0] if needed else None, state, GREEDY, executing=executing)
            assert torch.equal(frame.tokens, expected[:, :, 0]), step
            seen.update(map(tuple, frame.tokens.tolist()))
    assert len(seen) > steps / 3


@torch.no_grad()
def test_the_wheel_reads_what_we_write_split_and_stacked(moshi: Any, tmp_path: Path) -> None:
    for name in ("moshi", "hibiki", "tts"):
        keys = CONFIGS[name]
        theirs = reference(moshi, keys)
        model, codes = ours(theirs, keys), codes_for(keys, 30)
        their_conditions, our_conditions = conditions(moshi, theirs, model, 2)
        for stacked in (False, True):
            folder = save(model, tmp_path / f"{name}-{stacked}", stacked=stacked)
            back = reference(moshi, to_moshi(model.config), folder / "model.safetensors")
            assert torch.equal(
                back(codes, their_conditions).logits.nan_to_num(), theirs(codes, their_conditions).logits.nan_to_num()
            )
            again = load_model(folder)
            assert again.config == model.config
            assert distance(again(codes, our_conditions).logits, model(codes, our_conditions).logits) < 1e-4


@torch.no_grad()
def test_adapters_as_the_wheel_applies_them(moshi: Any, tmp_path: Path) -> None:
    theirs = reference(moshi, MOSHI)
    folder = save(ours(theirs, MOSHI), tmp_path / "base")
    adapted = moshi.loaders.get_lora_moshi(
        theirs, None, lora_rank=4, lora_scaling=1.5, dtype=torch.float32, fuse_lora=False
    )
    adapters = {name: tensor for name, tensor in adapted.state_dict().items() if ".lora_" in name}
    for tensor in adapters.values():
        tensor.normal_(std=0.05)
    save_file(stack(adapters), str(tmp_path / "lora.safetensors"))
    (tmp_path / "config.json").write_text((folder / "config.json").read_text()[:-2] + ', "lora_scaling": 1.5}')
    codes = codes_for(MOSHI, 30)
    expected = adapted.eval()(codes)
    for merge in (True, False):
        model = load_model(folder, lora=tmp_path / "lora.safetensors", merge=merge)
        assert distance(model(codes).logits, expected.logits) < 1e-4
        assert distance(model(codes).text_logits, expected.text_logits) < 1e-4


@torch.no_grad()
def test_eight_bit_weights_name_and_round_as_kyutai_s(moshi: Any) -> None:
    theirs = reference(moshi, MOSHI)
    model, codes = ours(theirs, MOSHI), codes_for(MOSHI, 30)
    quantize(model)
    state = model.state_dict()
    rounded = {}
    for name, tensor in theirs.state_dict().items():  # their layout: row-wise absmax scales over int8
        own = name.replace("depformer.layers", "depth.layers").replace("transformer.layers", "temporal.layers")
        if own.endswith("projs.0.weight"):
            scale = tensor.abs().amax(dim=1)
            assert torch.equal(state[own], (tensor * (127 / scale[:, None])).round().to(torch.int8))
            assert torch.equal(state[f"{own}_scb"], scale)
            rounded[own] = tensor
    assert len(rounded) > 4
    found, expected = model(codes).text_logits, theirs(codes).text_logits
    assert float((found - expected).nan_to_num().norm() / expected.nan_to_num().norm()) < 0.05

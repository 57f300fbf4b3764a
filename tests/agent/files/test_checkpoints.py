"""Model folders: written and read back in every form, and refused when they do not fit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from agent import LanguageModel, ModelConfig, load_model, tiny
from agent.files.checkpoints import save
from agent.files.config_json import to_moshi
from agent.model.config import DepthConfig, TransformerConfig
from agent.model.lora import LoraLinear, add_adapters
from agent.model.presets import acoustic_delays
from agent.model.quantized import Int8Linear, dequantize, quantize


def one_sided() -> ModelConfig:
    """Moshi's shape: the agent's side only is predicted; widths that 8-bit products take in whole blocks."""
    depth = TransformerConfig(32, 2, 2, (96,), "silu", "rms_norm_f32", "none")
    return ModelConfig(
        TransformerConfig(48, 3, 2, (144,), "silu", "rms_norm_f32", "rope", context=20),
        DepthConfig(depth, (0, 1, 2), multi_linear=True),
        delays=acoustic_delays(3, 1),
        n_q=6,
        dep_q=3,
        card=32,
        text_card=48,
    )


@pytest.fixture
def model() -> LanguageModel:
    torch.manual_seed(1)
    return LanguageModel(one_sided()).eval()


def predictions(model: LanguageModel) -> Tensor:
    codes = torch.randint(32, (2, 7, 25), generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        out = model(codes)
    assert out.logits is not None
    return torch.cat([out.logits.flatten().nan_to_num(), out.text_logits.flatten()])


def relative(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).norm() / expected.norm())


@pytest.mark.parametrize("stacked", [False, True])
def test_written_and_read_back(model: LanguageModel, tmp_path: Path, stacked: bool) -> None:
    save(model, tmp_path / "m", stacked=stacked, passengers={"tokenizer_name": "tokenizer.json"})
    values = json.loads((tmp_path / "m" / "config.json").read_text())
    assert values["tokenizer_name"] == "tokenizer.json"
    assert "duologue" not in values
    names = load_file(str(tmp_path / "m" / "model.safetensors"))
    name = "self_attn.in_proj_weight" if stacked else "self_attn.in_projs.2.weight"
    assert f"depformer.layers.1.{name}" in names
    back = load_model(tmp_path / "m")
    assert back.config == model.config
    assert not back.training
    assert relative(predictions(back), predictions(model)) < 1e-6


def test_hibiki_s_early_end_of_text_is_a_pad(model: LanguageModel, tmp_path: Path) -> None:
    back = load_model(save(model, tmp_path, passengers={"model_type": "hibiki"}))
    assert torch.equal(back.text_emb.weight[2], model.text_emb.weight[3])
    assert torch.equal(back.text_emb.weight[1], model.text_emb.weight[1])


def test_our_own_streams_are_kept(tmp_path: Path) -> None:
    model = LanguageModel(tiny())
    back = load_model(save(model, tmp_path))
    assert back.config == model.config
    for name, tensor in model.state_dict().items():
        assert torch.equal(back.state_dict()[name], tensor), name


def test_parts_and_types(model: LanguageModel, tmp_path: Path) -> None:
    save(model, tmp_path, dtype=torch.bfloat16, part_bytes=20_000)
    parts = sorted(tmp_path.glob("model-*.safetensors"))
    assert len(parts) > 3
    assert max(part.stat().st_size for part in parts) < 26_000
    assert load_model(tmp_path).text_linear.weight.dtype == torch.bfloat16
    assert relative(predictions(load_model(tmp_path, dtype=torch.float32)), predictions(model)) < 0.02
    assert relative(predictions(load_model(tmp_path)).float(), predictions(model)) < 0.05
    state, codes = load_model(tmp_path).init_state(1), torch.zeros(1, 3, dtype=torch.int64)
    assert load_model(tmp_path).step(codes, state)[0].tokens.shape == (1, 4)
    parts[1].unlink()
    with pytest.raises(ValueError, match=r"holds \d+ of the \d+ parts of model.safetensors"):
        load_model(tmp_path)


def test_eight_bits(model: LanguageModel, tmp_path: Path) -> None:
    expected = predictions(model)
    quantize(model)
    save(model, tmp_path, stacked=True)
    tensors = load_file(str(tmp_path / "model.safetensors"))
    assert tensors["depformer.layers.0.self_attn.in_proj_weight"].dtype == torch.int8
    assert tensors["depformer.layers.0.self_attn.in_proj_weight_scb"].shape == (3 * 96,)
    assert json.loads((tmp_path / "config.json").read_text())["quantize"] is True
    back = load_model(tmp_path, dtype=torch.bfloat16)
    assert isinstance(back.text_linear, Int8Linear)
    assert back.text_linear.weight_scb.dtype == torch.float32
    assert back.out_norm.alpha.dtype == torch.bfloat16
    assert relative(predictions(load_model(tmp_path)), expected) < 0.05
    state = back.init_state(2)
    frame, _ = back.step(torch.zeros(2, 3, dtype=torch.int64), state)
    assert frame.thought.text_logits.isfinite().all()


def test_eight_bits_become_float_again_to_be_trained(model: LanguageModel) -> None:
    names, count = set(model.state_dict()), sum(each.numel() for each in model.parameters())
    quantize(model)
    assert sum(each.numel() for each in model.parameters()) < count / 2
    with torch.no_grad():
        rounded = predictions(model)
    dequantize(model, torch.float32)
    assert set(model.state_dict()) == names
    assert sum(each.numel() for each in model.parameters() if each.requires_grad) == count
    with torch.no_grad():
        assert relative(predictions(model), rounded) < 0.01


@torch.no_grad()
@pytest.mark.parametrize(("inputs", "rows"), [(48, 3), (40, 3), (48, 200), (7, 1)])
def test_eight_bit_products(inputs: int, rows: int) -> None:
    """The kernel for few rows, and the widths and heights it must not be used for."""
    torch.manual_seed(3)
    linear = torch.nn.Linear(inputs, 24)
    layer, x = Int8Linear.of(linear), torch.randn(2, rows, 2 * inputs)[..., ::2]
    exact = torch.nn.functional.linear(x, layer.weight * layer.weight_scb[:, None] / 127, linear.bias)
    assert relative(layer(x), exact) < 0.01
    assert relative(exact, linear(x)) < 0.02


@pytest.mark.parametrize("merge", [True, False])
def test_adapters(model: LanguageModel, tmp_path: Path, merge: bool) -> None:
    plain = predictions(model)
    add_adapters(model, rank=4, scaling=1.5)
    assert torch.equal(predictions(model), plain)
    trainable = [name for name, parameter in model.named_parameters() if parameter.requires_grad]
    assert trainable
    assert all(".lora_" in name for name in trainable)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if ".lora_B." in name:
                parameter.normal_(std=0.1)
    expected = predictions(model)
    assert relative(plain, expected) > 0.05
    save(model, tmp_path)
    assert not [name for name in load_file(str(tmp_path / "model.safetensors")) if "lora" in name or "frozen" in name]
    back = load_model(tmp_path, merge=merge)
    assert isinstance(back.text_linear, LoraLinear) is not merge
    assert relative(predictions(back), expected) < 1e-5


def test_the_user_s_side_starts_as_the_agent_s(model: LanguageModel, tmp_path: Path) -> None:
    """A one-sided checkpoint opened for both sides says the same for the agent."""
    both = load_model(save(model, tmp_path / "split"), both_sides=True)
    assert (both.config.dep_q, both.config.agent_codebooks) == (6, 3)
    codes = torch.randint(32, (1, 7, 12))
    with torch.no_grad():
        torch.testing.assert_close(both(codes).logits[:, :3], model(codes).logits, equal_nan=True)
    state = both.state_dict()
    assert torch.equal(
        state["depth.layers.1.gating.5.linear_in.weight"], state["depth.layers.1.gating.2.linear_in.weight"]
    )
    assert torch.equal(state["depth.linears.3.weight"], state["depth.linears.0.weight"])
    assert torch.equal(state["depth.emb.4.weight"], state["depth.emb.1.weight"])
    assert not state["depth.emb.2.weight"].any()  # what follows the agent's last codebook was never learned
    stacked = load_model(save(model, tmp_path / "stacked", stacked=True), both_sides=True)
    assert all(torch.equal(stacked.state_dict()[name], tensor) for name, tensor in state.items())


def drop(tensors: dict[str, Tensor]) -> None:
    del tensors["out_norm.alpha"]


def add(tensors: dict[str, Tensor]) -> None:
    tensors["vision.weight"] = torch.zeros(3)


def reshape(tensors: dict[str, Tensor]) -> None:
    tensors["emb.0.weight"] = torch.zeros(2049, 48)


def odd_scale(tensors: dict[str, Tensor]) -> None:
    tensors["emb.0.weight_scb"] = torch.zeros(33)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (drop, "1 tensors are missing, first out_norm.alpha"),
        (add, "1 tensors too many, first vision.weight"),
        (reshape, r"emb.0.weight is \[2049, 48\], expected \[33, 48\]"),
        (odd_scale, "there is no matrix emb.0"),
    ],
)
def test_weights_that_do_not_fit(
    model: LanguageModel, tmp_path: Path, change: Callable[[dict[str, Tensor]], None], message: str
) -> None:
    path = save(model, tmp_path) / "model.safetensors"
    tensors = load_file(str(path))
    change(tensors)
    save_file(tensors, str(path))
    with pytest.raises(ValueError, match=message):
        load_model(tmp_path)


def test_bad_folders(model: LanguageModel, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no config\.json"):
        load_model(tmp_path)
    save(model, tmp_path)
    path = tmp_path / "model.safetensors"
    whole = path.read_bytes()
    path.write_bytes(whole[:-100])
    with pytest.raises(ValueError, match="cannot read"):
        load_model(tmp_path)
    path.unlink()
    with pytest.raises(ValueError, match="no file"):
        load_model(tmp_path)
    (tmp_path / "model.bin").write_bytes(whole)
    (tmp_path / "config.json").write_text(json.dumps({**to_moshi(model.config), "moshi_name": "model.bin"}))
    with pytest.raises(ValueError, match="only safetensors"):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text("{")
    with pytest.raises(ValueError, match="cannot read"):
        load_model(tmp_path)
    (tmp_path / "config.json").write_text("[]")
    with pytest.raises(ValueError, match="must hold an object"):
        load_model(tmp_path)


def test_a_refused_save_overwrites_nothing(model: LanguageModel, tmp_path: Path) -> None:
    save(model, tmp_path)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(ValueError, match="takes no key colour"):
        save(LanguageModel(tiny()), tmp_path, passengers={"colour": "red"})
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_adapters_that_do_not_fit(model: LanguageModel, tmp_path: Path) -> None:
    save(model, tmp_path)
    other = tmp_path / "other.safetensors"
    save_file({"text_linear.lora_A.weight": torch.zeros(4, 48), "text_linear.lora_B.weight": torch.zeros(48, 4)}, other)
    with pytest.raises(ValueError, match=r"it lacks depformer_in\.0\.lora_A"):
        load_model(tmp_path, lora=other)
    save_file({"text_linear.weight": torch.zeros(48, 48)}, other)
    with pytest.raises(ValueError, match="holds no adapters"):
        load_model(tmp_path, lora=other)

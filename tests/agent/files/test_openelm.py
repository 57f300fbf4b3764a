"""OpenELM as a start: its layers differ in heads and width, and it says what its description says."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from agent import GREEDY, LanguageModel, load_model, tiny
from agent.commands.train import train
from agent.files.checkpoints import save
from agent.files.initialise import load_language_model
from agent.files.openelm import feedforward_width, from_openelm, load_openelm
from agent.files.vocabulary import train_vocabulary
from agent.live.onnx.stepper import supports
from agent.model.quantized import quantize
from agent.training.finetune import adapt
from tests.support.agent_training import write_tokens
from tests.support.openelm import SETTINGS, WIDTHS, logits, random_weights


def written(folder: Path, weights: dict[str, torch.Tensor] | None = None, **changes: Any) -> Path:
    """An OpenELM in a folder, in two files."""
    folder.mkdir(exist_ok=True)
    weights = random_weights() if weights is None else weights
    names = sorted(weights)
    for part, few in enumerate((names[::2], names[1::2])):
        save_file({name: weights[name] for name in few}, folder / f"model-{part}-of-2.safetensors")
    (folder / "config.json").write_text(json.dumps({**SETTINGS, **changes}))
    return folder


def started(folder: Path, context: int = 40) -> LanguageModel:
    base = tiny()
    torch.manual_seed(0)  # of the fresh parts
    return from_openelm(load_openelm(folder), replace(base, temporal=replace(base.temporal, context=context)))


@torch.no_grad()
def test_it_says_what_the_description_says(tmp_path: Path) -> None:
    model = started(written(tmp_path))
    temporal = model.config.temporal
    sizes = [(temporal.layer(i).heads, temporal.layer(i).key_heads, temporal.layer(i).hidden()) for i in range(3)]
    assert sizes == list(zip((2, 4, 6), (1, 1, 2), WIDTHS, strict=True))
    ids = torch.randint(100, (2, 40), generator=torch.Generator().manual_seed(2))
    sequence = torch.full((2, model.config.streams, 40), -1)
    sequence[:, 0] = ids
    expected = logits(random_weights(), ids)
    assert expected.std() > 0.3
    found = model.text_linear(model.hidden(sequence))
    torch.testing.assert_close(found[..., :100], expected, rtol=1e-4, atol=1e-4)
    assert (model.config.pad, model.config.end_pad, model.config.text_card) == (100, 101, 102)


def test_widths_of_the_published_sizes_by_hand() -> None:
    """OpenELM-270M: dim 1280, multipliers 0.5 to 4 -> 768 (640 rounds up to it), ..., 5120."""
    assert [feedforward_width(each, 1280, 256) for each in (0.5, 0.73, 4.0)] == [768, 1024, 5120]
    assert feedforward_width(0.1, 1280, 256) == 256
    assert feedforward_width(1.1, 256, 256) == 256  # 281.6 rounds to 256, which is 91 % of it
    assert feedforward_width(1.45, 256, 256) == 512  # 371.2 rounds to 256, which is too little


@torch.no_grad()
def test_it_streams_beyond_its_window_from_a_file_and_in_slots(tmp_path: Path) -> None:
    model = started(written(tmp_path / "elm"), context=20)
    back = load_model(save(model, tmp_path / "agent"))
    assert back.config == model.config
    steps = 50
    codes = torch.randint(32, (1, back.config.streams, steps), generator=torch.Generator().manual_seed(3))
    state, slots, found = back.init_state(1), back.init_state(1), []
    for step in range(steps):
        forced = torch.stack([codes[:, row, max(step - late, 0)] for row, late in enumerate((0, 0, 1))], dim=1)
        user, hint = codes[:, 3:5, max(step - 1, 0)], codes[:, 6, step]
        frame, state = back.step(user, state, GREEDY, forced=forced, hint=hint)
        thought, slots = back.think(user, slots, hint=hint, fixed=True)
        _, slots = back.speak(thought, forced[:, 0], slots, GREEDY, forced=forced)
        torch.testing.assert_close(thought.text_logits, frame.thought.text_logits, rtol=1e-4, atol=1e-4)
        assert frame.user_text is not None
        if step >= 2:
            codes[:, 5, step - 2] = frame.user_text
        found.append(frame.thought.text_logits)
    torch.testing.assert_close(torch.stack(found, dim=1), back(codes).text_logits[:, 0], rtol=1e-3, atol=1e-3)
    assert not supports(back), "the fused stepper has layers of one size: such a model runs by rows"
    assert [tuple(keys.shape[2:]) for keys in state.temporal.keys] == [(1, 8), (1, 8), (2, 8)]


@torch.no_grad()
def test_it_is_shortened_to_8_bits_and_takes_adapters(tmp_path: Path) -> None:
    model = started(written(tmp_path))
    codes = torch.randint(32, (1, model.config.streams, 12), generator=torch.Generator().manual_seed(3))
    before = model(codes).text_logits
    adapted = adapt(started(tmp_path), rank=2, scaling=1.0, seed=0).eval()
    torch.testing.assert_close(adapted(codes).text_logits, before, rtol=1e-4, atol=1e-4)
    quantize(model.temporal)
    error = (model(codes).text_logits - before).norm() / before.norm()
    assert 0 < float(error) < 0.1


def test_what_is_no_openelm_of_its_kind_is_refused(tmp_path: Path) -> None:
    weights = random_weights()
    lost, more = dict(weights), {**weights, "transformer.layers.0.attn.extra.weight": torch.ones(2)}
    del lost["transformer.layers.1.ffn.proj_2.weight"]
    short = {**weights, "transformer.norm.weight": torch.ones(3)}
    for number, (held, changes, message) in enumerate(
        (
            (lost, {}, r'"openelm" cannot be mapped: its weights lack layers\.1\.ffn\.proj_2\.weight'),
            (more, {}, r"no place for layers\.0\.attn\.extra\.weight; known are Llama, .*OpenELM"),
            (short, {}, r"cannot be mapped: \[1, 1, 3\] for \[1, 1, 48\]"),
            (weights, {"share_input_output_layers": False}, "share_input_output_layers = False has no counterpart"),
            (weights, {"num_kv_heads": [1, 3, 2]}, "4 query heads must be a multiple of 3 key heads"),
            (weights, {"num_query_heads": [2, 4]}, "layer_heads has 2 numbers for 3 layers"),
            (weights, {"ffn_dim_divisor": None}, r"its config\.json does not describe one"),
        )
    ):
        with pytest.raises(ValueError, match=message):
            started(written(tmp_path / str(number), held, **changes))
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "config.json").write_text("{}")
    with pytest.raises(ValueError, match=r"there is no model\*\.safetensors"):
        load_openelm(tmp_path / "empty")


def test_a_run_starts_from_it_with_its_tokenizer(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    words = train_vocabulary(["hello there my friend"] * 9, 270)
    settings = {"vocab_size": words.size + 6}
    weights = random_weights({**SETTINGS, **settings})
    lm = written(tmp_path / "lm", weights, **settings)
    tokens, recipe = write_tokens(tmp_path / "tokens", words), tmp_path / "small.toml"
    recipe.write_text('steps = 2\nbatch = 1\nframes = 8\nwarmup = 1\n[model]\npreset = "tiny"\n')
    with pytest.raises(ValueError, match=r"Llama 2's: put its tokenizer\.json at"):
        train([tokens], tmp_path / "run", recipe=recipe, init_lm=str(lm), device="cpu")
    words.save(lm)
    train([tokens], tmp_path / "run", recipe=recipe, init_lm=str(lm), device="cpu")
    model = load_model(tmp_path / "run")
    assert model.config.text_card == words.size + 6 + 2
    assert model.config.temporal.variation.layer_heads == (2, 4, 6)
    learnt = model.state_dict()["temporal.layers.2.gating.linear_out.weight"]
    moved = (learnt - weights["transformer.layers.2.ffn.proj_2.weight"]).abs().max()
    assert 0.0 < float(moved) < 0.01


def test_an_unknown_architecture_is_refused_by_name(tmp_path: Path) -> None:
    pytest.importorskip("transformers")
    folder = written(tmp_path / "other", model_type="pondering-snail")
    with pytest.raises(ValueError, match=r'type "pondering-snail" cannot be mapped: .*; known are Llama, .*OpenELM'):
        load_language_model(folder)

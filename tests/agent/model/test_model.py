"""The model itself: configurations, delays, streaming as a value, sampling."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from agent import GREEDY, LanguageModel, ModelConfig, ModelState, Sampling, laptop, moshi_7b, tiny
from agent.files.config_json import from_moshi, to_moshi
from agent.files.tensor_names import stack, to_native
from agent.judging.live_peer import official
from agent.model.presets import PRESETS
from agent.model.sampling import choose, gumbel, uniform
from agent.model.sharpen import sharpen
from agent.model.streams import UNGENERATED, delay, loss_mask
from agent.training.regularise import hide_own_voice
from agent.training.start import deafened
from codec.layers import streaming
from codec.training.draws import Draw

USER = slice(3, 5)  # of the tiny model's rows: text, 2 agent, 2 user, user text, hint


@pytest.fixture(scope="module")
def model() -> LanguageModel:
    torch.manual_seed(1)
    return LanguageModel(tiny()).eval()


def close(found: Tensor | None, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


def random_codes(config: ModelConfig, batch: int, steps: int, seed: int = 2) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    codes = torch.randint(config.card, (batch, config.streams, steps), generator=generator)
    codes[:, 0] = torch.randint(config.text_card, (batch, steps), generator=generator)
    return codes


def tokens_of(model: LanguageModel, state: ModelState, user: Tensor, **options: Any) -> tuple[Tensor, ModelState]:
    """Everything sampled over the frames of `user` [B, 2, T]: [B, T, rows]."""
    found = []
    for codes in user.unbind(-1):
        frame, state = model.step(codes, state, **options)
        assert frame.user_text is not None
        found.append(torch.cat([frame.text[:, None], frame.audio, frame.user_text[:, None], frame.tokens], dim=1))
    return torch.stack(found, dim=1), state


def test_seven_billion_parameters_by_their_official_names_and_shapes() -> None:
    with torch.device("meta"):
        state = LanguageModel(moshi_7b()).state_dict()
    shapes = {name: list(tensor.shape) for name, tensor in stack({to_native(n): t for n, t in state.items()}).items()}
    expected = {
        "text_emb.weight": [32001, 4096],
        "emb.15.weight": [2049, 4096],
        "text_linear.weight": [32000, 4096],
        "transformer.layers.31.self_attn.in_proj_weight": [12288, 4096],
        "transformer.layers.31.self_attn.out_proj.weight": [4096, 4096],
        "transformer.layers.0.norm1.alpha": [1, 1, 4096],
        "transformer.layers.0.gating.linear_in.weight": [22528, 4096],
        "transformer.layers.0.gating.linear_out.weight": [4096, 11264],
        "out_norm.alpha": [1, 1, 4096],
        "depformer_in.7.weight": [1024, 4096],
        "depformer_text_emb.weight": [32001, 1024],
        "depformer_emb.6.weight": [2049, 1024],
        "depformer.layers.5.self_attn.in_proj_weight": [8 * 3072, 1024],
        "depformer.layers.5.self_attn.out_proj.weight": [8 * 1024, 1024],
        "depformer.layers.5.norm2.alpha": [1, 1, 1024],
        "depformer.layers.5.gating.7.linear_in.weight": [5632, 1024],
        "depformer.layers.5.gating.7.linear_out.weight": [1024, 2816],
        "linears.7.weight": [2048, 1024],
    }
    assert {name: shapes.get(name) for name in expected} == expected
    assert len(shapes) == 1 + 16 + 1 + 32 * 6 + 1 + 8 + 1 + 7 + 6 * (2 + 2 + 16) + 8


def test_the_laptop_is_of_laptop_size() -> None:
    with torch.device("meta"):
        count = sum(parameter.numel() for parameter in LanguageModel(laptop()).parameters())
    assert 60e6 < count < 150e6


@pytest.mark.parametrize("name", PRESETS)
def test_presets_survive_config_json(name: str) -> None:
    config = PRESETS[name]()
    assert from_moshi(json.loads(json.dumps(to_moshi(config)))) == config


def test_only_our_own_presets_have_keys_of_ours() -> None:
    assert "duologue" not in to_moshi(moshi_7b())
    assert "duologue" not in to_moshi(official(replace(laptop(), ours=replace(laptop().ours, hears_itself=False))))
    assert to_moshi(tiny())["duologue"] == {"agent_q": 2, "user_text_delay": 2, "hint": True}
    assert from_moshi({"model_type": "personaplex", "version": "7b-v1"}) == moshi_7b(both_sides=True)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"nonsense": 1}, "unknown keys: nonsense"),
        ({"delays": [0, 1]}, "delays must list 5 streams"),
        ({"delays": [0, 0, -1, 0, 1]}, "must not be negative"),
        ({"dep_q": 9}, "dep_q must lie in 0..n_q=4"),
        ({"num_heads": 5}, "multiple of num_heads 5"),
        ({"norm": "batch"}, 'unknown norm "batch"'),
        ({"gating": "swish2"}, 'unknown gating "swish2"'),
        ({"positional_embedding": "rope_concat"}, "not supported"),
        ({"causal": False}, "only causal"),
        ({"depformer_weights_per_step_schedule": [0, 1]}, "needs depformer_weights_per_step and 4 numbers"),
        ({"depformer_weights_per_step_schedule": [0, 2, 2, 2]}, "must use all sets"),
        ({"depformer_weights_per_step": False}, "depformer_multi_linear without"),
        ({"depformer_gating": "none"}, "needs a gated feed-forward"),
        ({"existing_text_padding_id": 99}, "existing_text_padding_id must lie in 0..47"),
        ({"cross_attention": True}, "cross_attention needs a condition"),
        ({"fuser": {"prepend": ["x"]}}, "prepended"),
        ({"conditioners": {"x": {"type": "wav", "wav": {}}}}, 'type "wav"'),
        ({"duologue": {"agent_q": 5}}, "agent_q must lie in"),
        ({"duologue": {"speed": 5}}, "unknown keys: speed"),
        ({"num_layers": None}, "does not describe a model"),
        ({"demux_second_stream": True}, "excludes user_text_delay"),
    ],
)
def test_bad_configurations_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        from_moshi({**to_moshi(tiny()), **change})


def test_delays_by_hand() -> None:
    config = replace(tiny(), delays=(0, 0, 1, 0, 2))
    codes = torch.arange(28).view(1, 7, 4)
    T, A = 48, 32  # initial tokens of text and audio
    assert delay(codes, config)[0].tolist() == [
        [T, 0, 1, 2, 3],  # text
        [A, 4, 5, 6, 7],
        [A, A, 8, 9, 10],
        [A, 12, 13, 14, 15],
        [A, A, A, 16, 17],
        [T, T, T, 20, 21],  # the user's words, two frames late
        [24, 25, 26, 27, -1],  # a hint is there when its frame is predicted
    ]
    codes[0, 1, 1] = -1
    assert loss_mask(codes[:, :5], config.delays)[0].int().tolist() == [
        [1, 1, 1, 1],
        [1, 0, 1, 1],
        [1, 1, 1, 0],
        [1, 1, 1, 1],
        [1, 1, 0, 0],
    ]
    assert delay(codes[:, :, :1], config)[0, 4].tolist() == [A, A]  # a delay longer than the codes


@torch.no_grad()
@pytest.mark.parametrize("deaf", [(False, False), (True, False), (True, True)])
def test_streaming_equals_whole_sequences_beyond_the_window(model: LanguageModel, deaf: tuple[bool, bool]) -> None:
    """Every stream, with its delay: what a call predicts is what `forward` predicts at that frame."""
    model = deafened(model, *deaf)
    steps, config = 60, model.config
    assert config.temporal.context is not None
    assert steps > 3 * config.temporal.context
    codes = random_codes(config, 2, steps)
    state, calls = model.init_state(2), []
    for step in range(steps):
        user = codes[:, USER, step - 1] if step else torch.zeros(2, 2, dtype=torch.int64)
        said = torch.stack([codes[:, row, step - late] if step >= late else codes[:, row, 0] * 0
                            for row, late in enumerate(config.delays[:3])], dim=1)  # fmt: skip
        frame, state = model.step(user, state, GREEDY, forced=said, hint=codes[:, 6, step])
        if step >= 2 and frame.user_text is not None:
            codes[:, 5, step - 2] = frame.user_text  # two frames late
        calls.append(frame)
    whole = model(codes)
    assert whole.logits is not None
    assert whole.user_text_logits is not None
    for step, frame in enumerate(calls):
        assert frame.audio_logits is not None
        close(frame.thought.text_logits, whole.text_logits[:, 0, step])
        for row in range(2):
            late = config.delays[1 + row]
            if step >= late:
                close(frame.audio_logits[:, row], whole.logits[:, row, step - late])
        if step >= 2:
            close(frame.thought.user_text_logits, whole.user_text_logits[:, 0, step - 2])
        if frame.ready.all():  # the frame max delay ago, complete
            assert torch.equal(frame.tokens, codes[:, :3, step - 1])
    assert [bool(frame.ready.all()) for frame in calls] == [False, *[True] * (steps - 1)]
    assert torch.equal(calls[0].tokens, torch.full((2, 3), UNGENERATED))


@torch.no_grad()
def test_without_its_own_voice_it_is_what_it_was_when_that_was_hidden(model: LanguageModel) -> None:
    deaf, codes = deafened(model), random_codes(model.config, 2, 20)
    assert from_moshi(json.loads(json.dumps(to_moshi(deaf.config)))) == deaf.config == deafened(deaf).config
    sequence = delay(codes, model.config)[:, :, :-1]
    hidden = hide_own_voice(sequence, model.config, 1.0, Draw(torch.Generator()))
    assert not torch.equal(model.hidden(hidden), model.hidden(sequence))
    for found in (deaf, deafened(deaf)):
        assert torch.equal(found.hidden(sequence), model.hidden(hidden))
    assert len(deaf.emb) == model.config.user_codebooks
    assert "emb.2.weight" not in deaf.state_dict()


@torch.no_grad()
@pytest.mark.parametrize("chunks", [[1] * 90, [7, 1, 64, 3, 15], [30, 60]])
def test_the_temporal_transformer_streams_in_any_chunks(model: LanguageModel, chunks: list[int]) -> None:
    temporal, x = model.temporal, torch.randn(2, 90, 32, generator=torch.Generator().manual_seed(3))
    state, found = temporal.init_state(2, x), []
    for part in x.split(chunks, dim=1):
        y, state = temporal.step(part, state)
        found.append(y)
    close(torch.cat(found, dim=1), temporal(x))
    assert state.position.tolist() == [90, 90]


@torch.no_grad()
def test_no_prediction_sees_what_comes_after_it(model: LanguageModel) -> None:
    codes = random_codes(model.config, 1, 12)
    other = codes.clone()
    other[:, :, 7:] = random_codes(model.config, 1, 5, seed=9)
    first, second = model(codes), model(other)
    for a, b in ((first.text_logits, second.text_logits), (first.user_text_logits, second.user_text_logits)):
        torch.testing.assert_close(a[:, :, :5], b[:, :, :5])
    assert not torch.equal(first.text_logits[:, :, 8:], second.text_logits[:, :, 8:])
    torch.testing.assert_close(first.logits[:, :, :6], second.logits[:, :, :6])  # codebook delays of at most one


@torch.no_grad()
def test_a_state_is_a_value(model: LanguageModel, tmp_path: Path) -> None:
    user = random_codes(model.config, 3, 80)[:, USER]
    _, state = tokens_of(model, model.init_state(3, seeds=[5, 6, 7]), user[:, :, :30])
    kept = streaming.copy(state)
    streaming.save(state, tmp_path / "state.safetensors")
    expected, after = tokens_of(model, state, user[:, :, 30:])
    back, _ = tokens_of(model, state, user[:, :, 30:])  # 50 frames back needs no copy
    assert torch.equal(back, expected)
    loaded = streaming.load(tmp_path / "state.safetensors", model.init_state(3))
    for same in (kept, loaded):
        assert torch.equal(tokens_of(model, same, user[:, :, 30:])[0], expected)
    swapped = streaming.select(streaming.load(tmp_path / "state.safetensors", after), torch.tensor([2, 0]))
    assert torch.equal(tokens_of(model, swapped, user[[2, 0]][:, :, 30:])[0], expected[[2, 0]])


@torch.no_grad()
def test_conversations_of_a_batch_go_their_own_ways(model: LanguageModel) -> None:
    """Idle rows, a row that starts anew: each is as if it were alone."""
    user = random_codes(model.config, 3, 50)[:, USER]
    alone = [tokens_of(model, model.init_state(1, seeds=[row]), user[row : row + 1])[0] for row in range(3)]
    state, place, found = model.init_state(3), [0, 0, 0], [[], [], []]  # type: ignore[var-annotated]
    for step in range(100):
        if step == 31:
            state, place[1], found[1] = model.reset(state, torch.tensor([False, True, False]), seeds=[1]), 0, []
        going = torch.tensor([step % (row + 2) != 0 and place[row] < 50 for row in range(3)])
        codes = torch.stack([user[row, :, min(place[row], 49)] for row in range(3)])
        frame, state = model.step(codes, state, executing=going)
        assert torch.equal(frame.ready, going & torch.tensor([at > 0 for at in place]))
        for row in range(3):
            if going[row]:
                place[row] += 1
                found[row].append(frame.audio[row])
    for row in range(3):
        assert len(found[row]) > 25
        assert torch.equal(torch.stack(found[row]), alone[row][0, : len(found[row]), 1:3])


@torch.no_grad()
def test_both_sides_can_be_spoken(model: LanguageModel) -> None:
    state = model.init_state(1)
    for _ in range(4):
        frame, state = model.step(None, state)
    assert frame.tokens.shape == (1, 5)
    assert frame.tokens.min() >= 0
    listener = LanguageModel(replace(tiny(), dep_q=2, depth=None if tiny().depth is None else replace(
        tiny().depth, schedule=(0, 1)), ours=replace(tiny().ours, agent_q=None))).eval()  # type: ignore[type-var]  # fmt: skip
    with pytest.raises(ValueError, match="needs the user's 2 codes"):
        listener.step(None, listener.init_state(1))


@torch.no_grad()
def test_extra_streams_matter_and_may_be_left_out(model: LanguageModel) -> None:
    codes = random_codes(model.config, 1, 10)
    without = codes.clone()
    without[:, 5:] = -1
    torch.testing.assert_close(model(codes[:, :5]).text_logits, model(without).text_logits)
    for row in (5, 6):
        one = without.clone()
        one[:, row] = codes[:, row]
        assert not torch.allclose(model(one).text_logits, model(without).text_logits)


def test_checkpointing_changes_no_gradient(model: LanguageModel) -> None:
    codes, found = random_codes(model.config, 2, 20), []
    for checkpointing in (False, True):
        model.train().checkpoint_layers(checkpointing)
        out = model(codes)
        (out.text_logits.square().mean() + out.logits[out.mask].square().mean()).backward()
        found.append([p.grad.clone() for p in model.parameters() if p.grad is not None])
        model.zero_grad()
    model.eval().checkpoint_layers(False)
    for a, b in zip(*found, strict=True):
        torch.testing.assert_close(a, b)


@torch.no_grad()
def test_preparing_for_the_cpu_changes_no_value(model: LanguageModel) -> None:
    codes = random_codes(model.config, 1, 10)
    expected = model(codes).text_logits
    torch.testing.assert_close(model.prepare()(codes).text_logits, expected)


def test_sampling_follows_the_distribution() -> None:
    logits = torch.tensor([2.0, 1.0, 0.5, 0.0, -1.0, -3.0])
    draws, temperature = 20_000, 0.7
    seed, frame = torch.arange(draws), torch.full((draws,), 3)
    for top_k in (0, 3):
        noise = gumbel(seed, frame, range(4, 5), temperature, top_k, 6)[0]
        tokens = choose(logits.expand(draws, -1), temperature, top_k, noise)
        expected = torch.softmax(logits / temperature, -1)
        if top_k:
            expected[top_k:] = 0
            expected /= expected.sum()
        counted = torch.bincount(tokens, minlength=6) / draws
        assert float((counted - expected).abs().max()) < 0.012
    temperatures = torch.tensor([0.0, 1.0]).repeat(50)
    noise = gumbel(seed[:100], frame[:100], range(1), temperatures, 0, 6)[0]
    tokens = choose(logits.expand(100, -1), temperatures, 0, noise)
    assert tokens[::2].unique().tolist() == [0]
    assert len(tokens[1::2].unique()) > 2


def test_a_sharpened_model_says_at_one_temperature_what_it_said_at_a_lower_one(model: LanguageModel) -> None:
    sharp, user = copy.deepcopy(model), random_codes(model.config, 2, 12)[:, USER]
    sharpen(sharp, text=2.0, audio=4.0)
    expected, _ = tokens_of(model, model.init_state(2), user, sampling=Sampling(0.5, 9, 0.25, 7))
    found, _ = tokens_of(sharp, sharp.init_state(2), user, sampling=Sampling(1.0, 9, 1.0, 7))
    assert torch.equal(found, expected)
    with pytest.raises(ValueError, match="above 0"):
        sharpen(sharp, text=0.0, audio=1.0)


def test_noise_is_uniform_and_differs_between_draws() -> None:
    numbers = uniform(torch.arange(50), torch.zeros(50, dtype=torch.int64), range(3, 7), 500)
    assert numbers.shape == (50, 4, 500)
    assert 0 < float(numbers.min()) < 1e-3
    assert 1 - 1e-3 < float(numbers.max()) < 1
    assert abs(float(numbers.mean()) - 0.5) < 0.005
    flat = numbers.view(200, -1)
    correlation = torch.corrcoef(flat) - torch.eye(200)
    assert float(correlation.abs().max()) < 0.25
    again = uniform(torch.tensor([7]), torch.tensor([0]), range(5, 6), 500)
    assert torch.equal(again[0, 0], numbers[7, 2])


@torch.no_grad()
def test_a_bias_makes_it_wait(model: LanguageModel) -> None:
    bias = torch.zeros(48)
    bias[model.config.pad] = 1e4
    state, user = model.init_state(2), torch.zeros(2, 2, dtype=torch.int64)
    for _ in range(5):
        frame, state = model.step(user, state, text_bias=bias)
        assert frame.text.tolist() == [3, 3]


def test_wrong_inputs_are_refused(model: LanguageModel) -> None:
    state = model.init_state(2)
    with pytest.raises(ValueError, match=r"codes must be \[B, 7, T\]"):
        model(torch.zeros(1, 6, 4, dtype=torch.int64))
    with pytest.raises(ValueError, match=r"user codes must be \[2, 2\]"):
        model.step(torch.zeros(2, 3, dtype=torch.int64), state)
    with pytest.raises(ValueError, match=r"rows must be bool \[2\]"):
        model.reset(state, torch.tensor([1, 0]))
    with pytest.raises(ValueError, match="2 conversations need 2 seeds"):
        model.init_state(2, seeds=[1])
    with pytest.raises(ValueError, match="takes no conditions"):
        model.conditions(1, {"description": ["good"]})
    with pytest.raises(ValueError, match="temperature"):
        Sampling(text_temperature=-1.0)

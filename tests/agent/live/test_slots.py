"""All rows of a card at once, run on a CPU by the same code: they say what the plain model says, whatever happens."""

from __future__ import annotations

import copy
import dataclasses
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from agent import LanguageModel
from agent.live.batch import Batch
from agent.live.controls import Controls
from agent.live.cuda import SlotRows, tick, unfit
from agent.live.cuda.memory import Memory
from agent.live.rows import Held, ValueRows
from agent.live.stepper import RowByRow, RowOrder
from agent.model.config import ConditionerConfig, DepthConfig, Ours
from agent.model.quantized import Short, shorten
from agent.model.sampling import GREEDY, Sampling
from codec.layers import streaming
from corpus.audio import FRAME_SAMPLES, Samples
from tests.support.agent_fixtures import noise, tiny_bundle

ORDERS = [
    RowOrder(),
    RowOrder(GREEDY),
    RowOrder(Sampling(text_top_k=0, audio_top_k=3), pad_bias=2.0, end_pad_bias=-1.0),
    RowOrder(forced=torch.tensor([3, -2, 10])),
    RowOrder(word=lambda chosen: (7 * chosen + 1) % 48),
]


def sound(frames: int, seed: int) -> list[Samples]:
    return list(noise(frames, seed).reshape(-1, FRAME_SAMPLES))


def slot_rows(slots: int = 5) -> SlotRows:
    return SlotRows(tiny_bundle().model, tiny_bundle().codec, slots)


def plain_rows() -> ValueRows:
    model = tiny_bundle().model
    return ValueRows(model.config, model.device, RowByRow(model), tiny_bundle().codec, 1)


def same(mine: Any, theirs: Any) -> None:
    """Tokens to the last, sound to rounding."""
    for slot, frame in theirs.frames.items():
        assert mine.frames[slot].tokens.tolist() == frame.tokens.tolist()
        assert mine.frames[slot].ready == frame.ready
        assert (mine.frames[slot].text, mine.frames[slot].user_text) == (frame.text, frame.user_text)
        np.testing.assert_allclose(mine.sound[slot], theirs.sound[slot], atol=1e-4)


def test_rows_that_come_and_go_say_what_they_would_say_alone() -> None:
    """Every kind of order; rows are idle in turn, one is closed and its place taken, one is restored elsewhere."""
    mine, theirs = slot_rows(), plain_rows()
    for slot in range(5):
        mine.open(slot, slot)
        theirs.open(slot, slot)
    heard = [sound(30, slot) for slot in range(5)]
    orders = dict(enumerate(ORDERS))
    for step in range(30):
        awake = [slot for slot in range(5) if (step + slot) % 4]
        if step == 12:
            mine.close(2)
            mine.open(2, 77)
            theirs.open(2, 77)
        if step == 18:
            kept = mine.snapshot(3)
            mine.restore(3, mine.snapshot(0))
            mine.restore(0, kept)
            kept = theirs.snapshot(3)
            theirs.restore(3, theirs.snapshot(0))
            theirs.restore(0, kept)
        given = {slot: heard[slot][step] for slot in awake}
        same(mine.step(given, orders), theirs.step(given, orders))


def test_three_hundred_steps_beyond_the_context_are_the_plain_models() -> None:
    """Rings of 16 + 64 wrap three times. The plain model runs as a batch, on codes encoded in one go per row."""
    model, rows, steps, anew = tiny_bundle().model, slot_rows(3), 300, 150
    state = model.init_state(3, [5, 6, 7])
    executing = torch.tensor([[True, step % 3 > 0, step % 50 > 20] for step in range(steps)])
    executing[anew] = torch.tensor([False, True, True])
    heard = [noise(steps, row).reshape(-1, FRAME_SAMPLES)[executing[:, row].numpy()] for row in range(3)]
    codes = [iter(codes_of(heard[0][:anew]) + codes_of(heard[0][anew:])), *(iter(codes_of(each)) for each in heard[1:])]
    waves = [iter(each) for each in heard]
    for row in range(3):
        rows.open(row, 5 + row)
    for step in range(steps):
        if step == anew:  # a row that begins anew may be idle then
            rows.open(0, 9)
            state = model.reset(state, torch.tensor([True, False, False]), [9])
        awake = executing[step].nonzero()[:, 0].tolist()
        user = torch.zeros(3, model.config.user_codebooks, dtype=torch.int64)
        user[awake] = torch.stack([next(codes[row]) for row in awake])
        frame, state = model.step(user, state, executing=executing[step])
        answers = rows.step({row: next(waves[row]) for row in awake}, dict.fromkeys(awake, RowOrder()))
        for row in awake:
            assert answers.frames[row].tokens.tolist() == frame.tokens[row].tolist(), f"step {step}, row {row}"


def codes_of(frames: Samples) -> list[Tensor]:
    """The user's codes of frames `[F, 1920]`, one `[codebooks]` each."""
    codes = tiny_bundle().codec.encode(torch.from_numpy(frames.reshape(1, 1, -1)))
    return list(codes[0, : tiny_bundle().model.config.user_codebooks].T)


@pytest.mark.parametrize("kind", ["hibiki", "stt", "tts"])
def test_kyutais_other_models_move_in_one_go(kind: str) -> None:
    """Conditions summed or crossed, other delays, no depth transformer, nothing heard: what they are made of."""
    plain, codec = dataclasses.replace(tiny_bundle().model.config, ours=Ours()), tiny_bundle().codec
    summed = ConditionerConfig("description", "lut", 8, "sum", bins=4)
    crossed = ConditionerConfig("speaker", "tensor", 8, "cross")
    config = {
        "hibiki": dataclasses.replace(
            plain, dep_q=2, depth=first_steps(plain.depth, 2), delays=(0, 0, 2, 0, 2), conditioners=(summed,)
        ),
        "stt": dataclasses.replace(plain, dep_q=0, depth=None, n_q=2, delays=(0, 0, 1)),
        "tts": dataclasses.replace(
            plain, dep_q=2, n_q=2, depth=first_steps(plain.depth, 2), delays=(0, 2, 3), conditioners=(summed, crossed),
            temporal=dataclasses.replace(plain.temporal, cross_attention=True),
        ),
    }[kind]  # fmt: skip
    torch.manual_seed(1)
    model = LanguageModel(config).eval()
    mine, theirs = SlotRows(model, codec, 2), ValueRows(config, model.device, RowByRow(model), codec, 1)
    for rows in (mine, theirs):
        rows.open(0, 3)
        rows.open(1, 4)
    for step, frame in enumerate(sound(12, 3)):
        given = dict.fromkeys((0, 1) if step % 3 else (1,), frame)
        orders = dict.fromkeys(given, RowOrder())
        one, other = mine.step(given, orders), spoken(theirs, given, orders, model)
        for row in given:
            assert one.frames[row].tokens.tolist() == other[row].tokens.tolist()
            assert one.frames[row].text == other[row].text


def spoken(rows: ValueRows, given: Any, orders: Any, model: LanguageModel) -> dict[int, Any]:
    """Frames of the plain rows; those of a model without a voice are not decoded."""
    if model.config.agent_codebooks:
        return rows.step(given, orders).frames
    states = {row: rows._rows[row] for row in given}
    heard = {row: rows._encode(given[row], states[row].codec) for row in given}
    user = torch.cat([codes for codes, _ in heard.values()])
    frames, after = RowByRow(model).step(user, [each.model for each in states.values()], list(orders.values()))
    for row, state in zip(given, after, strict=True):
        rows._rows[row] = Held(heard[row][1], state)
    return dict(zip(given, frames, strict=True))


def first_steps(depth: DepthConfig | None, count: int) -> DepthConfig:
    assert depth is not None
    return dataclasses.replace(depth, schedule=tuple(range(count)))


class Traced(nn.Module):
    """A tick whose memory are inputs, for what traces it."""

    def __init__(self, rows: SlotRows) -> None:
        super().__init__()
        self.talker = tick.Talker(rows.model, rows.codec, 8, 8)
        self.memory = rows.memory

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        memory = with_tensors(self.memory, tensors)
        tick.listen(self.talker, memory)
        tick.say(self.talker, memory)
        return memory.answers.whole, memory.answers.real


def with_tensors(memory: Memory, tensors: tuple[Tensor, ...]) -> Memory:
    given = iter(tensors)
    made: Memory = streaming.map_state(lambda _: next(given), memory)
    return made


@pytest.mark.parametrize("kind", ["int8", "fp8"])
def test_short_weights_move_in_one_go(kind: Short) -> None:
    """As the plain model with the same short weights; the words are not those of its own weights."""
    model, codec = copy.deepcopy(tiny_bundle().model), tiny_bundle().codec
    shorten(model, kind)
    held = sum(tensor.nbytes for tensor in model.state_dict().values())
    assert held < 0.5 * sum(tensor.nbytes for tensor in tiny_bundle().model.state_dict().values())
    mine, theirs = SlotRows(model, codec, 3), ValueRows(model.config, model.device, RowByRow(model), codec, 1)
    own, moved = plain_rows(), []
    for rows in (mine, theirs, own):
        rows.open(0, 1)
    for frame in sound(20, 6):
        answer = mine.step({0: frame}, {0: RowOrder()})
        same(answer, theirs.step({0: frame}, {0: RowOrder()}))
        unshortened = own.step({0: frame}, {0: RowOrder()})
        moved.append(answer.frames[0].tokens.tolist() != unshortened.frames[0].tokens.tolist())
    assert any(moved)
    layer, exact = model.text_linear, tiny_bundle().model.text_linear
    x = torch.randn(80, 32, generator=torch.Generator().manual_seed(0))
    off = float(((layer(x) - exact(x)).norm() / exact(x).norm()).detach())
    assert off < {"int8": 0.01, "fp8": 0.04}[kind]


@pytest.mark.parametrize("weights", ["own", "int8"])
def test_a_tick_is_one_graph_that_the_host_reads_nothing_of(weights: str) -> None:
    """`torch.export` refuses whatever depends on values; what it writes down computes the same."""
    config = tiny_bundle().model.config
    assert config.depth is not None
    one = dataclasses.replace(config.depth, transformer=dataclasses.replace(config.depth.transformer, layers=1))
    config = dataclasses.replace(config, temporal=dataclasses.replace(config.temporal, layers=1), depth=one)
    model = LanguageModel(config).eval()
    if weights == "int8":
        shorten(model, "int8")
    rows = SlotRows(model, tiny_bundle().codec, 2)
    rows.open(0, 3)
    rows.step({0: sound(1, 0)[0]}, {0: RowOrder()})
    tensors = [tensor.clone() for _, tensor in streaming.named_tensors(rows.memory)]
    module = Traced(rows)
    graph = torch.export.export(module, tuple(each.clone() for each in tensors), strict=False)
    written = graph.module()(*(each.clone() for each in tensors))
    for theirs, ours in zip(written, module(*tensors), strict=True):
        torch.testing.assert_close(theirs, ours)


def test_a_snapshot_moves_between_the_machines_ways(tmp_path: Any) -> None:
    """Begun on slots, gone on with row by row, and back: as the talk that stayed."""
    frames, controls = sound(30, 4), Controls(seed=8)
    stayed = Batch(tiny_bundle(), 1, "torch")
    here = stayed.open(controls)
    expected = [stayed.step({here: frame})[here].tokens for frame in frames]
    batches = [Batch(tiny_bundle(), 3, "slots"), Batch(tiny_bundle(), 1, "torch"), Batch(tiny_bundle(), 2, "slots")]
    batches[0].open(Controls(seed=1))
    batch, slot = batches[0], batches[0].open(controls)
    said = []
    for step, frame in enumerate(frames):
        if step in (0, 10, 20):
            batch, state = batches[step // 10], batch.snapshot(slot)
            streaming.save(state, tmp_path / "talk.safetensors")
            slot = batch.restore(streaming.load(tmp_path / "talk.safetensors", state), controls)
        said.append(batch.step({slot: frame})[slot].tokens)
    np.testing.assert_array_equal(np.array(said), np.array(expected))


def test_what_does_not_fit_is_told() -> None:
    batch = Batch(tiny_bundle(), 2, "slots")
    good, bad = batch.open(), batch.open()
    heard = sound(1, 0)[0]
    with pytest.raises(ValueError, match="not finite"):
        batch.step({good: heard, bad: np.full_like(heard, np.nan)})
    with pytest.raises(ValueError, match="user_text_temperature must be 0"):
        batch.step({good: heard}, {good: RowOrder(Sampling(user_text_temperature=1.0))})
    assert batch.step({good: heard})[good].tokens.tolist() == [-2, -2, -2]
    assert unfit(tiny_bundle().model, object()) == "a codec that is not PyTorch's"

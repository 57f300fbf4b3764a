"""The training objective: masks, weights and the sum against small cases by hand and against the model's own output."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from agent.model.config import ModelConfig
from agent.model.language_model import LanguageModel
from agent.model.presets import tiny
from agent.tokens.frame_labels import Label
from agent.training.lesson import Columns, choose_frames, speech_positions, text_weights
from agent.training.objective import Objective, codebook_loss, codebook_weights, text_sums
from agent.training.recipe import AgentRecipe
from agent.training.regularise import add_dropout, coarsen_user, hide_own_voice, hide_tokens
from codec.training.draws import Draw

PAD = 3


def codes_of(config: ModelConfig, rows: int = 2, frames: int = 12, seed: int = 0) -> torch.Tensor:
    """Random codes `[rows, streams, frames]`; the last row's end and two single tokens are missing, hints all are."""
    draw = torch.Generator().manual_seed(seed)
    sizes = [config.text_card, *[config.card] * config.n_q, *[config.text_card] * config.user_text]
    codes = torch.stack([torch.randint(size, (rows, frames), generator=draw) for size in sizes], dim=1)
    codes = torch.cat([codes, torch.full((rows, config.ours.hint, frames), -1)], dim=1)
    codes[-1, :, frames - 3 :] = -1
    codes[0, 2, 5] = codes[0, 0, 4] = -1
    return codes


def text_loss(logits: torch.Tensor, targets: torch.Tensor, pad: int, pad_weight: float) -> list[torch.Tensor]:
    """Means over what counts, of all and of the words."""
    sums, weights = text_sums(logits, targets, pad, pad_weight), text_weights(targets, pad, pad_weight)
    return [found / weight.sum().clamp(min=1e-9) for found, weight in zip(sums, weights, strict=True)]


def draw(seed: int = 0) -> Draw:
    return Draw(torch.Generator().manual_seed(seed))


def test_text_loss_by_hand() -> None:
    # three ids of equal probability but for the first target, which has probability 1/2
    logits = torch.tensor([[2.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.0], [1.0, 1.0, 1.0, 0.0]]).log()
    targets = torch.tensor([0, 2, -1])
    one, two = 0.6931472, 1.0986123
    loss, words = text_loss(logits, targets, pad=2, pad_weight=0.25)
    assert loss.item() == pytest.approx((one + 0.25 * two) / 1.25)
    assert words.item() == pytest.approx(one)
    loss, words = text_loss(logits, torch.tensor([2, 2, -1]), pad=2, pad_weight=0.25)
    assert loss.item() == pytest.approx((-torch.tensor(0.25).log().item() + two) / 2)
    assert words.item() == 0.0
    loss, _ = text_loss(logits, torch.full((3,), -1), pad=2, pad_weight=0.25)
    assert loss.item() == 0.0


def test_codebook_loss_by_hand() -> None:
    weights = torch.tensor([100.0, 1.0, 50.0])
    means = torch.tensor([2.0, 5.0, 4.0])
    everything = codebook_loss(means, torch.tensor([True, True, True]), weights)
    assert everything.item() == pytest.approx((200 + 5 + 200) / 151)
    without_last = codebook_loss(means, torch.tensor([True, True, False]), weights)
    assert without_last.item() == pytest.approx(205 / 101)
    assert codebook_loss(means, torch.zeros(3, dtype=torch.bool), weights).item() == 0.0
    assert codebook_weights(tiny(), AgentRecipe(user_weight=0.5)) == [100.0, 1.0, 50.0, 0.5]
    personaplex = AgentRecipe(semantic_weight=1.0, acoustic_weight=0.02)
    assert codebook_weights(tiny(), personaplex) == [1.0, 0.02, 1.0, 0.02]


def test_columns_by_hand() -> None:
    config = tiny(codebooks=2)  # delays 0, 0 1, 0 1, user text 2, hint 0 read early
    codes = torch.arange(3).repeat(1, 7, 1) + 10 * torch.arange(7)[:, None]
    codes[0, 6] = -1
    codes[0, 3, 1] = -1
    columns = Columns.of(codes, config)
    assert columns.inputs[0].tolist() == [
        [48, 0, 1], [32, 10, 11], [32, 32, 20], [32, 30, -1], [32, 32, 40], [48, 48, 48], [-1, -1, -1]
    ]  # fmt: skip
    assert columns.targets[0].T.tolist() == [
        [0, 1, 2], [10, 11, 12], [-1, 20, 21], [30, -1, 32], [-1, 40, 41], [-1, -1, 50], [-1, -1, -1]
    ]  # fmt: skip
    assert columns.following[0, 0].tolist() == [0, 10, 32, 30, 32, 48, -1]


@pytest.mark.parametrize("both", [True, False])
def test_the_objective_is_the_masked_output_of_the_model(both: bool) -> None:
    config = tiny()
    if not both:
        assert config.depth is not None
        config = replace(config, dep_q=2, depth=replace(config.depth, schedule=(0, 1)))
    torch.manual_seed(0)
    model, codes = LanguageModel(config), codes_of(config)
    recipe = AgentRecipe(text_weight=0.7, pad_weight=0.4, user_text_weight=0.2, user_weight=0.3)
    found = Objective(model, recipe).losses(codes, draw())
    out = model(codes)
    assert out.logits is not None
    assert out.mask is not None
    assert out.user_text_logits is not None
    assert out.user_text_mask is not None

    def text(logits: torch.Tensor, mask: torch.Tensor, row: int) -> torch.Tensor:
        targets = codes[:, row : row + 1][mask]
        return text_loss(logits[mask], targets, PAD, 0.4)[0]

    means = []
    for k in range(config.dep_q):
        mask = out.mask[:, k]
        means.append(functional.cross_entropy(out.logits[:, k][mask], codes[:, 1 + k][mask]))
    assert out.mask[:, 0].sum() > out.mask[:, 1].sum()
    weights = [100.0, 1.0, 30.0, 0.3][: config.dep_q]
    audio = sum(w * m for w, m in zip(weights, means, strict=True)) / sum(weights)
    expected = 0.7 * text(out.text_logits, out.text_mask, 0) + audio
    expected = expected + 0.2 * text(out.user_text_logits, out.user_text_mask, 5)
    assert found.total.item() == pytest.approx(expected.item(), rel=1e-5)
    names = ["semantic", "acoustic", "user_semantic", "user_acoustic"][: config.dep_q]
    assert [found.parts[name].item() for name in names] == pytest.approx([m.item() for m in means], rel=1e-5)
    assert ("user_semantic" in found.parts) == both


def test_a_share_of_frames_trains_the_later_codebooks_and_all_the_first() -> None:
    targets = torch.arange(40).view(10, 4) % 7
    targets[3] = -1
    targets[5, 1:] = -1
    chosen, rest = choose_frames(targets, torch.tensor([False, True] * 5))
    assert (chosen.tolist(), rest.tolist()) == ([1, 5, 7, 9], [0, 2, 4, 6, 8])  # the fourth has no target

    config = tiny()
    torch.manual_seed(0)
    model, codes = LanguageModel(config), codes_of(config)
    every = Objective(model, AgentRecipe()).losses(codes, draw())
    parts = [Objective(model, AgentRecipe(depth_frames=0.5)).losses(codes, draw(n)) for n in range(200)]
    for found in parts:
        assert found.parts["semantic"].item() == pytest.approx(every.parts["semantic"].item(), rel=1e-5)
    acoustic = torch.stack([found.parts["acoustic"] for found in parts])
    assert acoustic.std() > 0.01
    assert acoustic.mean().item() == pytest.approx(every.parts["acoustic"].item(), abs=4 * float(acoustic.std()) / 14)


def test_frames_in_which_the_agent_is_silent_are_drawn_less_often() -> None:
    labels = torch.zeros(1, 12, dtype=torch.uint8)
    labels[0, 4:6] = int(Label.AGENT_SPEAKS | Label.USER_SPEAKS)
    labels[0, 8] = int(Label.USER_SPEAKS)
    assert speech_positions(labels)[0].nonzero()[:, 0].tolist() == [3, 4, 5, 6, 7]  # an edge before, two after

    config = tiny()
    torch.manual_seed(0)
    model, codes = LanguageModel(config), codes_of(config, frames=12)
    objective, every = Objective(model, AgentRecipe(silent_frames=0.0)), Objective(model, AgentRecipe())
    silent, plain = (f.losses(codes, draw(), torch.zeros(2, 12, dtype=torch.uint8)) for f in (objective, every))
    assert silent.parts["acoustic"].item() == 0.0
    assert silent.parts["semantic"].item() == pytest.approx(plain.parts["semantic"].item())
    last = torch.zeros(2, 12, dtype=torch.uint8)
    last[:, 8] = int(Label.AGENT_SPEAKS)  # positions 7 to 10: frames 7 to 10 of codebook 0 and 6 to 9 of the others
    found = objective.losses(codes, draw(), last)
    out = model(codes)
    assert out.mask is not None
    mask = out.mask[:, 1].clone()
    mask[:, :6] = mask[:, 10:] = False
    expected = functional.cross_entropy(out.logits[:, 1][mask], codes[:, 2][mask])
    assert found.parts["acoustic"].item() == pytest.approx(expected.item(), rel=1e-5)


def test_text_without_audio_trains_no_codebook() -> None:
    config = tiny()
    model, codes = LanguageModel(config), codes_of(config)
    codes[:, 1:] = -1
    found = Objective(model, AgentRecipe()).losses(codes, draw())
    found.total.backward()
    assert found.parts["semantic"].item() == 0.0
    assert found.total.item() == pytest.approx(found.parts["wording"].item())
    assert found.parts["wording"].item() > 0.0
    assert model.depth is not None
    assert all(p.grad is None or not p.grad.any() for p in model.depth.parameters())
    assert model.text_emb.weight.grad is not None
    assert model.text_emb.weight.grad.abs().sum() > 0


def test_who_lives_by_words_alone_learns_from_them_when_to_speak() -> None:
    config = tiny()
    deaf = replace(config, ours=replace(config.ours, hears_itself=False, hears_user=False))
    codes = codes_of(config)
    codes[:, 1 : 1 + config.n_q] = -1
    alone = codes.clone()
    alone[:, 1 + config.n_q] = -1  # lines of text, which say nothing of when
    assert Objective(LanguageModel(deaf), AgentRecipe()).losses(alone, draw()).parts["text"].item() == 0.0
    heard, read = (Objective(LanguageModel(each), AgentRecipe()).losses(codes, draw()).parts for each in (deaf, config))
    assert heard["text"].item() > 0.0
    assert "wording" not in heard
    assert read["text"].item() == 0.0
    assert read["wording"].item() > 0.0


def test_dropout_and_hidden_tokens_act_in_training_only() -> None:
    config = tiny()
    torch.manual_seed(0)
    model, codes = LanguageModel(config), codes_of(config)
    names = list(model.state_dict())
    plain = Objective(model, AgentRecipe()).eval().losses(codes).total.item()
    add_dropout(model, 0.3)
    assert list(model.state_dict()) == names
    objective = Objective(model, AgentRecipe(masking=0.3))
    assert objective.eval().losses(codes).total.item() == plain
    objective.train()
    totals = {objective.losses(codes, draw(1)).total.item() for _ in range(3)}
    assert len(totals) == 3
    inputs = torch.zeros(50, 7, 100, dtype=torch.int64)
    hidden = hide_tokens(inputs, 0.25, draw()) == -1
    assert hidden.float().mean().item() == pytest.approx(0.25, abs=0.01)
    assert hidden.any(1).float().mean().item() == pytest.approx(1 - 0.75**7, abs=0.02)  # each stream by itself


def test_coarse_hearing_takes_the_users_last_codebooks_from_some_rows() -> None:
    config = tiny()
    agent, user = config.agent_codebooks, config.user_codebooks
    inputs = torch.zeros(400, config.streams, 5, dtype=torch.int64)
    heard = coarsen_user(inputs, config, 0.5, draw()) == 0
    assert heard[:, : 1 + agent + 1].all()  # text, the agent, the user's first codebook
    assert heard[:, 1 + agent + user :].all()
    kept = heard[:, 1 + agent : 1 + agent + user, 0].sum(1)
    assert kept.unique().tolist() == list(range(1, user + 1))
    assert (kept < user).float().mean().item() == pytest.approx(0.5, abs=0.06)
    rows = heard[:, 1 + agent : 1 + agent + user]
    assert (rows[:, 1:] <= rows[:, :-1]).all()  # the first ones stay
    assert torch.equal(rows, rows[:, :, :1].expand_as(rows))  # all through the crop


def test_the_own_voice_is_hidden_from_some_rows_and_from_them_only() -> None:
    config = tiny()
    inputs = torch.zeros(400, config.streams, 5, dtype=torch.int64)
    heard = hide_own_voice(inputs, config, 0.3, draw()) == 0
    own = heard[:, 1 : 1 + config.agent_codebooks].flatten(1)
    assert torch.equal(own.all(1), own.any(1))
    assert own.all(1).float().mean().item() == pytest.approx(0.7, abs=0.06)
    assert heard[:, 0].all()
    assert heard[:, 1 + config.agent_codebooks :].all()
    model, codes = LanguageModel(config), codes_of(config)
    deaf, plain = (Objective(model, AgentRecipe(own_voice_hidden=share)) for share in (1.0, 0.0))
    assert deaf.eval().losses(codes).total == plain.eval().losses(codes).total
    assert deaf.train().losses(codes, draw()).total != plain.train().losses(codes, draw()).total


def test_without_a_draw_frames_count_by_their_chance_to_be_learnt() -> None:
    """Validation gives the figure that the losses of many draws come to."""
    config, labels = tiny(), torch.zeros(2, 12, dtype=torch.uint8)
    labels[:, 4:7] = int(Label.AGENT_SPEAKS)
    torch.manual_seed(0)
    model, codes = LanguageModel(config), codes_of(config)
    objective = Objective(model, AgentRecipe(depth_frames=0.5, silent_frames=0.3)).eval()
    sums = counts = torch.zeros(())
    for seed in range(600):
        lesson = objective.lesson(codes, labels, draw(seed))
        sums, counts = sums + objective(lesson).detach(), counts + lesson.counts
    drawn, fixed = objective.parts(sums, counts), objective.losses(codes, None, labels).parts
    assert {k: v.item() for k, v in fixed.items()} == pytest.approx({k: v.item() for k, v in drawn.items()}, rel=1e-2)
    plain = Objective(model, AgentRecipe()).losses(codes, None, labels).parts
    assert fixed["acoustic"].item() != pytest.approx(plain["acoustic"].item(), rel=1e-3)

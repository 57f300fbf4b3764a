"""Reading dialogues that nobody has spoken: estimated times, rows without sound, a loss for words and not pauses."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from agent.commands.train import train
from agent.files.vocabulary import train_vocabulary
from agent.model.language_model import LanguageModel
from agent.model.presets import tiny
from agent.tokens.unspoken import Unspoken, read_plans
from agent.training.lesson import soundless
from agent.training.objective import Objective, wording_sum
from agent.training.recipe import AgentRecipe
from agent.training.trainer import AgentTrainer
from corpus.record import Dialogue
from synth.commands.plan import plan
from synth.plan import Planner
from synth.recipe import CorpusRecipe
from synth.speaking.acoustics import load_noise_bank
from synth.speaking.rehearse import rehearse
from synth.speaking.studio import Studio
from synth.voices.bank import load_bank
from tests.agent.training.test_finetune import SMALL, write_tokens
from tests.support.agent_training import CPU, QUICK, RandomCodes, everything, quiet
from tests.support.tone_engine import ToneEngine

CONFIG = replace(tiny(), text_card=300)
VOCABULARY = train_vocabulary(["one two three four five"] * 9, 300)
PAD, EPAD = CONFIG.pad, CONFIG.end_pad


@pytest.fixture(scope="module")
def plans(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("plans") / "plans.jsonl.gz"
    plan(hours=0.12, out=path, timed=True)
    return path


def test_a_rehearsed_plan_has_the_times_of_a_recording() -> None:
    planner = Planner(CorpusRecipe(timing="assistant"), 0, load_bank(), load_noise_bank())
    studio = Studio(ToneEngine(), planner.voices, planner.noises, 0)
    lengths, offsets = [], []
    for number in range(12):
        planned = planner.plan(number)
        rehearsed, recorded = rehearse(planned), studio.render(planned).dialogue
        assert rehearse(planned) == rehearsed
        for one, other in zip(rehearsed.turns, recorded.turns, strict=True):
            assert [word.text for word in one.words] == [word.text for word in other.words] == one.spoken_text.split()
            assert all(a.end <= b.start + 1e-3 for a, b in zip(one.words, one.words[1:], strict=False))
            if other.event == "turn":
                lengths.append([turn.words[-1].end - turn.words[0].start for turn in (one, other)])
            if one.anchor is not None and one.event == "turn":
                sides = [(each, each.turns[one.anchor]) for each in (rehearsed, recorded)]
                offsets.append([each.turns[one.index].words[0].start - before.words[-1].end for each, before in sides])
    assert np.sum(lengths, 0)[0] == pytest.approx(np.sum(lengths, 0)[1], rel=0.05)
    assert np.median(offsets, 0)[0] == pytest.approx(np.median(offsets, 0)[1], abs=0.05)
    steady = rehearse(planner.plan(0), steady=True)
    starts = [turn.words[0].start for turn in steady.turns if turn.speaker == "agent" and not turn.pauses]
    assert np.ptp([start % 0.08 for start in starts]) < 1e-3  # on the codec's frames


def test_rows_hold_both_texts_and_no_sound(plans: Path) -> None:
    dialogues = list(read_plans(plans))
    spoken = [turn.spoken_text for dialogue in dialogues for turn in dialogue.turns]
    vocabulary = train_vocabulary(spoken, CONFIG.text_card)  # one that spells takes longer than speaking
    reading = Unspoken([plans], CONFIG, vocabulary, seed=1)
    assert len(reading) == len(dialogues) > 1
    batch = reading.batch(3, 40, 60)
    assert torch.equal(batch.codes, reading.batch(3, 40, 60).codes)
    assert not torch.equal(batch.codes, reading.batch(4, 40, 60).codes)
    assert batch.codes.shape == (40, CONFIG.streams, 60)
    texts = [0, 1 + CONFIG.n_q]
    assert (batch.codes[:, [row for row in range(CONFIG.streams) if row not in texts]] == -1).all()
    assert soundless(batch.codes, CONFIG).all()
    assert ((batch.codes[:, texts] != PAD).float().mean((0, 2)) > 0.05).all()  # both sides say something
    whole = reading.batch(0, 200, 100_000).codes
    said = {row: set() for row in texts}
    for codes in whole:
        for row in texts:
            ids = codes[row][~torch.isin(codes[row], torch.tensor([PAD, EPAD, -1]))]
            said[row].add(vocabulary.decode(ids.tolist()).replace(" ", ""))
    for row, speakers in ((0, ("agent",)), (texts[1], ("user", "other"))):
        for dialogue in dialogues:
            words = [word for turn in dialogue.turns if turn.speaker in speakers for word in turn.words]
            text = "".join(word.text for word in sorted(words, key=lambda word: word.start))
            assert text in said[row]


def test_the_loss_of_words_by_hand() -> None:
    logits = torch.tensor([[0.5, 0.25, 0.125, 0.125], [0.1, 0.3, 0.3, 0.3], [0.7, 0.1, 0.1, 0.1]]).log()
    # ids 0 and 3 are no words: of the first row 0.25 and 0.125 are left, so 2 has one chance in three
    assert wording_sum(logits, torch.tensor([2, 3, -1]), (0, 3)).item() == pytest.approx(np.log(3.0))
    assert wording_sum(logits, torch.tensor([2, 1, -1]), (0, 3)).item() == pytest.approx(np.log(6.0))
    assert wording_sum(logits, torch.tensor([0, 3, -1]), (0, 3)).item() == 0.0


def test_reading_beside_hearing_changes_no_other_part(plans: Path) -> None:
    torch.manual_seed(0)
    model = LanguageModel(CONFIG)
    heard = RandomCodes(CONFIG).batch(0, 2, 40).codes
    read = Unspoken([plans], CONFIG, VOCABULARY).batch(0, 3, 40).codes
    objective = Objective(model, AgentRecipe()).eval()
    alone, only, both = (objective.losses(codes) for codes in (heard, read, torch.cat([heard, read])))
    assert both.parts.pop("wording") == pytest.approx(only.parts["wording"].item(), rel=1e-5)
    assert both.parts["words"] > 0
    assert {k: v.item() for k, v in both.parts.items()} == pytest.approx(
        {k: v.item() for k, v in alone.parts.items()}, rel=1e-4
    )
    assert both.total.item() == pytest.approx(alone.total.item() + only.parts["wording"].item(), rel=1e-4)
    only.total.backward()  # nothing to learn about pauses, nor about the user, who cannot be heard
    gradient = model.text_linear.weight.grad
    assert gradient is not None
    assert gradient[[PAD, EPAD]].abs().max() == 0.0
    assert model.user_text_out is not None
    assert model.user_text_out.weight.grad is None or model.user_text_out.weight.grad.abs().max() == 0.0


def test_a_run_that_reads_resumes_to_the_bit(plans: Path, tmp_path: Path) -> None:
    recipe = QUICK.changed(unspoken=2)

    def trainer(name: str, seed: int = 0) -> AgentTrainer:
        torch.manual_seed(seed)
        made, reading = RandomCodes(CONFIG), Unspoken([plans], CONFIG, VOCABULARY)
        return AgentTrainer(LanguageModel(CONFIG), recipe, made, tmp_path / name, CPU, unspoken=reading)

    straight = trainer("straight")
    assert straight.run(quiet(straight.folder, recipe))
    killed = trainer("killed")
    killed.run(quiet(killed.folder, recipe), until=5)
    again = trainer("killed", seed=1)
    again.resume()
    again.run(quiet(again.folder, recipe))
    expected, found = everything(straight), everything(again)
    assert [name for name in expected if not torch.equal(expected[name], found[name])] == []


def test_the_command_reads_and_says_so(plans: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tokens = write_tokens(tmp_path / "tokens", train_vocabulary(["hello there"] * 9, 300))
    recipe = tmp_path / "recipe.toml"
    recipe.write_text("unspoken = 3\n" + SMALL)
    train(data=[tokens], out=tmp_path / "run", recipe=recipe, unspoken=[plans], device="cpu")
    told = capsys.readouterr().out
    reading = Unspoken([plans], CONFIG, VOCABULARY)
    assert f"and {len(reading)} dialogues to read that nobody has spoken, {reading.hours:.1f} h" in told
    assert "wording" in told
    with pytest.raises(ValueError, match="give both or none"):
        train(data=[tokens], out=tmp_path / "other", recipe=recipe, device="cpu")


def test_what_cannot_be_read_is_told(plans: Path, tmp_path: Path) -> None:
    lines = gzip.decompress(plans.read_bytes()).decode().splitlines()
    untimed = tmp_path / "untimed.jsonl"
    plan(hours=0.01, out=untimed)
    cases = {
        "words without times: write it with `synth plan --timed`": untimed,
        "cannot read .*absent": tmp_path / "absent.jsonl",
        "cannot read .*plain.jsonl.gz": tmp_path / "plain.jsonl.gz",
        "broken.jsonl:2 is no dialogue": tmp_path / "broken.jsonl",
        "mute.jsonl:1 has words without times": tmp_path / "mute.jsonl",
        "holds no dialogue": tmp_path / "empty.jsonl",
    }
    (tmp_path / "plain.jsonl.gz").write_text(lines[0])
    (tmp_path / "broken.jsonl").write_text(f'{lines[0]}\n{{"id": 3}}\n')
    (tmp_path / "empty.jsonl").write_text("")
    mute = Dialogue.model_validate_json(lines[0]).model_copy(update={"turns": ()})
    (tmp_path / "mute.jsonl").write_text(mute.model_dump_json(exclude_defaults=True))
    for message, path in cases.items():
        with pytest.raises(ValueError, match=message) as caught:
            Unspoken([path], CONFIG, VOCABULARY)
        assert "\n" not in str(caught.value)
    deaf = replace(CONFIG, ours=replace(CONFIG.ours, user_text_delay=None))
    with pytest.raises(ValueError, match="no row for them"):
        Unspoken([plans], deaf, VOCABULARY)
    assert Dialogue.model_validate_json(lines[0]).turns[0].words

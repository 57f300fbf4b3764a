"""Plans: pure functions of recipe, seed and number, whatever process makes them; coherent in every reference."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from corpus.record import Dialogue
from synth.plan import Planner, estimated_seconds
from synth.recipe import CorpusRecipe, parse_recipe
from synth.speaking.acoustics import load_noise_bank
from synth.voices.bank import load_bank
from tests.support.places import ROOT


@pytest.fixture(scope="module")
def planner() -> Planner:
    return Planner(CorpusRecipe(), 0, load_bank(), load_noise_bank())


def test_any_process_plans_the_same(planner: Planner) -> None:
    run = [sys.executable, "-c", "from synth.cli import main; main()", "plan", "--hours", "0.03"]
    done = subprocess.run(run, cwd=ROOT, check=True, capture_output=True, text=True)
    printed = [Dialogue.model_validate_json(line) for line in done.stdout.splitlines()]
    asked = replace(planner, hours=0.03)
    assert printed == [asked.plan(number) for number in range(len(printed))]
    assert sum(map(estimated_seconds, printed)) >= 108


@pytest.mark.parametrize("seed", range(4))
def test_a_short_corpus_ends_with_a_dialogue_that_fits(planner: Planner, seed: int) -> None:
    short = replace(planner, seed=seed, hours=0.03)
    lasted = number = 0
    while lasted < 108:
        lasted, number = lasted + estimated_seconds(short.plan(number)), number + 1
    assert lasted < 0.04 * 3600


def test_only_the_end_of_a_short_corpus_without_stated_lengths_is_shortened(planner: Planner) -> None:
    assert replace(planner, hours=0.3).plan(0) == planner.plan(0)
    assert replace(planner, hours=1.0).plan(40) == planner.plan(40)
    stated = replace(planner, recipe=parse_recipe({"length": {"shortest": 300, "longest": 750}}))
    assert replace(stated, hours=0.03).plan(0) == stated.plan(0)


def test_a_plan_is_json_and_comes_back(planner: Planner) -> None:
    plan = planner.plan(3)
    assert Dialogue.model_validate(json.loads(plan.model_dump_json())) == plan


def test_seed_number_and_recipe_each_change_the_plan(planner: Planner) -> None:
    plans = [
        planner.plan(0),
        planner.plan(1),
        Planner(planner.recipe, 1, planner.voices, planner.noises).plan(0),
        Planner(CorpusRecipe(timing="candor"), 0, planner.voices, planner.noises).plan(0),
    ]
    texts = [" ".join(turn.text for turn in plan.turns) for plan in plans]
    assert len(set(texts)) == len(texts)


def test_turns_point_at_what_they_react_to(planner: Planner) -> None:
    backchannels = interruptions = 0
    for number in range(60):
        plan = planner.plan(number)
        assert {speaker.id for speaker in plan.speakers} >= {"agent", "user"}
        for turn in plan.turns:
            assert (turn.anchor is None) == (turn.index == 0)
            assert all(pause.after_word < len(turn.written_words) for pause in turn.pauses)
            if turn.event == "backchannel":
                backchannels += 1
                anchor = plan.turns[turn.anchor or 0]
                assert plan.channel(anchor) != plan.channel(turn)
                assert (turn.anchor_word or 0) <= len(anchor.spoken_text.split())
            if turn.event == "interrupt":
                interruptions += 1
                cut = plan.turns[turn.anchor or 0]
                assert cut.interrupted_by == turn.index
                assert turn.anchor_word == cut.cut_word
                assert turn.offset < 0
    assert backchannels > 50
    assert interruptions > 10


def test_voices_of_a_dialogue_differ_and_obey_the_recipe(planner: Planner) -> None:
    ids = sorted(planner.voices)
    chosen = parse_recipe({"voices": {"agent": ids[:1], "user": ids[1:3]}})
    picky = Planner(chosen, 0, planner.voices, planner.noises)
    for number in range(20):
        plan = picky.plan(number)
        agent, user = plan.speaker("agent").voice, plan.speaker("user").voice
        assert agent is not None
        assert user is not None
        assert agent.id == ids[0]
        assert user.id in ids[1:3]


def test_unknown_voices_are_refused() -> None:
    with pytest.raises(ValueError, match="nobody"):
        Planner(parse_recipe({"voices": {"agent": ["nobody"]}}), 0, load_bank(), load_noise_bank()).plan(0)

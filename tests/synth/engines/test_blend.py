"""Voices between two of the bank's: many users out of a few references."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from synth.engines.pseudo.blend import PLACES, blended, draw_blend, find_voice
from synth.engines.pseudo.speaker import fit
from synth.engines.voice_profile import distance
from synth.plan import Planner
from synth.recipe import CorpusRecipe, Voices, parse_recipe
from synth.running.generate import CorpusOrder
from synth.speaking.acoustics import load_noise_bank
from synth.speaking.studio import Studio
from synth.voices.bank import load_bank
from tests.support.tone_engine import ToneEngine

USERS = ("ls125-f", "ls150-f", "ls1334-m")


def test_a_blend_lies_where_it_says() -> None:
    bank = load_bank()
    one, other = bank["ls125-f"], bank["ls1334-m"]
    assert one.profile is not None
    assert other.profile is not None
    start, middle, end = (blended(one, other, place) for place in (0.0, 0.5, 1.0))
    assert start.profile == one.profile
    assert end.profile == other.profile
    assert middle.profile is not None
    assert middle.profile.pitch == pytest.approx((one.profile.pitch * other.profile.pitch) ** 0.5, rel=1e-3)
    halves = distance(one.profile, middle.profile), distance(middle.profile, other.profile)
    assert halves[0] == pytest.approx(halves[1], rel=0.02)
    assert sum(halves) == pytest.approx(distance(one.profile, other.profile), rel=0.02)


def test_a_blend_names_both_references_and_is_found_again() -> None:
    bank = load_bank()
    voice = blended(bank["ls125-f"], bank["ls1334-m"], -0.07)
    assert voice.voice.id == "ls125-f~-0.07~ls1334-m"
    assert find_voice(bank, voice.voice.id) == voice
    assert voice.voice.kind == "pseudo-speaker"
    assert voice.voice.licence == bank["ls125-f"].voice.licence  # both have the same
    assert "125-121124" in voice.voice.source
    assert "1334-135589" in voice.voice.source
    assert voice.voice.source.count("Piper voice") == 1
    for wrong in ("ls125-f~0.5~nobody", "ls125-f~half~ls1334-m", "ls125-f~0.5"):
        with pytest.raises(ValueError, match="the voice bank has no voice"):
            find_voice(bank, wrong)


def test_every_place_on_every_line_is_a_voice_that_can_be_fitted() -> None:
    bank = load_bank()
    own = bank["joe"].profile
    assert own is not None
    for first in USERS:
        for second in USERS:
            for place in PLACES if first != second else ():
                profile = blended(bank[first], bank[second], place).profile
                assert profile is not None
                assert 0.5 < fit(profile, own).warp < 1.5


def test_every_dialogue_has_another_user_and_the_same_one_again() -> None:
    recipe = CorpusRecipe(voices=Voices(user=USERS, agent=("joe",), blend=True))
    bank, noises = load_bank(), load_noise_bank()
    planner = Planner(recipe, 3, bank, noises)
    plans = [planner.plan(number) for number in range(30)]
    users = [plan.speakers[1].voice.id for plan in plans if plan.speakers[1].voice]
    assert len(set(users)) > 25
    assert {id for user in users for id in (user.split("~")[0], user.split("~")[2])} == set(USERS)
    assert [planner.plan(number) for number in range(30)] == plans
    assert {plan.speakers[0].voice.id for plan in plans if plan.speakers[0].voice} == {"joe"}
    recording = Studio(ToneEngine(), bank, noises, 3).render(plans[0])
    assert recording.dialogue.speakers[1].voice == plans[0].speakers[1].voice


def test_recipes_without_blends_are_as_they_were() -> None:
    assert "blend" not in CorpusRecipe().model_dump_json()
    bank, noises = load_bank(), load_noise_bank()
    plain, blend = (CorpusRecipe(voices=Voices(user=USERS, blend=blend)) for blend in (False, True))
    one, other = Planner(plain, 3, bank, noises).plan(0), Planner(blend, 3, bank, noises)
    assert replace(other, recipe=plain).plan(0) == one


def test_voices_that_cannot_be_blended_are_refused() -> None:
    bank = load_bank()
    with pytest.raises(ValueError, match="'joe' is recorded"):
        draw_blend(bank, bank["joe"], USERS, random.Random(0))
    with pytest.raises(ValueError, match="'ls125-f' is the only one"):
        draw_blend(bank, bank["ls125-f"], ("ls125-f", "joe"), random.Random(0))


def test_the_speaker_gate_has_nothing_to_compare_a_blend_with(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="leave one of them out"):
        parse_recipe({"voices": {"blend": True}, "quality": {"gates": ["speaker"]}})
    recipe = tmp_path / "blend.toml"
    recipe.write_text("[voices]\nblend = true\n")
    order = CorpusOrder.of(out=tmp_path / "out", hours=0.1, recipe=recipe, quality=True)
    assert "speaker" not in order.recipe.quality.gates
    assert "dnsmos" in order.recipe.quality.gates

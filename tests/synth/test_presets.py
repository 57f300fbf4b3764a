"""Timing presets, measured: planned, and put on the clock with the default voice's sense of time."""

from __future__ import annotations

import random

import numpy as np
import pytest

from corpus.summary import CorpusSummary
from corpus.timing import join, measure, offset_distance
from synth.plan import Planner, _Timing
from synth.presets import PRESETS, OffsetCurve, candor
from synth.recipe import CorpusRecipe
from synth.report.stats import measures
from synth.speaking.acoustics import load_noise_bank
from synth.speaking.rehearse import rehearse
from synth.voices.bank import load_bank


@pytest.mark.parametrize("name", PRESETS)
def test_dialogues_measure_like_their_preset(name: str) -> None:
    preset, planner = PRESETS[name](), Planner(CorpusRecipe(timing=name), 0, load_bank(), load_noise_bank())
    summary = CorpusSummary()
    for number in range(40):
        plan = rehearse(planner.plan(number))
        seconds = max(turn.end or 0.0 for turn in plan.turns) + 0.8
        channels = [
            join((word.start, word.end) for turn in plan.turns if plan.channel(turn) == channel for word in turn.words)
            for channel in (0, 1)
        ]
        summary.add(plan.model_copy(update={"stats": measure(channels, seconds)}))
    summary.seconds = sum(each.seconds for each in summary.timings)
    out = {one.name: (one.value, one.band) for one in measures(summary, preset) if one.inside is False}
    assert not out
    near_zero = np.mean(np.abs(summary.offsets) < 0.05)
    expected = np.mean(np.abs(preset.offsets(20_000)) < 0.05)
    assert near_zero == pytest.approx(expected, abs=0.04), "no hole where people are densest"


def test_a_curve_goes_through_its_quantiles_and_on_as_it_ends() -> None:
    curve = OffsetCurve(((0.1587, -0.3), (0.5, 0.1), (0.8413, 0.2)), shortest=-1.0, longest=0.35)
    assert curve.at(np.array([-1.0, 0.0, 1.0])) == pytest.approx([-0.3, 0.1, 0.2], abs=1e-3)
    assert curve.at(np.array([-2.0, 0.5, 2.0])) == pytest.approx([-0.7, 0.15, 0.3], abs=1e-3)
    assert curve.at(np.array([-9.0, 9.0])).tolist() == [-1.0, 0.35]
    drawn = np.sort([curve.draw(random.Random(seed)) for seed in range(4000)])
    assert np.quantile(drawn, [0.1587, 0.5, 0.8413]) == pytest.approx([-0.3, 0.1, 0.2], abs=0.03)


def test_what_people_differ_by_is_part_of_the_spread() -> None:
    preset, rng = candor(), random.Random(0)
    drawn = []
    for _ in range(1500):
        timing = _Timing(preset, 1.0, ["mhm"], rng, {})
        drawn += [preset.reference.draw(rng, -timing.latent["agent"], timing.spread) for _ in range(4)]
    assert offset_distance(np.array(drawn), preset.offsets(5_000)) < 0.03


@pytest.mark.parametrize("name", PRESETS)
def test_the_reference_itself_lies_in_its_bands(name: str) -> None:
    preset = PRESETS[name]()
    offsets = preset.offsets(20_000)
    low, high = preset.bands["median_offset"]
    assert low <= np.median(offsets) <= high
    low, high = preset.bands["overlapped_share"]
    assert low <= (offsets < 0).mean() <= high

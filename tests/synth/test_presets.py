"""Timing presets, measured: planned, rendered with a stand-in engine that has the default voice's sense of time."""

from __future__ import annotations

import numpy as np
import pytest

from corpus.timing import offset_distance, summarise
from synth.plan import Planner
from synth.presets import PRESETS
from synth.recipe import CorpusRecipe
from synth.speaking.acoustics import load_noise_bank
from synth.speaking.studio import Studio
from synth.voices.bank import load_bank
from tests.support.tone_engine import ToneEngine


@pytest.mark.parametrize(("name", "hours"), [("fisher", 1.0), ("candor", 0.4), ("service", 0.4), ("assistant", 0.4)])
def test_a_rendered_corpus_measures_like_its_preset(name: str, hours: float) -> None:
    preset, bank, noises = PRESETS[name](), load_bank(), load_noise_bank()
    planner = Planner(CorpusRecipe(timing=name), 0, bank, noises)
    studio = Studio(ToneEngine(), bank, noises, 0)
    stats = []
    for plan in planner.dialogues():
        recorded = studio.render(plan).dialogue
        assert recorded.stats is not None
        stats.append(recorded.stats)
        if sum(each.seconds for each in stats) >= hours * 3600:
            break
    measured = summarise(stats)
    out = {
        figure: (value, preset.bands[figure])
        for figure, value in measured.quantities().items()
        if not preset.bands[figure][0] <= value <= preset.bands[figure][1]
    }
    assert not out
    assert offset_distance(measured.offsets, preset.offsets(20_000)) < 0.15


@pytest.mark.parametrize("name", PRESETS)
def test_the_reference_itself_lies_in_its_bands(name: str) -> None:
    preset = PRESETS[name]()
    offsets = preset.offsets(20_000)
    low, high = preset.bands["median_offset"]
    assert low <= np.median(offsets) <= high
    low, high = preset.bands["overlapped_share"]
    assert low <= (offsets < 0).mean() <= high

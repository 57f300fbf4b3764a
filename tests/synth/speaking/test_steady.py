"""A steady voice: the same sentence is the same samples wherever it stands, on the frames' grid, over silence."""

from __future__ import annotations

import re
from collections import defaultdict

import numpy as np
import pytest

from corpus.audio import FRAME_SAMPLES, loudness, to_samples
from synth.plan import Planner
from synth.recipe import CorpusRecipe, Length, Voices
from synth.speaking.acoustics import load_noise_bank
from synth.speaking.clips import ATTACK, RELEASE
from synth.speaking.steady import BETWEEN, SteadyVoice
from synth.speaking.studio import Studio
from synth.voices.bank import load_bank
from tests.support.tone_engine import ToneEngine

STEADY = CorpusRecipe(
    voices=Voices(steady=True, agent=("joe",)),
    timing="assistant",
    topics={"basics": 1.0},
    length=Length(shortest=40, longest=60),
)


def test_sentences_of_a_text_are_spoken_alike_and_level() -> None:
    voice = SteadyVoice(ToneEngine(), load_bank()["joe"], -26.0)
    alone, long = voice.speak("How are you today, my friend?"), voice.speak("Well. How are you today, my friend? Good.")
    assert long.words is not None
    assert alone.words is not None
    assert [word.text for word in long.words] == ["Well.", "How", "are", "you", "today,", "my", "friend?", "Good."]
    shift = long.words[1].start - alone.words[0].start
    begin = len(voice.speak("Well.").samples) + round(BETWEEN * alone.rate)
    assert shift == pytest.approx(begin / alone.rate, abs=1e-4)
    assert np.array_equal(long.samples[begin : begin + len(alone.samples)], alone.samples)
    assert np.allclose([w.end - shift for w in long.words[1:7]], [w.end for w in alone.words], atol=1e-3)
    assert abs(loudness(long.samples, long.rate) + 26.0) < 2.0


def test_the_same_sentence_is_the_same_samples_in_every_dialogue() -> None:
    bank, noises = load_bank(), load_noise_bank()
    planner, studio = Planner(STEADY, 3, bank, noises), Studio(ToneEngine(), bank, noises, 3, steady=True)
    heard: dict[str, list[np.ndarray]] = defaultdict(list)
    for number in range(12):
        recording = studio.render(planner.plan(number))
        agent = recording.audio[0]
        spoken = np.zeros(len(agent), bool)
        for turn in recording.dialogue.turns:
            if turn.speaker != "agent":
                continue
            for word in turn.words:
                margin = to_samples(RELEASE) + 2
                spoken[max(0, to_samples(word.start) - margin) : to_samples(word.end) + margin] = True
            if turn.event == "backchannel" or turn.cut_word:
                continue
            begin = to_samples(turn.words[0].start - ATTACK)
            assert abs(begin - round(begin / FRAME_SAMPLES) * FRAME_SAMPLES) <= 3  # word times have four decimals
            stop = next(i for i, word in enumerate(turn.words) if word.text[-1] in ",.?!")
            end = to_samples(turn.words[stop].end)
            grid = round(begin / FRAME_SAMPLES) * FRAME_SAMPLES
            heard[re.split(r"(?<=[.?!])\s", turn.text)[0]].append(agent[grid:end])
        assert np.abs(agent[~spoken]).max() < 0.5 / 2**15  # nothing that 16 bits can hold
    repeated = [takes for takes in heard.values() if len(takes) > 1]
    assert len(repeated) > 3
    for takes in repeated:
        length = min(map(len, takes))
        assert np.ptp([take[:length] for take in takes], axis=0).max() < 1e-4


def test_a_voice_that_is_not_steady_leaves_older_recipes_as_they_were() -> None:
    assert "steady" not in CorpusRecipe().model_dump_json()
    assert STEADY.digest() != STEADY.model_copy(update={"voices": Voices(agent=("joe",))}).digest()

"""The shipped listener on people it never met."""

from __future__ import annotations

import numpy as np
import pytest

from agent.listener import Listener
from agent.listener.judging import listen
from agent.listener.labels import voice_activity
from corpus.audio import FRAME_SAMPLES, Samples, read_mono
from tests.support.places import ROOT

BANK = ROOT / "synth" / "voices" / "voice_bank"
NOBODY = np.zeros(2 * 24_000, np.float32)


def said(name: str, gain: float) -> Samples:
    """A recording between two seconds of nothing each, in whole frames."""
    sound = np.concatenate([NOBODY, read_mono(BANK / f"{name}.opus"), NOBODY]) * np.float32(gain)
    return sound[: len(sound) // FRAME_SAMPLES * FRAME_SAMPLES]


@pytest.mark.parametrize("name", ["ls1926-f", "ls1334-m", "ls8770-m"])
@pytest.mark.parametrize("gain", [1.0, 0.1])
def test_it_hears_voices_where_a_clean_recording_has_energy(name: str, gain: float) -> None:
    sound = said(name, gain)
    heard = np.array([speech > 0.5 for speech, _ in listen(Listener.load(), sound)])
    loud = voice_activity(sound).reshape(-1, 8).mean(1)
    assert (heard[loud == 1]).mean() > 0.7
    assert not heard[:20].any()
    assert heard[loud == 0].mean() < 0.05


def test_nobody_speaks_in_silence_and_hiss() -> None:
    hiss = np.random.default_rng(0).normal(0, 0.01, 24_000 * 20).astype(np.float32)
    for sound in (np.zeros_like(hiss), hiss):
        assert max(speech for speech, _ in list(listen(Listener.load(), sound))[4:]) < 0.5

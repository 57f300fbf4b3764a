"""Turn-taking measured from audio against cases worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from corpus.audio import SAMPLE_RATE
from corpus.timing import join, measure, measure_audio, offset_distance, speech_segments, summarise


def test_a_dialogue_worked_out_by_hand() -> None:
    agent = [(1.0, 3.0), (3.5, 5.0), (8.0, 10.0)]
    user = [(4.8, 7.0), (7.5, 7.8), (8.5, 9.0)]  # the last lies inside the agent's: no floor transfer
    stats = measure([agent, user], seconds=30.0)
    assert stats.ipu == pytest.approx(2 * (2 + 1.5 + 2 + 2.2 + 0.3 + 0.5))
    assert stats.pause == pytest.approx(2 * (0.5 + 0.5))
    assert stats.gap == pytest.approx(2 * 0.2)
    assert stats.overlap == pytest.approx(2 * (0.2 + 0.5))
    assert stats.offsets == pytest.approx((-0.2, 0.2))


def test_the_floor_returns_to_whoever_speaks_last() -> None:
    """A speaker who is overlapped and goes on transfers the floor back."""
    stats = measure([[(0.0, 2.0), (3.0, 4.0)], [(1.5, 2.8)]], seconds=60.0)
    assert stats.offsets == pytest.approx((-0.5, 0.2))


def test_rates_are_per_minute_and_pooled_by_duration() -> None:
    short = measure([[(0.0, 10.0)], []], seconds=20.0)
    long = measure([[(0.0, 10.0)], []], seconds=60.0)
    assert (short.ipu, long.ipu) == (30.0, 10.0)
    assert summarise([short, long]).ipu == pytest.approx(15.0)


def test_silences_below_200_ms_stay_inside_a_unit() -> None:
    assert join([(0.0, 1.0), (1.19, 2.0), (2.2, 3.0)]) == [(0.0, 2.0), (2.2, 3.0)]


@pytest.mark.parametrize(
    ("floor_dbfs", "speech_dbfs"), [(-80.0, -30.0), (-80.0, -12.0), (-60.0, -30.0), (-60.0, -12.0), (-45.0, -12.0)]
)
def test_bursts_are_found_where_they_are(floor_dbfs: float, speech_dbfs: float) -> None:
    rng = np.random.default_rng(1)
    wanted = [(0.5, 1.7), (2.4, 2.9), (4.0, 7.0)]
    audio = rng.standard_normal(8 * SAMPLE_RATE).astype(np.float32) * np.float32(10 ** (floor_dbfs / 20))
    for start, end in wanted:
        burst = slice(int(start * SAMPLE_RATE), int(end * SAMPLE_RATE))
        audio[burst] += rng.standard_normal(burst.stop - burst.start).astype(np.float32) * np.float32(
            10 ** (speech_dbfs / 20)
        )
    found = speech_segments(audio)
    assert len(found) == len(wanted)
    assert np.abs(np.array(found) - np.array(wanted)).max() <= 0.02


@pytest.mark.parametrize("level", [0.0, 1e-3])
def test_a_channel_of_noise_only_is_silent(level: float) -> None:
    noise = np.random.default_rng(2).standard_normal(3 * SAMPLE_RATE).astype(np.float32) * np.float32(level)
    assert speech_segments(noise) == []
    assert measure_audio(np.stack([noise, noise])).ipu == 0.0


def test_distance_is_the_shift_between_two_samples() -> None:
    offsets = np.random.default_rng(3).normal(size=500)
    assert offset_distance(offsets, offsets) == 0.0
    assert offset_distance(offsets, offsets + 0.3) == pytest.approx(0.3)
    assert np.isnan(offset_distance(offsets, offsets[:0]))

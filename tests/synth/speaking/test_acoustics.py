"""What is done to the user's channel: every recorded parameter is found again in the sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corpus.audio import SAMPLE_RATE, to_samples
from corpus.record import Acoustics, EchoUse, NoiseUse
from synth.speaking.acoustics import PEAK, NoiseBank, load_noise_bank, noise_floor, send

SECONDS = 40
FLOORS = (-70.0, -65.0)


@pytest.fixture(scope="module")
def bank() -> NoiseBank:
    return load_noise_bank()


def bursts(seed: int, spans: list[tuple[float, float]]) -> np.ndarray:
    rng = np.random.default_rng(seed)
    audio = np.zeros(SECONDS * SAMPLE_RATE, np.float32)
    for start, end in spans:
        length = to_samples(end) - to_samples(start)
        audio[to_samples(start) : to_samples(end)] = 0.05 * rng.standard_normal(length)
    return audio


USER = bursts(1, [(1.0, 3.0), (9.0, 12.0), (20.0, 21.0), (30.0, 36.0)])
AGENT = bursts(2, [(4.0, 8.0), (13.0, 19.0), (22.0, 28.0)])


def rms_db(audio: np.ndarray) -> float:
    return float(10 * np.log10((audio.astype(np.float64) ** 2).mean() + 1e-20))


@pytest.mark.parametrize("dbfs", [-75.0, -55.0])
def test_the_noise_floor_has_its_level_and_is_never_digital_zero(dbfs: float) -> None:
    floor = noise_floor(5 * SAMPLE_RATE, dbfs, np.random.default_rng(0))
    assert rms_db(floor) == pytest.approx(dbfs, abs=0.2)
    pcm = np.round(floor * 32767)
    longest_zero_run = max(len(run) for run in "".join("0" if x == 0 else "1" for x in pcm).split("1"))
    assert longest_zero_run < 0.01 * SAMPLE_RATE


def test_nothing_asked_for_nothing_done(bank: NoiseBank) -> None:
    sent, applied = send(USER, AGENT, Acoustics(floor_dbfs=FLOORS), bank, np.random.default_rng(0))
    assert np.array_equal(sent, USER)
    assert applied == Acoustics(floor_dbfs=FLOORS)


def test_gain_is_applied_and_lowered_where_it_would_clip(bank: NoiseBank) -> None:
    quiet, applied = send(USER, AGENT, Acoustics(floor_dbfs=FLOORS, user_gain_db=-12.0), bank, np.random.default_rng(0))
    assert rms_db(quiet) - rms_db(USER) == pytest.approx(-12.0, abs=0.01)
    assert applied.user_gain_db == -12.0
    loud, applied = send(USER, AGENT, Acoustics(floor_dbfs=FLOORS, user_gain_db=40.0), bank, np.random.default_rng(0))
    assert np.abs(loud).max() <= PEAK * 1.0001
    assert rms_db(loud) - rms_db(USER) == pytest.approx(applied.user_gain_db, abs=0.02)
    assert applied.user_gain_db < 40.0


@pytest.mark.parametrize("snr_db", [20.0, 0.0])
def test_noise_lies_at_its_snr_and_is_muted_where_recorded(bank: NoiseBank, snr_db: float) -> None:
    for sound in bank.noises:
        use = NoiseUse(id=sound.id, licence=sound.licence, snr_db=snr_db)
        planned = Acoustics(floor_dbfs=FLOORS, noise=use)
        sent, applied = send(USER * 0.1, AGENT, planned, bank, np.random.default_rng(5))
        assert applied.noise is not None
        added = sent - USER * np.float32(0.1)
        muted = np.zeros(len(added), bool)
        for start, end in applied.noise.silences:
            muted[to_samples(start) : to_samples(end)] = True
        assert 0 < muted.sum() < len(added)
        assert np.abs(added[muted]).max() < 1e-6
        speech = rms_db(USER[USER != 0] * 0.1)
        assert speech - rms_db(added[~muted]) == pytest.approx(snr_db, abs=6.0), sound.id  # noises are not stationary


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_a_recipe_says_how_much_of_a_noise_is_muted(bank: NoiseBank, share: float) -> None:
    sound = bank.noises[0]
    planned = Acoustics(floor_dbfs=FLOORS, noise=NoiseUse(id=sound.id, licence=sound.licence, snr_db=0.0))
    sent, applied = send(USER, AGENT, planned, bank, np.random.default_rng(0), muted=share)
    assert applied.noise is not None
    muted = sum(end - start for start, end in applied.noise.silences)
    assert muted == pytest.approx(share * len(USER) / SAMPLE_RATE, abs=1e-3)
    assert np.array_equal(sent, USER) == (share == 1.0)


def test_echo_is_the_agent_delayed_and_scaled(bank: NoiseBank) -> None:
    planned = Acoustics(floor_dbfs=FLOORS, echo=EchoUse(gain=0.2, delay=0.3))
    sent, _ = send(np.zeros_like(USER), AGENT, planned, bank, np.random.default_rng(0))
    first, first_heard = np.flatnonzero(AGENT)[0], np.flatnonzero(np.abs(sent) > 1e-4)[0]
    assert first_heard - first == pytest.approx(to_samples(0.3), abs=to_samples(0.002))
    assert rms_db(sent) - rms_db(AGENT) == pytest.approx(20 * np.log10(0.2), abs=1.5)


def test_a_room_keeps_level_and_onset(bank: NoiseBank) -> None:
    for room in bank.rooms:
        sent, _ = send(USER, AGENT, Acoustics(floor_dbfs=FLOORS, room=room.id), bank, np.random.default_rng(0))
        assert rms_db(sent) - rms_db(USER) == pytest.approx(0.0, abs=1.5), room.id
        onset = np.flatnonzero(np.abs(sent) > 0.01)[0]
        assert onset == pytest.approx(to_samples(1.0), abs=to_samples(0.01)), room.id


def test_the_bank_names_file_and_licence_of_every_sound(bank: NoiseBank) -> None:
    for sound in (*bank.noises, *bank.rooms):
        assert Path(sound.path).is_file()
        assert sound.licence
    with pytest.raises(ValueError, match="no sound 'thunder'"):
        bank.read("thunder")

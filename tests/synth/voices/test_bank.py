"""The voice bank, users' own references, and the pseudo-speakers fitted to them."""

from __future__ import annotations

import dataclasses
import json
import random
from pathlib import Path

import numpy as np
import pytest
import soundfile

from corpus.audio import Samples, read_mono
from synth.engines import Style
from synth.engines.pseudo.pitch import track_pitch
from synth.engines.pseudo.speaker import PseudoSpeaker, apply, fit, measure
from synth.engines.voice_profile import distance
from synth.speaking.acoustics import BANK as NOISES
from synth.voices.bank import BANK, DIFFERENT, load_bank, own_voice, pick_pair
from synth.voices.casting import load_engine
from synth.voices.entry import check_reference

RATE = 22_050


def buzz(pitch: float, seconds: float = 4.0) -> Samples:
    """Pulses of a slowly gliding pitch, through two resonances: enough of a voice to be measured."""
    time = np.arange(int(seconds * RATE)) / RATE
    phase = np.cumsum(pitch * 2 ** (0.1 * np.sin(4 * time)) / RATE)
    pulses = np.diff(np.floor(phase), prepend=0.0)
    shape = np.exp(-time[:600] * 400) * (np.sin(2 * np.pi * 600 * time[:600]) + np.sin(2 * np.pi * 1500 * time[:600]))
    return (0.2 * np.convolve(pulses, shape)[: len(time)]).astype(np.float32)


def test_shipped_bank_is_complete_and_honest() -> None:
    bank = load_bank()
    references = [voice for voice in bank.values() if voice.audio]
    assert [sum(voice.gender == gender for voice in references) for gender in "fm"] == [6, 6]
    for voice in references:
        assert voice.audio is not None
        samples = check_reference(voice.audio)
        assert len(samples) <= 10 * 24_000
        assert voice.voice.kind == "pseudo-speaker"
        assert "CC-BY-4.0" in voice.voice.licence
        assert "LibriSpeech" in voice.voice.source
        assert voice.voice.consent
    assert bank["joe"].voice.kind == "recorded"
    assert sum(path.stat().st_size for path in BANK.iterdir()) < 1_200_000


def test_shipped_profiles_are_what_is_measured() -> None:
    for id in ("ls150-f", "ls8098-m"):
        voice = load_bank()[id]
        assert voice.audio is not None
        assert voice.profile is not None
        found = measure(read_mono(voice.audio, RATE), RATE)
        assert found.pitch == pytest.approx(voice.profile.pitch, rel=0.02)
        assert distance(found, voice.profile) < 0.1


def test_profile_of_the_engines_own_voice_is_what_it_sounds_like() -> None:
    own, engine = own_voice("piper"), load_engine("piper")
    assert own.profile is not None
    texts = (
        "The birch canoe slid on the smooth planks, and nobody heard it.",
        "Would you like to come over on Sunday?",
    )
    said = [engine.speak(text, own, Style(), 0).samples for text in texts]
    assert distance(measure(np.concatenate(said), RATE), own.profile) < 0.35


def test_noise_bank_is_free_and_readable() -> None:
    entries = json.loads((NOISES / "bank.json").read_text(encoding="utf-8"))
    assert {entry["licence"] for entry in entries} == {"CC0-1.0", "public domain"}
    assert {entry["file"] for entry in entries} == {path.name for path in NOISES.iterdir()} - {"bank.json", "README.md"}
    for entry in entries:
        samples = read_mono(NOISES / entry["file"])
        seconds = len(samples) / 24_000
        assert seconds <= 0.5 if entry["kind"] == "room" else 8 <= seconds <= 20
        assert 0.1 < np.abs(samples).max() <= 1.0
    assert sum(path.stat().st_size for path in NOISES.iterdir()) < 1_200_000


def test_pitch_is_found_without_octave_errors() -> None:
    for pitch in (80.0, 130.0, 240.0, 330.0):
        found = track_pitch(buzz(pitch, 1.5), RATE, 0.01)[10:-10]
        assert (found > 0).all()
        assert np.abs(np.log2(found / pitch)).max() < 0.2
    noise = np.random.default_rng(0).standard_normal(RATE).astype(np.float32)
    assert (track_pitch(0.1 * noise, RATE, 0.01) > 0).mean() < 0.1


def test_pseudo_speaker_has_the_pitch_asked_for_and_keeps_time() -> None:
    engine, bank = load_engine("piper"), load_bank()
    text = "Would you like to come over on Sunday afternoon, and look at the new garden?"
    base = engine.speak(text, bank["joe"], Style(), 1)
    own = bank["joe"].profile
    assert own is not None
    for id in ("ls1116-f", "ls1334-m"):
        profile = bank[id].profile
        assert profile is not None
        speech = engine.speak(text, bank[id], Style(), 1)
        assert len(speech.samples) == len(base.samples)
        assert speech.words is not None
        assert base.words is not None
        shifts = [abs(a.start - b.start) for a, b in zip(speech.words, base.words, strict=True)]
        assert max(shifts) < 0.04
        found = measure(speech.samples, speech.rate)
        assert found.pitch == pytest.approx(profile.pitch, rel=0.12)
        assert distance(found, profile) < 0.6 * distance(own, profile)
        assert np.abs(speech.samples).max() <= 1.0


def test_fit_is_bounded_and_storable() -> None:
    own = own_voice("piper").profile
    assert own is not None
    extreme = fit(dataclasses.replace(own, pitch=900.0, spread=3.0, bands=tuple(np.linspace(90, -90, 40))), own)
    assert extreme.pitch_ratio <= 2.6
    assert max(map(abs, extreme.eq)) <= 9.0
    stored = json.loads(json.dumps(dataclasses.asdict(extreme)))
    assert PseudoSpeaker(**{**stored, "eq": tuple(stored["eq"])}) == extreme
    voiced = buzz(100.0, 1.0)
    assert apply(voiced, RATE, extreme).tobytes() == apply(voiced, RATE, extreme).tobytes()
    assert np.isfinite(apply(np.zeros(RATE, np.float32), RATE, extreme)).all()


def test_pairs_are_reproducible_and_told_apart() -> None:
    bank = load_bank()
    pairs = [pick_pair(bank, random.Random(seed)) for seed in range(60)]
    assert pairs == [pick_pair(bank, random.Random(seed)) for seed in range(60)]
    for agent, user in pairs:
        assert agent.profile is not None
        assert user.profile is not None
        assert distance(agent.profile, user.profile) >= DIFFERENT
    assert len({agent.voice.id for agent, _ in pairs}) > 8
    agent, user = pick_pair(bank, random.Random(0), ["joe"], ["joe", "ls5322-m"])
    assert (agent.voice.id, user.voice.id) == ("joe", "ls5322-m")
    with pytest.raises(ValueError, match="no voice 'jo'; did you mean 'joe'"):
        pick_pair(bank, random.Random(0), ["jo"])
    with pytest.raises(ValueError, match="needs two voices"):
        pick_pair(bank, random.Random(0), ["joe"], ["joe"])


def test_own_references_join_the_bank(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "anna.wav", buzz(210.0), RATE)
    listed = '[[voice]]\nid = "anna-f"\nfile = "anna.wav"\nlicence = "CC0-1.0"\nconsent = "my own voice"\n'
    (tmp_path / "voices.toml").write_text(listed, encoding="utf-8")
    anna = load_bank([tmp_path])["anna-f"]
    assert anna.profile is not None
    assert anna.profile.pitch == pytest.approx(210, rel=0.05)
    assert anna.voice.consent == "my own voice"
    for change, message in (
        (("consent", "consens"), r"voice\.0\.consent is missing"),
        (("my own voice", " "), "needs a file, a licence and a consent"),
        (("anna-f", "joe"), "two voices are called 'joe'"),
        (("anna.wav", "none.wav"), "cannot read"),
        (("[[voice]]", "[[voices]]"), r"unknown key 'voices'"),
    ):
        (tmp_path / "voices.toml").write_text(listed.replace(*change), encoding="utf-8")
        with pytest.raises(ValueError, match=message):
            load_bank([tmp_path])


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        (np.zeros(RATE * 4), "is silent"),
        (buzz(120.0, 2.0), "holds 2.0 s of speech"),
        (np.clip(20 * buzz(120.0), -1, 1), "is clipped"),
        (np.full(RATE * 4, np.nan), "not finite"),
        (np.zeros(0), "holds no audio"),
    ],
)
def test_useless_references_are_refused(tmp_path: Path, samples: Samples, message: str) -> None:
    path = tmp_path / "clip.wav"
    soundfile.write(path, samples, RATE, subtype="FLOAT")
    with pytest.raises(ValueError, match=message):
        check_reference(path)
    (tmp_path / "text.wav").write_text("no sound")
    with pytest.raises(ValueError, match="cannot read"):
        check_reference(tmp_path / "text.wav")

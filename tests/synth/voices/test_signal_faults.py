"""Faults of a reference's signal are called what they are; what is no sound file here is named."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from corpus.audio import SAMPLE_RATE, resample, write_flac
from synth.voices.entry import check_reference
from synth.voices.signal_faults import band_note, signal_fault
from synth.voices.store import clips_of, passed_over
from tests.support.speechlike import speech_like


def test_offset_and_antiphase_are_told_and_a_quiet_offset_is_not() -> None:
    sound = speech_like(4.0, 1)
    assert signal_fault(sound[None]) == ""
    assert signal_fault(np.stack([sound, 0.5 * sound])) == ""
    assert signal_fault(np.stack([sound, np.zeros_like(sound)])) == ""
    assert "(DC)" in signal_fault(sound[None] * 0.2 + 0.3)
    assert signal_fault(sound[None] + 0.001) == ""
    assert "antiphase" in signal_fault(np.stack([sound, -sound]))


def test_a_reference_with_such_a_fault_is_not_called_silent(tmp_path: Path) -> None:
    sound = speech_like(5.0, 2)
    write_flac(tmp_path / "a.flac", np.stack([sound, -sound]))
    with pytest.raises(ValueError, match=r"a\.flac: its channels are in antiphase"):
        check_reference(tmp_path / "a.flac")


def test_narrow_references_are_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    wide = (0.1 * rng.standard_normal(3 * SAMPLE_RATE)).astype(np.float32)
    telephone = resample(wide, SAMPLE_RATE, 8_000)
    for name, samples, rate in (("wide", wide, SAMPLE_RATE), ("narrow", telephone, 8_000)):
        write_flac(tmp_path / f"{name}.flac", np.clip(samples, -1, 1)[None], rate)
    up = resample(telephone, 8_000, SAMPLE_RATE)
    assert band_note(tmp_path / "wide.flac", wide) == ""
    assert "recorded at 8000 Hz" in band_note(tmp_path / "narrow.flac", up)
    assert "nothing above 7 kHz" in band_note(tmp_path / "wide.flac", up)


def test_files_that_are_no_clips_are_passed_over_by_name(tmp_path: Path) -> None:
    for name in ("a.wav", "._a.wav", "b.m4a", "notes.txt"):
        (tmp_path / name).touch()
    assert [path.name for path in clips_of(tmp_path)] == ["a.wav"]
    assert [path.name for path in passed_over(tmp_path)] == ["._a.wav", "b.m4a"]

"""Recorded voices matched with an engine's speakers: the nearest, a blend that is nearer still, a fit; a whole bank."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("piper", reason="needs the extra 'piper'")
pytest.importorskip("faiss", reason="needs the extra 'voices'")

from synth.commands import voices as voices_command
from synth.engines import Style
from synth.engines.piper_graph import PiperGraph, Scales
from synth.recipe import parse_recipe
from synth.running.casts import prepare_casts
from synth.running.workers import CorpusJob
from synth.voices import matched
from synth.voices.casting import engine_voices, load_engine
from synth.voices.embedding import Embedder
from synth.voices.match import profile_of
from synth.voices.matched import Matches
from synth.voices.speakers import measured_file
from tests.support.tones_voice import NAME
from tests.synth.voices.test_store import PitchEmbedder, voice, write

TEXT = "One two three four."
ENTRY = '[[voice]]\nid = "{id}"\nfile = "{id}.wav"\nlicence = "CC0-1.0"\nconsent = "mine"\n'

SCALES = Scales(1.0, 1.0, 1.0)


@pytest.fixture
def several(fetched: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The engine, who says little to be measured, in a house whose only embedder hears pitches."""
    monkeypatch.setattr("synth.voices.speakers.PHRASES", 1)
    monkeypatch.setattr("synth.voices.bank._shipped", tuple)
    monkeypatch.setattr(matched, "load_embedder", PitchEmbedder)
    monkeypatch.setattr("synth.voices.embedding.load_embedder", lambda name: PitchEmbedder())
    return fetched


def heard(samples: np.ndarray) -> float:
    """Hz of the loudest partial."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples))))
    return float(np.argmax(spectrum)) * 22_050 / len(samples)


@pytest.mark.usefixtures("fetched")
def test_a_speaker_is_the_same_by_number_and_by_vector(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = PiperGraph(tmp_path / f"{NAME}.onnx")
    monkeypatch.setattr("synth.engines.piper_graph.with_speaker_vector", lambda graph: None)
    by_number = PiperGraph(tmp_path / f"{NAME}.onnx")
    assert (graph.speakers, by_number.speakers) == (12, 0)
    for speaker in (0, 11):
        made = [one.speak([1, 2, 3] * 9, np.random.default_rng(0), SCALES, speaker)[0] for one in (graph, by_number)]
        assert np.array_equal(*made)
    between, _ = graph.speak([1] * 64, np.random.default_rng(0), SCALES, ((0, 0.5), (4, 0.5)))
    assert heard(between) == pytest.approx((100 + 160) / 2, abs=2)


def test_the_nearest_is_blended_where_that_is_nearer_and_kept(several: str) -> None:
    clip = voice(152.5)  # half-way between p3 and p4
    matches = Matches(several)
    found = matches.of(clip, profile_of(clip))
    assert found.nearest_id in ("tones-p3", "tones-p4")
    assert {id for id, _ in found.cast.parts} == {"tones-p3", "tones-p4"}
    assert sum(share for _, share in found.cast.parts) == pytest.approx(1)
    assert found.nearest + 0.001 < found.blended <= 1.0001
    assert found.fitted is not None
    assert found.similarity == max(found.blended, found.fitted)
    assert len(measured_file(several).read_text().splitlines()) == 12
    again = Matches(several, embedder=_Deaf())
    assert again.of(clip, None) == found  # nobody listens twice
    exact = matches.of(voice(190.0), None)
    assert exact.cast.parts == (("tones-p6", 1.0),)
    assert exact.fitted is None


class _Deaf(PitchEmbedder):
    def listen(self, samples: np.ndarray) -> None:  # type: ignore[override]
        raise AssertionError("it is known already")


def test_a_whole_bank_is_spoken_by_those_most_like_it(several: str, tmp_path: Path) -> None:
    for id, pitch in (("low", 115.0), ("high", 245.0)):
        write(tmp_path / "bank" / f"{id}.wav", voice(pitch))
    (tmp_path / "bank" / "voices.toml").write_text(ENTRY.format(id="low") + ENTRY.format(id="high"))
    voices = {"folders": [str(tmp_path / "bank")]}
    recipe = parse_recipe({"engine": several, "voices": {**voices, "cast": "match"}})
    assert recipe.digest() != parse_recipe({"engine": several, "voices": voices}).digest()
    assert '"cast"' not in parse_recipe({"engine": several, "voices": voices}).model_dump_json()
    prepare_casts(recipe, silent=True)
    cast = CorpusJob(tmp_path / "out", recipe, 0).planner().voices
    assert {id: (one.voice.kind, one.gender) for id, one in cast.items()} == {
        "low": ("pseudo-speaker", "m"),
        "high": ("pseudo-speaker", "f"),
    }
    assert "speakers tones-p1 (1) of piper:" in cast["low"].voice.source
    assert cast["low"].voice.licence == f"CC0-1.0 (reference), CC-BY-4.0 (speakers of {several})"
    engine, own = load_engine(several), engine_voices(several)
    said = engine.speak(TEXT, cast["low"], Style(), 1)
    assert heard(said.samples) == pytest.approx(115, abs=4)
    assert said.words is not None
    assert [word.text for word in said.words] == TEXT.split()
    assert heard(engine.speak(TEXT, own["tones-p9"], Style(), 1).samples) == pytest.approx(235, abs=4)


def test_similarity_is_told_before_and_after(several: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clip = write(tmp_path / "clip.wav", voice(152.5))
    voices_command.match(clip, engine=several)
    told = capsys.readouterr().out
    for part in (
        "the nearest speaker",
        "tones-p3",
        "tones-p4",
        "fitted to pitch",
        "A pseudo-speaker",
        'cast = "match"',
    ):
        assert part in told


def test_an_engine_without_speakers_is_told() -> None:
    embedder: Embedder = PitchEmbedder()
    with pytest.raises(ValueError, match="engine piper has none: choose one such as piper:en_US-libritts_r-medium"):
        Matches("piper", embedder=embedder)

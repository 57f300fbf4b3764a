"""Aligners of any language: CTC's likeliest path against all, Whisper's attention against an engine's own times."""

from __future__ import annotations

import json
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corpus.record import Word
from synth.alignment.align import align
from synth.alignment.aligner import Spans
from synth.alignment.aligners import check_aligner, load_aligner
from synth.alignment.ctc import ctc_path
from synth.alignment.whisper_times import token_spans
from synth.engines import Speech, Style, espeak
from synth.recipe import CorpusRecipe
from synth.speaking.aligned import AlignedEngine
from synth.voices.casting import engine_voices, load_engine
from tests.support.tone_engine import ToneEngine
from tests.support.whisper_base import whisper_base

GERMAN = (
    "Wir haben montags bis freitags von neun bis achtzehn Uhr geöffnet.",
    "Die Pizza Margherita kostet acht Euro fünfzig, dazu gibt es einen Salat.",
)


def test_a_path_by_hand() -> None:
    blank, a, b = 0, 1, 2
    heard = [blank, a, a, blank, a, b, b, blank]
    scores = np.log(np.full((8, 3), 0.1))
    scores[np.arange(8), heard] = np.log(0.8)
    assert ctc_path(scores, [a, a, b], blank) == [(1, 3), (4, 5), (5, 7)]
    assert ctc_path(scores[:2], [a, a], blank) is None  # the same letter twice needs a blank between


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 6), st.lists(st.integers(1, 2), min_size=1, max_size=3))
def test_the_path_is_the_likeliest_of_all(seed: int, frames: int, letters: list[int]) -> None:
    scores = np.log(np.random.default_rng(seed).dirichlet(np.ones(3), frames))

    def spelled(path: tuple[int, ...]) -> list[int]:
        return [now for before, now in zip((0, *path), path, strict=False) if now and now != before]

    fitting = [path for path in product(range(3), repeat=frames) if spelled(path) == letters]
    spans = ctc_path(scores, letters, 0)
    if not fitting:
        assert spans is None
        return
    assert spans is not None
    best = max(fitting, key=lambda path: float(scores[np.arange(frames), path].sum()))
    changes = [at for at in range(frames) if best[at] and best[at] != (best[at - 1] if at else 0)]
    assert [first for first, _ in spans] == changes


def test_a_ctc_model_of_transformers_times_a_text(tmp_path: Path) -> None:
    transformers = pytest.importorskip("transformers", reason="needs the extra 'lm'")
    letters = {"<pad>": 0, "|": 1, **{letter: 2 + number for number, letter in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZ")}}
    (tmp_path / "vocab.json").write_text(json.dumps(letters))
    config = transformers.Wav2Vec2Config(
        vocab_size=len(letters), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        conv_dim=[8] * 7, num_feat_extract_layers=7, num_conv_pos_embeddings=16, num_conv_pos_embedding_groups=2,
        pad_token_id=0,
    )  # fmt: skip
    transformers.Wav2Vec2ForCTC(config).save_pretrained(tmp_path)
    aligner = load_aligner(f"ctc:{tmp_path}", "de")
    samples = 0.1 * np.random.default_rng(0).standard_normal(48_000).astype(np.float32)
    words = align(samples, 24_000, "Größe - oder Öl, 12?", None, "de", aligner)
    assert [word.text for word in words] == ["Größe", "-", "oder", "Öl,", "12?"]
    assert {word.source for word in words} == {"forced"}
    edges = [edge for word in words for edge in (word.start, word.end)]
    assert edges == sorted(edges)
    assert align(samples[:2400], 24_000, "Rindfleisch", None, "de", aligner)[0].source == "proportional"  # 5 frames


def test_pieces_become_the_tokens_they_spell() -> None:
    pieces = [(" Gr", 0.1, 0.2), ("üß", 0.2, 0.3), (" Gott", 0.4, 0.6), (",", 0.6, 0.7)]
    assert token_spans(["Grüß", "Gott,"], pieces) == [(0.1, 0.3), (0.4, 0.6)]
    assert token_spans(["Grüß", "-", "Gott,"], [*pieces[:2], (" -", 0.3, 0.4), *pieces[2:]]) == [
        (0.1, 0.3),
        None,
        (0.4, 0.6),
    ]
    assert token_spans(["Grüß", "Opa,"], pieces) is None
    assert token_spans(["Grüß", "Gott,", "Opa"], pieces) is None


def test_whispers_times_are_nearer_than_shares_in_german() -> None:
    if espeak.found() is None:
        pytest.skip("needs the extra 'espeak'")
    aligner = load_aligner(f"whisper:{whisper_base()}", "de")
    engine, voice = load_engine("espeak", "de"), engine_voices("espeak", language="de")["de-m3"]
    heard, shared = [], []
    for text in GERMAN:
        speech = engine.speak(text, voice, Style(), 0)
        assert speech.words is not None
        found = align(speech.samples, speech.rate, text, None, "de", aligner)
        assert {word.source for word in found} == {"forced"}
        heard.append(distances(found, speech.words))
        shared.append(distances(align(speech.samples, speech.rate, text, None, "de"), speech.words))
    assert np.median(np.concatenate(heard)) < 0.04
    assert np.median(np.concatenate(heard)) < 0.6 * np.median(np.concatenate(shared))


def distances(one: tuple[Word, ...], other: tuple[Word, ...]) -> np.ndarray:  # type: ignore[type-arg]
    return np.abs([(a.start - b.start, a.end - b.end) for a, b in zip(one, other, strict=True)]).ravel()


class Halves:
    """An aligner that gives two words a half of a second each, and hears no others."""

    version = "halves 1"

    def spans(self, samples: object, rate: int, tokens: list[str]) -> Spans | None:
        """See `Aligner.spans`."""
        return [(0.0, 0.5), (0.5, 1.0)] if len(tokens) == 2 else None


class Untimed(ToneEngine):
    """Bursts without word times."""

    def speak(self, *arguments: object) -> Speech:  # type: ignore[override]
        """As the tone engine's."""
        speech = super().speak(*arguments)  # type: ignore[arg-type]
        return Speech(speech.samples, speech.rate, None)


def test_an_engine_without_times_gets_those_of_the_aligner() -> None:
    voice = engine_voices("sherpa:pocket")["ls125-f"]
    engine = AlignedEngine(Untimed(), Halves(), "de")
    assert engine.version == "tone 1, halves 1"
    words = engine.speak("Guten Tag.", voice, Style(), 0).words
    assert words is not None
    assert [word.source for word in words] == ["forced", "forced"]
    lost = engine.speak("Guten Tag auch.", voice, Style(), 0).words
    assert lost is not None
    assert {word.source for word in lost} == {"proportional"}
    own = AlignedEngine(ToneEngine(), Halves(), "de").speak("Guten Tag.", voice, Style(), 0)
    assert own.words == ToneEngine().speak("Guten Tag.", voice, Style(), 0).words


def test_what_is_wrong_with_an_aligners_name_is_told(tmp_path: Path) -> None:
    for name, told in (
        ("wisper:x", "aligner 'wisper:x' is not known; did you mean 'whisper'.*; write whisper:FOLDER or ctc:FOLDER"),
        ("whisper:", "is not known"),
        (f"whisper:{tmp_path}", "there is no model.bin in"),
        (f"ctc:{tmp_path}", "there is no config.json in"),
    ):
        with pytest.raises(ValueError, match=told):
            check_aligner(name)
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ValueError, match="is no CTC model of transformers"):
        load_aligner(f"ctc:{tmp_path}", "de")


def test_a_recipe_is_known_by_its_aligners_content_and_is_as_before_without(tmp_path: Path) -> None:
    assert "aligner" not in CorpusRecipe(engine="piper").model_dump()
    (tmp_path / "model.bin").write_bytes(b"weights")
    named = CorpusRecipe(engine="piper", aligner=f"whisper:{tmp_path}").model_dump()
    assert named["aligner"].startswith("whisper:sha256:")

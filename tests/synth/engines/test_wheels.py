"""The adapters to the engines' wheels: the real wheel runs a tiny model, and each voice is what it says it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from synth.alignment.align import align
from synth.engines import Engine, Speech, Style, default_engine
from synth.engines.kokoro_voices import KOKORO_VOICES
from synth.voices.casting import engine_voices, load_engine
from tests.support.engine_models import kokoro_files, pocket_config, sherpa_voice

TEXT = "Well, I think that is right, don't you?"


def alike(one: Speech, other: Speech) -> bool:
    return np.array_equal(one.samples, other.samples)


@pytest.fixture(scope="module")
def pocket(tmp_path_factory: pytest.TempPathFactory) -> str:
    pytest.importorskip("pocket_tts", reason="needs the extra 'pocket'")
    return f"pocket:{pocket_config(tmp_path_factory.mktemp('pocket'))}"


@pytest.fixture(scope="module")
def sherpa(tmp_path_factory: pytest.TempPathFactory) -> str:
    for module in ("sherpa_onnx", "piper"):
        pytest.importorskip(module, reason="needs the extras 'sherpa' and 'piper'")
    return f"sherpa:{sherpa_voice(tmp_path_factory.mktemp('sherpa'))}"


@pytest.fixture(scope="module")
def kokoro(tmp_path_factory: pytest.TempPathFactory) -> Engine:
    pytest.importorskip("kokoro_onnx", reason="needs the extra 'kokoro'")
    from synth.engines.kokoro import KokoroEngine

    return KokoroEngine(*kokoro_files(tmp_path_factory.mktemp("kokoro"), ("af_heart", "am_adam", "ff_siwis")))


def test_pocket_says_the_same_twice_and_something_else_with_another_voice_seed_or_text(pocket: str) -> None:
    engine, voices = load_engine(pocket), engine_voices(pocket)
    first = engine.speak(TEXT, voices["ls125-f"], Style(), 1)
    others = [
        engine.speak(TEXT, voices["ls150-f"], Style(), 1),
        engine.speak(TEXT, voices["ls125-f"], Style(), 2),
        engine.speak(TEXT[:-1] + "!", voices["ls125-f"], Style(), 1),
    ]
    assert not any(alike(first, other) for other in others)
    assert alike(first, engine.speak(TEXT, voices["ls125-f"], Style(), 1))
    assert (first.rate, first.words) == (24_000, None)
    words = align(first.samples, first.rate, TEXT)
    assert [word.text for word in words] == TEXT.split()
    assert {word.source for word in words} <= {"forced", "proportional"}


def test_pocket_without_liveliness_heeds_no_seed(pocket: str) -> None:
    engine, voice = load_engine(pocket), engine_voices(pocket)["ls125-f"]
    one, other = (engine.speak(TEXT, voice, Style(liveliness=0.0), seed) for seed in (1, 2))
    assert alike(one, other)


def test_pocket_clones_or_refuses(pocket: str) -> None:
    voices = engine_voices(pocket)
    assert "joe" not in voices
    assert {voice.voice.kind for voice in voices.values()} == {"cloned"}
    assert all("CC-BY-4.0 (weights of pocket" in voice.voice.licence for voice in voices.values())
    with pytest.raises(ValueError, match="speaks with a reference only, and 'joe' has no recording"):
        load_engine(pocket).speak(TEXT, engine_voices("piper")["joe"], Style(), 0)


def test_pocket_never_falls_back_to_weights_that_cannot_clone(pocket: str, tmp_path: Path) -> None:
    import yaml  # type: ignore[import-untyped]

    content = yaml.safe_load(Path(pocket.partition(":")[2]).read_text())
    path = tmp_path / "open.yaml"
    for weights, message in (
        ("hf://kyutai/pocket-tts-without-voice-cloning/model.safetensors", "no weights here: .*synth engines fetch"),
        ("hf://kyutai/pocket-tts/model.safetensors@0123", "no weights here: .*synth engines fetch"),
        (str(tmp_path / "without-voice-cloning.safetensors"), "weights that cannot clone"),
        ("https://elsewhere.example/model.safetensors", "would download https://elsewhere"),
    ):
        path.write_text(yaml.safe_dump({**content, "weights_path": weights}))
        with pytest.raises(ValueError, match=message):
            load_engine(f"pocket:{path}")


def test_pocket_names_languages_and_configurations(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pocket_tts", reason="needs the extra 'pocket'")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(ValueError, match=r"no weights here: .*type: synth engines fetch pocket$"):
        load_engine("pocket")
    with pytest.raises(ValueError, match=r"synth engines fetch pocket:french$"):
        load_engine("pocket", "fr")
    with pytest.raises(ValueError, match="does not speak 'ja'; it speaks en, fr, de, es, it, pt, nl"):
        load_engine("pocket", "ja")
    with pytest.raises(ValueError, match="no configuration 'frensh'; did you mean 'french'"):
        load_engine("pocket:frensh")
    assert default_engine() == "piper"


def test_sherpa_speaks_a_piper_voice(sherpa: str) -> None:
    engine, voice = load_engine(sherpa), engine_voices(sherpa)["joe"]
    assert (voice.voice.kind, voice.voice.licence) == ("recorded", "CC0-1.0")
    speech = engine.speak(TEXT, voice, Style(), 0)
    assert speech.rate == 22_050
    assert speech.words is None
    assert 1.2 < len(speech.samples) / speech.rate < 3.5
    words = align(speech.samples, speech.rate, TEXT)
    assert {word.source for word in words} == {"forced"}
    slow = engine.speak(TEXT, voice, Style(rate=0.6), 0)
    assert len(slow.samples) > 1.3 * len(speech.samples)
    with pytest.raises(ValueError, match="nothing to say"):
        engine.speak("...", voice, Style(), 0)


def test_sherpa_never_speaks_with_another_voice_than_asked(sherpa: str) -> None:
    engine = load_engine(sherpa)
    with pytest.raises(ValueError, match="cannot clone 'ls125-f'; it has joe"):
        engine.speak(TEXT, engine_voices("sherpa:pocket")["ls125-f"], Style(), 0)
    with pytest.raises(ValueError, match="cannot clone the voices of mine"):
        engine_voices(sherpa, [Path("mine")])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('family = "vits"', 'family = "pocket"', "lm_flow.int8.onnx is not there; name the model's lm_flow in files"),
        ('folder = "."', 'folder = "."\nfiles = { modle = "x" }', "a vits model has no file 'modle'"),
        ('name = "0"', 'name = "1"', "has 1 voices, numbered from 0; not '1'"),
        ('folder = "."', "", "give the folder of its files, or"),
    ],
)
def test_sherpa_file_with_a_mistake_is_explained(sherpa: str, old: str, new: str, message: str) -> None:
    path = Path(sherpa.partition(":")[2])
    changed = path.with_name("changed.toml")
    changed.write_text(path.read_text().replace(old, new))
    load_engine.cache_clear()
    with pytest.raises(ValueError, match=message):
        load_engine(f"sherpa:{changed}").speak(TEXT, engine_voices(f"sherpa:{changed}")["joe"], Style(), 0)


def test_kokoro_speaks_with_its_own_voices_in_their_languages(kokoro: Engine) -> None:
    voices = engine_voices("kokoro")
    heart, adam = (kokoro.speak(TEXT, voices[name], Style(), 0) for name in ("af_heart", "am_adam"))
    assert heart.rate == 24_000
    assert pitch(adam) == pytest.approx(2 * pitch(heart), rel=0.02)
    faster = kokoro.speak(TEXT, voices["af_heart"], Style(rate=1.25), 0)
    assert len(faster.samples) == pytest.approx(len(heart.samples) / 1.25, rel=0.03)
    siwis = engine_voices("kokoro", language="fr")["ff_siwis"]
    assert len(kokoro.speak("Qu'est-ce que c'est ?", siwis, Style(), 0).samples) > 12_000


def test_kokoro_clones_nobody(kokoro: Engine) -> None:
    with pytest.raises(ValueError, match="cannot clone 'ls125-f'; it has its own voices only"):
        kokoro.speak(TEXT, engine_voices("sherpa:pocket")["ls125-f"], Style(), 0)
    assert set(engine_voices("kokoro")) == {voice.id for voice in KOKORO_VOICES if voice.language == "en"}
    with pytest.raises(ValueError, match="no voice for 'de'; it has voices for en, es, fr, hi, it, pt"):
        engine_voices("kokoro", language="de")


def test_kokoro_speaks_from_files_of_ones_own(tmp_path: Path) -> None:
    pytest.importorskip("kokoro_onnx", reason="needs the extra 'kokoro'")
    kokoro_files(tmp_path, ("af_heart", "mine"))
    file = tmp_path / "mine.toml"
    head = 'name = "mine"\nlicence_weights = "CC0-1.0"\nmodel = "kokoro.onnx"\nvoices = "voices.bin"\n'
    own = '[[voice]]\nid = "anna"\nname = "mine"\nlanguage = "{}"\nlicence = "CC0-1.0"\nconsent = "mine"\n'
    file.write_text(head + own.format("fr"))
    name = f"kokoro:{file}"
    engine, voices = load_engine(name, "fr"), engine_voices(name, language="fr")
    assert (engine.name, engine.licence_weights, list(voices)) == (name, "CC0-1.0", ["anna"])
    assert len(engine.speak("Qu'est-ce que c'est ?", voices["anna"], Style(), 0).samples) > 12_000
    file.write_text(head)
    heart = engine_voices(name)["af_heart"]
    load_engine.cache_clear()
    assert len(load_engine(name).speak(TEXT, heart, Style(), 0).samples) > 12_000
    for wrong, told in (
        (head + own.format("de"), "Kokoro reads en, es, fr, hi, it, pt, not 'de'"),
        (head + own.format("en").replace('"mine"\nlang', '"other"\nlang'), "voices.bin holds no voice 'other'"),
        (head.replace("kokoro.onnx", "none.onnx"), "there is no file .*none.onnx"),
        (head.replace("kokoro.onnx", "voices.bin"), "voices.bin and voices.bin are no model of Kokoro"),
        (head.replace('voices = "voices.bin"', 'voices = "kokoro.onnx"'), "are no model of Kokoro"),
        (head.replace("model", "modle"), "unknown key 'modle'|modle"),
    ):
        file.write_text(wrong)
        load_engine.cache_clear()
        with pytest.raises(ValueError, match=told):
            load_engine(name)


def pitch(speech: Speech) -> float:
    spectrum = np.abs(np.fft.rfft(speech.samples * np.hanning(len(speech.samples))))
    return float(np.argmax(spectrum)) / len(speech.samples)

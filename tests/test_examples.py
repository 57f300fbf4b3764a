"""Every script of examples/ runs, is short, and prints what it promises."""

from __future__ import annotations

import dataclasses
import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]
import torch

from agent import LanguageModel
from agent.files.bundle import save_bundle
from agent.files.codec_identity import CodecIdentity, codec_digest
from agent.files.vocabulary import train_vocabulary
from agent.model.presets import tiny
from agent.tokens.survey import survey
from agent.tokens.take import recordings
from codec import Codec
from codec.config import tiny as tiny_codec
from tests.support.agent_fixtures import noise
from tests.support.places import ROOT
from tests.support.tiny_corpus import TEXTS, write_corpus

SCRIPTS = sorted((ROOT / "examples").glob("*.py"))


def script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A folder with a tiny agent and its codec."""
    folder = tmp_path_factory.mktemp("model")
    with torch.random.fork_rng():
        torch.manual_seed(3)
        vocabulary = train_vocabulary([" ".join(TEXTS)], 290)
        own, codec = dataclasses.replace(tiny(2), text_card=vocabulary.size), Codec(tiny_codec(2)).eval()
        agent = LanguageModel(own).eval()
    codec.save(folder / "codec.safetensors")
    quantizer = codec.config.quantizer
    identity = CodecIdentity(
        name="codec.safetensors",
        sha256=codec_digest(codec),
        codebooks=quantizer.n_q,
        codebook_size=quantizer.codebook_size,
    )
    save_bundle(folder / "agent", agent, vocabulary, identity)
    (folder / "codec.safetensors").rename(folder / "agent" / "codec.safetensors")
    return str(folder / "agent")


@pytest.fixture(scope="module")
def question(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("question") / "question.wav"
    soundfile.write(path, noise(6), 24_000)
    return str(path)


def test_there_are_five_and_each_is_short() -> None:
    assert len(SCRIPTS) == 5
    assert [path.name for path in SCRIPTS if len(path.read_text(encoding="utf-8").splitlines()) >= 40] == []


def test_making_a_corpus(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("piper", reason="needs the extra 'piper'")
    recipe = tmp_path / "short.toml"
    recipe.write_text('name = "short"\n[length]\nshortest = 20\nlongest = 25\n')
    script("make_a_corpus").main(tmp_path / "corpus", 0.001, recipe)
    told = capsys.readouterr().out
    assert "1 dialogues" in told
    assert "report.html" in told


def test_coding_a_recording(question: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("code_a_recording").main(question, str(tmp_path / "back.wav"), f"{model}/codec.safetensors")
    assert "(1, 2, 6) codes" in capsys.readouterr().out
    assert soundfile.info(tmp_path / "back.wav").frames == 6 * 1920


def test_asking_the_agent(question: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("ask_the_agent").main(question, str(tmp_path / "both.wav"), model)
    assert capsys.readouterr().out.startswith("heard:")
    both, _ = soundfile.read(tmp_path / "both.wav")
    assert both.shape == ((6 + 50) * 1920, 2)
    assert np.abs(both).max() > 0


def test_talking_frame_by_frame(question: str, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    script("talk_frame_by_frame").main(question, model, "torch")
    assert "6 frames of 80 ms" in capsys.readouterr().out


def test_quiet_rooms_are_taken_by_the_tokenizer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    soundfile.write(tmp_path / "tap.wav", noise(20), 24_000)
    (tmp_path / "noise.jsonl").write_text('{"path": "tap.wav"}\n')
    out = tmp_path / "quiet"
    monkeypatch.setattr("sys.argv", ["quiet_rooms.py", str(tmp_path), str(out), "--minutes", "8"])
    script("data/quiet_rooms").main()
    sounds = [soundfile.read(path)[0] for path in sorted(out.glob("*.wav"))]
    assert {sound.shape for sound in sounds} == {(60 * 24_000, 2)}
    assert not any(sound[:, 0].any() for sound in sounds)
    levels = [20 * np.log10(np.sqrt(np.mean(sound[:, 1] ** 2)) + 1e-9) for sound in sounds]
    assert all(level < -170 or -61 < level < -19 for level in levels)
    assert max(levels) > -61
    takes = list(recordings(out))
    assert len(takes) == 8
    assert survey(out, takes, False, False, wordless=True).told in ((), ("1 of 8 recordings hold only silence",))


def test_measuring_turn_taking(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    script("measure_turn_taking").main(str(write_corpus(tmp_path / "corpus", 2)))
    told = capsys.readouterr().out
    assert "6 transfers, 0% of them overlapped" in told
    assert "median 0.25 s" in told  # words end 0.05 s before a turn's last pause of 0.2 s

"""Every command line of the guides: run in order at a tiny size, or named here with the test that runs it.

A guide's hours, models and recipes are replaced by small ones; the files it shows are written where it says; what an
earlier step would have taken hours to make is a corpus of bursts.
"""

from __future__ import annotations

import json
import re
import shlex
from pathlib import Path

import pytest
import soundfile  # type: ignore[import-untyped]
import torch

from agent import LanguageModel
from agent.files.checkpoints import save
from agent.files.vocabulary import Vocabulary
from agent.model.size import ModelSize
from codec import Codec
from codec.config import tiny as tiny_codec
from synth.calls import CallHearer
from tests.support.agent_fixtures import noise
from tests.support.calls import both as hears_both
from tests.support.calls import write_call
from tests.support.command_lines import CommandLine, command_lines, files_shown, program
from tests.support.places import DATASETS, ROOT
from tests.support.teaching import speak_tones, tiny_base, tiny_recipe
from tests.support.tiny_corpus import dialogue, write_corpus
from tests.support.vocabularies import sentencepiece_model

GUIDES = ROOT / "docs" / "guides"
SMALLER = {  # words of the guides -> what is run
    "--hours 10 ": "--hours 0.001 --workers 1 ",
    "--hours 0.25 ": "--hours 0.003 --workers 1 ",
    "agent/weights/": f"{ROOT}/agent/weights/",
    "--hours 0.1 ": "--hours 0.02 ",
    "--hours 150 ": "--hours 0.05 ",
    "--strict": "",
    "--workers 0": "--workers 1",
    "--vocabulary-size 1000": "--vocabulary-size 300",
    "datasets/agent-laptop.toml": "mini.toml --steps 2 --batch 1",
    "datasets/": f"{DATASETS}/",
    "--preset laptop": "--preset tiny --steps 1 --batch 1",
    "--input": "--runtime torch --input",
}
ELSEWHERE = {  # beginning of a line -> where it runs, or why it cannot
    "synth engines fetch": "tests/synth/engines/test_engines.py, from a stand-in for the hub",
    "synth voices add": "tests/synth/voices/test_store.py",
    "synth voices audit": "tests/synth/voices/test_store.py",
    "synth voices split": "tests/synth/voices/test_store.py",
    "synth voices match": "tests/synth/voices/test_match.py",
    "synth generate --recipe mine.toml --engine pocket": "tests/synth/engines/test_wheels.py, with random weights",
    "synth generate --recipe datasets/german.toml": "tests/synth/script/test_writers.py, with a stand-in server",
    "synth generate --recipe datasets/conversation.toml": "a corpus of bursts stands in",
    "synth generate --recipe datasets/probes.toml": "a corpus of bursts stands in",
    "synth generate --recipe datasets/strangers.toml": "tests/synth/engines/test_paired.py, with another engine",
    "synth export out/mine --to huggingface": "tests/corpus/test_formats.py",
    "synth export out/mine --to lhotse": "tests/corpus/test_formats.py",
    "synth merge": "tests/corpus/test_store.py",
    "agent finetune --full --base laptop": "tests/agent/training/test_finetune.py",
    "agent talk --model runs/baeckerei": "tests/agent/desk/test_talk.py",
    "agent dictation": "tests/agent/dictation/test_dictation.py",
    "agent evaluate": "tests/agent/judging/test_evaluate.py",
    "agent bench": "tests/agent/desk/test_talk.py",
    "agent serve": "tests/agent/serve/test_server.py",
    "codec train": "tests/codec/training/test_train.py",
    "codec evaluate": "tests/codec/judging/test_evaluate.py",
}
FINE_TUNING = "fine-tune-moshi.md"
RECORDINGS = "recordings-of-my-own.md"
OURS = ("corpus-in-my-language-and-voice.md", "german.md", "train-from-scratch.md", "serve-many-users.md")


def elsewhere(line: CommandLine) -> bool:
    return line.text.startswith(tuple(ELSEWHERE))


def smaller(line: CommandLine) -> list[str]:
    text = f"{line.text} "
    for words, instead in SMALLER.items():
        text = text.replace(words, instead)
    return shlex.split(text)


@pytest.mark.parametrize("name", OURS)
def test_the_lines_of_a_guide_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("piper", reason="needs the extra 'piper'")
    guide = (GUIDES / name).read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    for file, content in files_shown(guide).items():
        Path(file).write_text(content, encoding="utf-8")
    write_corpus(tmp_path / "out" / "conversation", 4)
    mini = (DATASETS / "agent-mini.toml").read_text(encoding="utf-8")
    Path("mini.toml").write_text(f"unspoken = 1\n{mini}", encoding="utf-8")
    soundfile.write("question.wav", noise(6), 24_000)
    for line in command_lines(guide):
        if not elsewhere(line):
            words = smaller(line)
            program(words[0])(args=words[1:], prog_name=words[0], standalone_mode=False)


def write_recordings(folder: Path) -> None:
    """Two recordings of bursts with their words, in moshi-finetune's layout, and a manifest for each."""
    folder.mkdir()
    for number, manifest in enumerate(("train", "eval")):
        record, audio = dialogue(number)
        path = folder / f"{number}.wav"
        soundfile.write(path, audio.T, 24_000)
        rows = [
            [word.text, [word.start, word.end], f"SPEAKER_{('MAIN', 'USER')[turn.index % 2]}"]
            for turn in record.turns
            for word in turn.words
        ]
        path.with_suffix(".json").write_text(json.dumps({"alignments": rows}))
        (folder / f"{manifest}.jsonl").write_text(json.dumps({"path": path.name, "duration": 8.0}))


def write_base(folder: Path) -> None:
    """A model of Moshi's kind as Kyutai's folders are, at some fifty thousand parameters."""
    size = ModelSize(preset="tiny", both_sides=False, user_text_delay=-1, hint=False)
    vocabulary = Vocabulary.load(sentencepiece_model(folder.parent / "spm.model"))
    torch.manual_seed(0)
    codec = "tokenizer-e351c8d8-checkpoint125.safetensors"
    keys = {"model_type": "moshi", "mimi_name": codec, "tokenizer_name": vocabulary.save(folder).name}
    save(LanguageModel(size.config(vocabulary.size, 2, 32)), folder, passengers=keys)
    Codec(tiny_codec(2)).save(folder / codec)


def test_the_lines_of_the_guide_to_fine_tuning_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("sentencepiece", reason="needs the extra 'lm'")
    guide = (GUIDES / FINE_TUNING).read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    write_recordings(Path("mine"))
    write_base(tmp_path / "moshiko")
    soundfile.write("question.wav", noise(6), 24_000)
    (recipe,) = files_shown(guide).values()
    small = {"steps": 2, "batch": 1, "accumulate": 2, "frames": 20, "validate_every": 1}
    for key, value in small.items():
        recipe = re.sub(rf"^{key} = .*$", f"{key} = {value}", recipe, flags=re.MULTILINE)
    Path("mine.toml").write_text(recipe)
    for line in command_lines(guide):
        text = line.text.replace("--codebooks 8", "--codebooks 2").replace("--lora 128", "--lora 2")
        words = shlex.split(text.replace("--input", "--runtime torch --input"))
        program(words[0])(args=words[1:], prog_name=words[0], standalone_mode=False)
    said = capsys.readouterr().out
    assert "1 dialogues, 0.00 h; 1 held out" in said
    assert "validation at 2: loss" in said
    assert "runs/mine/moshi, for Kyutai's moshi, is without the codec \"" in said  # which is no Mimi but a tiny one
    assert soundfile.info("both.wav").channels == 2
    for folder in (Path("runs/mine"), Path("runs/mine/merged"), Path("runs/mine/moshi")):
        assert not (folder / "duologue.json").exists()
        assert json.loads((folder / "config.json").read_text())["model_type"] == "moshi"


def test_the_lines_of_the_guide_to_recordings_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = (GUIDES / RECORDINGS).read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    write_call(Path("calls"), "monday")
    write_call(Path("calls"), "tuesday", sides=(".user", ".agent"))
    monkeypatch.setattr(CallHearer, "load", lambda model, language, aligner: CallHearer(hears_both, language))
    write_base(tmp_path / "base")
    soundfile.write("question.wav", noise(6), 24_000)
    for line in command_lines(guide):
        words = ["base" if word == "laptop" else "0.001" if word == "30" else word for word in smaller(line)]
        program(words[0])(args=words[1:], prog_name=words[0], standalone_mode=False)
    said = capsys.readouterr().out
    assert "out/calls holds 2 dialogues" in said
    assert "0.0 minutes to train in" in said
    assert soundfile.info("both.wav").channels == 2


def test_the_lines_of_the_guide_to_teaching_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    guide = (GUIDES / "teach-your-own-assistant.md").read_text(encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    speak_tones(monkeypatch)
    tiny_base(Path("base"))
    tiny_recipe(Path("tiny.toml"))
    for file, content in files_shown(guide).items():
        Path(file).write_text(content, encoding="utf-8")
    soundfile.write("question.wav", noise(6), 24_000)
    lines = [line.text for line in command_lines(guide) if "--mind" not in line.text]  # that: test_partner.py
    for text in lines:
        little = text.replace("menu.toml", "menu.toml --base base --recipe tiny.toml --workers 1")
        words = shlex.split(little.replace("--input", "--runtime torch --input"))
        program(words[0])(args=words[1:], prog_name=words[0], standalone_mode=False)
    said = capsys.readouterr().out
    assert "Talk with it: agent talk --model runs/menu" in said
    assert re.search(r"new wordings by voices held out\s*│ \d of 2", said)
    assert Path("pizza.toml").is_file()
    assert soundfile.info("both.wav").channels == 2


def test_what_runs_elsewhere_is_named_once_and_there() -> None:
    lines = [line.text for name in OURS for line in command_lines((GUIDES / name).read_text(encoding="utf-8"))]
    for beginning, where in ELSEWHERE.items():
        assert any(text.startswith(beginning) for text in lines), f"no guide has a line {beginning!r}"
        file = where.split(",")[0]
        assert not file.endswith(".py") or (ROOT / file).is_file(), file

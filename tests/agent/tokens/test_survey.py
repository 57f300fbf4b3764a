"""What a corpus is told, counted and refused for before it becomes tokens; manifests for training and validation."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

from agent import tiny
from agent.tokens.crops import Dialogues
from agent.tokens.shards import MANIFEST, VALIDATION, read_manifest
from agent.tokens.survey import Survey, survey
from agent.tokens.take import manifests, recordings
from agent.tokens.tokenize import TokenOrder, tokenize
from agent.training.recipe import AgentRecipe
from agent.training.run import RunData, TrainingOrder
from codec import Codec
from codec.config import tiny as tiny_codec
from corpus.audio import SAMPLE_RATE

MAIN, USER = "SPEAKER_MAIN", "SPEAKER_USER"


def recording(
    folder: Path, name: str, words: list[Any] | None = None, level: float = 0.1, seconds: float = 1.0
) -> Path:
    """One recording of two channels with its list of words, in moshi-finetune's layout."""
    folder.mkdir(exist_ok=True)
    draw = np.random.default_rng(list(name.encode()))
    sound = draw.uniform(-level, level, (round(seconds * SAMPLE_RATE), 2))
    soundfile.write(folder / f"{name}.wav", sound, SAMPLE_RATE)
    listed = [[f"word {name}", [0.1, 0.5], MAIN], ["yes", [0.6, 0.8], USER]] if words is None else words
    (folder / f"{name}.json").write_text(json.dumps({"alignments": listed}))
    return folder


def manifest(folder: Path, names: str, file: str = "all.jsonl", duration: float = 1.0) -> Path:
    rows = [json.dumps({"path": f"{name}.wav", "duration": duration}) for name in names]
    (folder / file).write_text("\n".join(rows))
    return folder


def looked_at(folder: Path) -> Survey:
    return survey(folder, recordings(folder), False, False)


def test_what_is_odd_is_counted(tmp_path: Path) -> None:
    folder = recording(tmp_path / "mine", "a")
    recording(folder, "b", level=0.0)
    recording(folder, "c", [["yes", [0.6, 0.8], USER], [" ", [0.1, 0.2], MAIN]])
    recording(folder, "d", seconds=0.0)
    recording(folder, "e", [["hello", [0.1, 0.5], MAIN], ["bye", [1.1, 1.2], MAIN]])
    manifest(folder, "abcde", duration=1000.0)
    found = looked_at(folder)
    assert found.ids == ("a", "b", "c", "e")
    assert found.told == (
        "1 empty files were left out",
        "1 of 4 recordings hold only silence",
        "in 1 of 4 recordings the agent says no word",
        "1 of 8 words begin after the end of their recording and are lost",
        "4 durations in the manifest are not those of the files, which count",
    )
    assert looked_at(manifest(recording(tmp_path / "good", "a"), "a")).told == ()


@pytest.mark.parametrize(
    ("words", "level", "seconds", "message"),
    [
        ([["yes", [0.6, 0.8], USER]], 0.1, 1.0, r"the agent says no word in any of 2 recordings.*SPEAKER_MAIN"),
        ([], 0.1, 1.0, "the agent says no word in any of 2 recordings"),
        (None, 0.0, 1.0, "nothing is left to learn from: all 2 recordings in .* hold only silence"),
        (None, 0.1, 0.0, "holds no recordings but 2 empty files"),
        ([["hi", [100, 400], MAIN], ["yes", [600, 900], USER]], 0.1, 1.0, "4 of 4 words .* are these milliseconds"),
        ([["hi", ["0.1", 0.4], MAIN]], 0.1, 1.0, r"a\.wav: a\.json: row 0 is not a timed word"),
    ],
)
def test_where_nothing_is_left_it_is_refused(
    tmp_path: Path, words: list[Any] | None, level: float, seconds: float, message: str
) -> None:
    for name in "ab":
        folder = recording(tmp_path / "mine", name, words, level, seconds)
    with pytest.raises(ValueError, match=message) as caught:
        looked_at(manifest(folder, "ab"))
    assert "\n" not in str(caught.value)


def test_recordings_to_be_silent_in_are_taken_where_that_is_meant(tmp_path: Path) -> None:
    folder = manifest(recording(tmp_path / "mine", "a", []), "a")
    assert survey(folder, recordings(folder), False, False, wordless=True).told == ()


def test_a_manifest_is_chosen_by_its_name(tmp_path: Path) -> None:
    folder = recording(tmp_path / "mine", "a")
    manifest(folder, "a", "train.jsonl")
    assert manifests(folder) == (folder, None)
    manifest(folder, "a", "my-eval.jsonl")
    assert manifests(folder) == (folder / "train.jsonl", folder / "my-eval.jsonl")
    assert manifests(folder / "my-eval.jsonl") == (folder / "my-eval.jsonl", None)
    manifest(folder, "a", "more.jsonl")
    with pytest.raises(ValueError, match=r"3 manifests \(more\.jsonl, my-eval\.jsonl, train\.jsonl\): name one, as in"):
        manifests(folder)
    manifest(folder, "a", "data.jsonl")
    assert manifests(folder) == (folder, None)  # what a corpus of ours is called, whatever lies beside it


def test_two_manifests_train_and_validate(tmp_path: Path) -> None:
    for name in "abcd":
        folder = recording(tmp_path / "mine", name)
    (folder / "twin.wav").write_bytes((folder / "d.wav").read_bytes())
    (folder / "twin.json").write_bytes((folder / "d.json").read_bytes())
    rows = [json.dumps({"path": f"{name}.wav", "duration": 1.0}) for name in ("a", "b", "twin")]
    (folder / "train.jsonl").write_text("\n".join(rows))
    manifest(folder, "cd", "eval.jsonl")
    codec = tmp_path / "codec.safetensors"
    Codec(tiny_codec(2)).save(codec)
    order = TokenOrder(folder, tmp_path / "tokens", str(codec), augment=1, vocabulary_size=300)
    lines: list[str] = []
    for _ in range(2):  # the second time there is nothing to do
        found = tokenize(order, say=lines.append)
    apart = read_manifest(tmp_path / "tokens" / VALIDATION)
    assert (found.dialogues, found.variants, apart.dialogues, apart.variants) == (3, 2, 2, 1)
    assert (apart.vocabulary, apart.codec) == (found.vocabulary, found.codec)
    assert lines == []

    size = found.vocabulary.size
    config = replace(tiny(), text_card=size)
    data = RunData.open(TrainingOrder([order.out], tmp_path / "run", AgentRecipe()), config)
    assert data.held_out is not None
    assert (data.training.ids, data.held_out.ids, data.every.twins) == (["a", "b"], ["c", "d"], 1)
    named = TrainingOrder([order.out / VALIDATION], tmp_path / "run", AgentRecipe(), validation=[order.out])
    other = RunData.open(named, config)
    assert other.held_out is not None
    assert (other.training.ids, other.held_out.ids) == (["c"], ["a", "b", "twin"])
    with pytest.raises(ValueError, match="nothing is left to train on"):
        Dialogues([order.out, order.out], config).apart(1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"variants": "2"}, r"manifest\.json: variants: Input should be a valid integer, got '2'"),
        ({"variants": 0}, "variants: Input should be greater than or equal to 1, got 0"),
        ({"seeds": 1}, r"unknown key 'seeds'; did you mean 'seed'\?"),
        ({"seed": None}, "seed: Input should be a valid integer"),
        ({"codec": {"name": "x", "sha256": "0", "codebooks": -8, "codebook_size": 2048}}, r"codec\.codebooks: "),
        ({"shards": [{"file": "a"}]}, r"shards\.0\.sha256 is missing"),
    ],
)
def test_a_broken_manifest_of_tokens_is_told_by_its_key(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    words = {"file": "tokenizer.json", "sha256": "0", "size": 300, "pad": 3, "end_pad": 0}
    codec = {"name": "x", "sha256": "0", "codebooks": 8, "codebook_size": 2048}
    whole = {"format": 1, "codec": codec, "vocabulary": words, "variants": 1, "seed": 0, "shards": [], "complete": True}
    (tmp_path / MANIFEST).write_text(json.dumps(whole))
    assert read_manifest(tmp_path).variants == 1
    (tmp_path / MANIFEST).write_text(json.dumps({**whole, **change}))
    with pytest.raises(ValueError, match=message) as caught:
        read_manifest(tmp_path)
    assert "\n" not in str(caught.value)

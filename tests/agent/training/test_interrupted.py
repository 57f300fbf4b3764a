"""Runs that are cut off and bases that are torn: one line with the file's name, nothing lost, the next run goes on."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from agent import LanguageModel, load_model, tiny
from agent.commands.finetune import finetune
from agent.commands.train import train
from agent.files.bundle import save_bundle
from agent.files.vocabulary import train_vocabulary
from agent.tokens.shards import read_manifest
from corpus.durable import DiskFullError
from tests.support.agent_training import write_tokens

SMALL = """
steps = 2
batch = 1
frames = 12
held_out = 0.2
log_every = 1
validate_every = 1
checkpoint_every = 1
[model]
preset = "tiny"
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder with tokens, a recipe and a base for them."""
    vocabulary = train_vocabulary(["hello there my friend"] * 9, 270)
    tokens = write_tokens(tmp_path / "tokens", vocabulary)
    torch.manual_seed(0)
    model = LanguageModel(replace(tiny(), text_card=vocabulary.size))
    save_bundle(tmp_path / "base", model, vocabulary, read_manifest(tokens).codec)
    (tmp_path / "small.toml").write_text(SMALL)
    return tmp_path


def adapt(place: Path, **more: Any) -> None:
    finetune(
        str(place / "base"),
        [place / "tokens"],
        place / "run",
        lora=2,
        recipe=place / "small.toml",
        device="cpu",
        **more,
    )


def test_a_kill_while_adapters_are_merged_costs_nothing(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:

        def killed(path: Path, tensors: Any, metadata: Any = None) -> None:
            raise KeyboardInterrupt

        patch.setattr("agent.files.checkpoints.save_tensors", killed)  # of whole models, not of adapters
        with pytest.raises(KeyboardInterrupt):
            adapt(place)
    assert (place / "run" / "lora.safetensors").exists()
    assert not (place / "run" / "merged" / "config.json").exists()  # written last: nobody takes it for whole
    with pytest.raises(ValueError, match="holds a run already: add --resume"):
        adapt(place)
    adapt(place, resume=True)
    merged = load_model(place / "run" / "merged")
    applied = load_model(place / "base", lora=place / "run" / "lora.safetensors")
    for name, tensor in merged.state_dict().items():
        assert torch.allclose(tensor, applied.state_dict()[name], atol=1e-6), name


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "tokenizer.json", "codec.json", "duologue.json"])
def test_a_torn_base_is_named(place: Path, name: str) -> None:
    path = place / "base" / name
    os.truncate(path, path.stat().st_size // 2)
    with pytest.raises(ValueError, match=name.replace(".", r"\.")) as caught:
        adapt(place)
    assert "\n" not in str(caught.value)
    assert not (place / "run").exists()


def test_a_full_disk_keeps_the_last_checkpoint_and_the_run_goes_on(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def go(**more: Any) -> None:
        train([place / "tokens"], place / "run", recipe=place / "small.toml", device="cpu", **more)

    go()
    before = {
        path: path.read_bytes() for path in (place / "run").rglob("*") if path.suffix in (".safetensors", ".json")
    }

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("codec.tensor_file.save_file", full)
        with pytest.raises(DiskFullError, match=r"disk full while writing to .*run: free space"):
            go(resume=True, steps=3)
    assert {path: path.read_bytes() for path in before if "recipe" not in path.name} == {
        path: data for path, data in before.items() if "recipe" not in path.name
    }
    assert [path.name for path in (place / "run").rglob(".*")] == []
    go(resume=True, steps=3)
    lines = (place / "run" / "validation.jsonl").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ['{"step": 1', '{"step": 2', '{"step": 3']
    with pytest.raises(ValueError, match="has taken 3 steps already; 2 are asked for"):
        go(resume=True)
    with pytest.raises(ValueError, match=r"small\.toml is no folder"):
        train([place / "tokens"], place / "small.toml", recipe=place / "small.toml", device="cpu")

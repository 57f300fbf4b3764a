"""The README's Python runs as it stands."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

import pytest
import torch

import agent
from agent.files.checkpoints import save
from codec.locate import WEIGHTS
from tests.support.places import ROOT

README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(first_line: str) -> str:
    """The indented block of the README that begins with a line."""
    found = re.search(rf"((?:^    .*\n|^\n)*?^    {re.escape(first_line)}\n(?:    .*\n)*)", README, re.MULTILINE)
    assert found, f"the README has no block that begins with {first_line!r}"
    text = textwrap.dedent(found[1])
    return text[text.index(first_line) :]


@pytest.mark.skipif(not (WEIGHTS / "laptop.safetensors").exists(), reason="needs the shipped weights")
def test_the_codec_session() -> None:
    names = {"wav": 0.1 * torch.randn(1, 1, 3 * 1920), "x": 0.1 * torch.randn(1, 1, 1920)}
    with torch.no_grad():
        exec(block("from codec import Codec"), names)
    assert names["codes"].shape == (1, 8, 1)
    assert names["y"].shape == (1, 1, 1920)


def test_the_agent_session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = agent.tiny()
    save(agent.LanguageModel(config), tmp_path / "folder")
    monkeypatch.chdir(tmp_path)
    names = {
        "codes": torch.zeros(1, config.streams, 6, dtype=torch.long),
        "user": torch.zeros(1, config.user_codebooks, dtype=torch.long),
    }
    with torch.no_grad():
        exec(block("import agent"), names)
    assert names["out"].logits.shape[2] == 6
    assert names["frame"].tokens.shape[0] == 1

"""The README's Python runs as it stands, on the weights that ship."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
import soundfile  # type: ignore[import-untyped]

import duologue
from tests.support.agent_fixtures import noise
from tests.support.places import ROOT
from tests.support.tiny_corpus import write_corpus

README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)


def test_its_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write_corpus(tmp_path / "out" / "demo", 2)
    soundfile.write("question.wav", noise(4), 24_000)
    names: dict[str, object] = {}
    for block in BLOCKS:
        exec(block, names)
    codes, wave, reply = names["codes"], names["wave"], names["reply"]
    assert isinstance(codes, np.ndarray)
    assert isinstance(wave, np.ndarray)
    assert isinstance(reply, duologue.Reply)
    assert codes.shape == (2, 8, 100)
    assert wave.shape == (2, 100 * 1920)
    assert soundfile.info("both.wav").channels == 2
    assert reply.audio.shape == (2, (4 + 75) * 1920)

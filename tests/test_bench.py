"""Every measurement of bench/ runs, at its smallest size; its figures then mean nothing."""

from __future__ import annotations

import importlib
import json
import os
from pathlib import Path

import pytest

from agent.tokens.tokenize import TokenOrder, tokenize
from bench.__main__ import NAMES
from codec import Codec
from codec.config import tiny
from tests.support.tiny_corpus import write_corpus

NEEDS = {  # wheels that a measurement cannot run without
    "assistant": ("piper",),
    "cascade": ("pipecat",),
    "ear": ("faster_whisper",),
    "engines": ("piper",),
    "garbled": ("piper",),
    "gates": ("piper",),
    "generate": ("piper",),
    "soak": ("psutil",),
    "steps": ("moshi",),
}
PLACES = {"ear": ("SPEECH", "WHISPER")}  # variables that say where its recordings and models lie


@pytest.fixture
def tokens(tmp_path: Path) -> Path:
    """What `bench streams` would make an hour of dialogue for."""
    codec = Codec(tiny(2)).save(tmp_path / "tiny.safetensors")
    corpus = write_corpus(tmp_path / "corpus", 6)
    tokenize(TokenOrder(corpus=corpus, out=tmp_path / "tokens", codec=str(codec), vocabulary_size=290))
    return tmp_path / "tokens"


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning")
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_at_its_smallest_size(
    name: str, capfd: pytest.CaptureFixture[str], request: pytest.FixtureRequest
) -> None:
    for wheel in NEEDS.get(name, ()):
        pytest.importorskip(wheel, reason=f"bench {name} needs the wheel {wheel!r}")
    for variable in PLACES.get(name, ()):
        if variable not in os.environ:
            pytest.skip(f"bench {name} needs {variable} in the environment")
    given = {"tokens": request.getfixturevalue("tokens")} if name == "streams" else {}
    importlib.import_module(NAMES[name], "bench").run(as_json=True, smallest=True, **given)
    assert json.loads(capfd.readouterr().out)


def test_all_that_are_listed_need_what_is_named() -> None:
    assert set(NEEDS) | set(PLACES) <= set(NAMES)

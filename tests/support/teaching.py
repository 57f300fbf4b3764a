"""`agent teach` at a tiny size: an engine of tones in this process, a model that knows nothing, a recipe."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from agent import LanguageModel
from agent.files.bundle import save_bundle
from agent.files.codec_identity import CodecIdentity
from agent.files.vocabulary import train_vocabulary
from agent.model.size import ModelSize
from codec import Codec
from codec.config import tiny as tiny_codec
from synth.running.workers import CorpusJob, MadeDialogue, Worker
from tests.support.tone_engine import ToneEngine

TEXTS = ["when are you open we are open from noon to ten", "how much is a pizza it is nine dollars"] * 9
RECIPE = """
minutes = 0.1
rehearsal = 0.02
known = 1
augment = 0
[voices]
taught = ["ls125-f", "ls1334-m"]
held_out = ["ls1926-f"]
[reading]
known = 0.02
taught = 0.01
[training]
steps = 2
batch = 1
unspoken = 1
frames = 16
checkpoint_every = 1
"""


class PoolHere:
    """Makes dialogues in this process, where tests can put another engine."""

    def __init__(self, job: CorpusJob, workers: int, scripts: object) -> None:
        self._worker = Worker(job)

    def made(self, first: int) -> Iterator[MadeDialogue]:
        return map(self._worker.make, itertools.count(first))

    def stop(self) -> None:
        """There is nothing to stop."""


def speak_tones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the default engine speak tones, in this process."""
    monkeypatch.setattr("synth.running.generate.Pool", PoolHere)
    monkeypatch.setattr("synth.running.workers.load_engine", lambda name, language: ToneEngine())


def tiny_base(folder: Path, *, user_text: bool = True) -> Path:
    """A model, vocabulary and codec at some sixty thousand parameters, as a folder."""
    vocabulary = train_vocabulary(TEXTS, 270)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        codec = Codec(tiny_codec(2))
        size = ModelSize(preset="tiny", user_text_delay=None if user_text else -1)
        model = LanguageModel(size.config(vocabulary.size, 2, 32, vocabulary.pad, vocabulary.end_pad))
    codec.save(folder / "codec.safetensors")
    save_bundle(folder, model, vocabulary, CodecIdentity.of(codec, str(folder / "codec.safetensors")))
    return folder


def tiny_recipe(path: Path) -> Path:
    """A recipe file of a few seconds and steps."""
    path.write_text(RECIPE, encoding="utf-8")
    return path

"""What a server keeps of a model's weights, and what is made once for it."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agent.commands.prepare import prepare
from agent.live import freeing
from agent.live.batch import Batch
from agent.live.controls import Controls
from corpus.audio import FRAME_SAMPLES
from tests.support.agent_fixtures import noise, tiny_bundle

pytest.importorskip("onnxruntime", reason="needs the extra 'onnx'")


def test_talks_go_on_without_the_weights_that_the_runtime_has(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freeing, "SMALL", 0)
    kept, freed = tiny_bundle(), copy.deepcopy(tiny_bundle())
    weights = sum(each.nbytes for each in freed.model.parameters())
    voice = [each.detach().clone() for each in freed.codec.parameters()]
    batches = [Batch(kept, 2, "fused", int8=False), Batch(freed, 2, "fused", int8=False, keep_weights=False)]
    assert sum(each.nbytes for each in kept.model.parameters()) == weights
    assert sum(each.nbytes for each in freed.model.parameters()) == 0
    for before, after in zip(voice, freed.codec.parameters(), strict=True):
        np.testing.assert_array_equal(before, after.detach())  # "fused" takes the codec as it is
    slots = [[batch.open(Controls(seed=seed)) for seed in (3, 4)] for batch in batches]
    for frame in noise(6).reshape(-1, FRAME_SAMPLES):
        said = [batch.step(dict.fromkeys(mine, frame)) for batch, mine in zip(batches, slots, strict=True)]
        for one, other in zip(*slots, strict=True):
            np.testing.assert_array_equal(said[0][one].audio, said[1][other].audio)
    back = []
    for batch, mine in zip(batches, slots, strict=True):
        state = batch.snapshot(mine[0])
        batch.close(mine[1])
        back.append(batch.restore(state))
    said = [batch.step({slot: noise(1)}) for batch, slot in zip(batches, back, strict=True)]
    np.testing.assert_array_equal(said[0][back[0]].audio, said[1][back[1]].audio)


def test_the_modules_as_they_are_keep_theirs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freeing, "SMALL", 0)
    bundle = copy.deepcopy(tiny_bundle())
    batch = Batch(bundle, 1, "torch", keep_weights=False)
    assert batch.step({batch.open(): noise(1)})
    assert all(each.nbytes for each in bundle.model.parameters())


def test_the_codec_is_prepared_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bundle, made = tiny_bundle(), []

    def fastest(codec: Any, cache: Path) -> None:
        made.append(codec)
        (cache / folder_name(codec, int8=True)).mkdir(parents=True)

    from codec.runtime import folder_name

    monkeypatch.setattr("agent.files.bundle.load_bundle", lambda name, codec: bundle)
    monkeypatch.setattr("codec.runtime.fastest", fastest)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    prepare("laptop", None, None)
    prepare("laptop", None, None)
    assert made == [bundle.codec]
    assert capsys.readouterr().out.splitlines()[-1].endswith("made before")

"""The small agent that ships: within its size, whole, speaking through the shipped codec."""

from __future__ import annotations

import numpy as np

from agent.files.bundle import load_bundle
from agent.files.shipped import WEIGHTS
from agent.live.batch import Batch
from agent.live.controls import Controls
from tests.support.speechlike import speech_like

FOLDER = WEIGHTS / "laptop"


def test_files_are_small_and_the_card_names_data_and_licence() -> None:
    sizes = [path.stat().st_size for path in FOLDER.iterdir()]
    assert max(sizes) <= 15_000_000
    assert sum(sizes) <= 60_000_000
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    for told in ("license: apache-2.0", "datasets/conversation.toml", "CC0", "What it cannot do"):
        assert told in card


def test_it_talks_and_the_same_seed_says_the_same() -> None:
    bundle = load_bundle("laptop")
    user = speech_like(2.0, 1).reshape(-1, 1920)[:20]
    batch = Batch(bundle, 2, runtime="fused")
    first, second = batch.open(Controls(seed=3)), batch.open(Controls(seed=3))
    out = [batch.step({first: frame, second: frame}) for frame in user]
    one, two = ([frame[slot] for frame in out] for slot in (first, second))
    assert all(np.array_equal(a.tokens, b.tokens) for a, b in zip(one, two, strict=True))
    assert np.isfinite(np.concatenate([frame.audio for frame in one])).all()
    assert sum(frame.ready for frame in one) >= 18

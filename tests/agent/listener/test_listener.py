"""One network, two forms: what PyTorch says offline, NumPy says frame by frame."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from agent.listener import EarTurnHead, Listener  # noqa: E402
from agent.listener.config import CUES, ListenerConfig  # noqa: E402
from agent.listener.ear import FRAMES, ear_features, pooled  # noqa: E402
from agent.listener.features import BANDS, blank_history, hops  # noqa: E402
from agent.listener.files import write_ear_head, write_listener, write_thresholds  # noqa: E402
from agent.listener.network import ListenerNetwork  # noqa: E402
from corpus.audio import FRAME_SAMPLES  # noqa: E402
from tests.support.speechlike import speech_like  # noqa: E402

TINY = ListenerConfig(front=8, middle=12, hidden=16, layers=2, head=8)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    torch.manual_seed(1)
    network = ListenerNetwork(TINY)
    network.mean.uniform_(-8, 0)
    network.scale.uniform_(0.2, 2)
    write_listener(tmp_path / "tiny", network, {0.2: 0.9, 0.5: 0.6})
    torch.save(network.state_dict(), tmp_path / "network.pt")
    return tmp_path / "tiny"


def offline(folder: Path, sound: np.ndarray) -> np.ndarray:
    network = ListenerNetwork(TINY).eval()
    network.load_state_dict(torch.load(folder.parent / "network.pt", weights_only=True))
    heard, _ = hops(sound, blank_history())
    with torch.no_grad():
        logits, _, _ = network(torch.from_numpy(heard)[None], network.init_state())
    return np.asarray(torch.sigmoid(logits)[0])


def test_frame_by_frame_says_what_the_whole_says(folder: Path) -> None:
    sound = speech_like(4.0, 3)[: 50 * FRAME_SAMPLES]
    listener = Listener.load(folder)
    state, heard = listener.init_state(), []
    for frame in sound.reshape(-1, FRAME_SAMPLES):
        cues, state = listener.step(frame, state)
        heard.append([getattr(cues, name) for name in CUES])
    np.testing.assert_allclose(heard, offline(folder, sound), atol=2e-5)
    assert np.std(heard, 0).min() > 1e-3


def test_a_state_is_a_value(folder: Path) -> None:
    listener, frames = Listener.load(folder), speech_like(2.0, 4)[: 24 * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    _, kept = listener.step(frames[0], listener.init_state())
    once = listener.step(frames[1], kept)[0]
    listener.step(frames[2], kept)
    assert listener.step(frames[1], kept)[0] == once


def test_hops_hear_no_future_and_know_pitch() -> None:
    sound = speech_like(1.0, 5)[:23040]
    whole, _ = hops(sound, blank_history())
    changed = sound.copy()
    changed[50 * 240 :] = 0
    np.testing.assert_array_equal(hops(changed, blank_history())[0][:50], whole[:50])
    tone = sum(np.sin(2 * np.pi * 160 * k * np.arange(4800) / 24000) for k in range(1, 12)).astype(np.float32)
    lags = hops(tone, blank_history())[0][-1, BANDS:]
    seconds = 1 / np.geomspace(400.0, 70.0, len(lags))
    assert abs(1 / seconds[np.argmax(lags[: np.searchsorted(seconds, 0.01)])] - 160) < 8


@pytest.mark.parametrize("length", [0, 1919, 1921])
def test_a_frame_of_another_length_is_refused(folder: Path, length: int) -> None:
    listener = Listener.load(folder)
    with pytest.raises(ValueError, match="1920"):
        listener.step(np.zeros(length, np.float32), listener.init_state())


def test_thresholds_stand_beside_the_weights(folder: Path) -> None:
    assert Listener.load(folder).thresholds == {0.2: 0.9, 0.5: 0.6}
    write_thresholds(folder, {0.3: 0.75})
    assert Listener.load(folder).thresholds == {0.3: 0.75}
    assert json.loads((folder / "config.json").read_text())["network"]["hidden"] == 16
    with pytest.raises(ValueError, match="no listener"):
        Listener.load("nobody")


def test_the_ears_head_reads_what_it_was_trained_on(tmp_path: Path) -> None:
    torch.manual_seed(2)
    width = 6 * 16 + 1
    first, last = torch.nn.Linear(width, 8), torch.nn.Linear(8, 1)
    tensors = {"mean": torch.zeros(width), "scale": torch.ones(width), "first.weight": first.weight}
    tensors |= {"first.bias": first.bias, "last.weight": last.weight, "last.bias": last.bias}
    write_ear_head(tmp_path / "head", tensors)
    head, frames = (
        EarTurnHead.load(tmp_path / "head"),
        np.random.default_rng(0).normal(size=(90, 16)).astype(np.float32),
    )
    seen = torch.from_numpy(ear_features(pooled(frames), 0.4))
    expected = torch.sigmoid(last(torch.nn.functional.gelu(first(seen)))).item()
    assert head.probability(frames, 0.4) == pytest.approx(expected, abs=1e-6)
    assert pooled(frames).shape == (FRAMES, 16)
    assert not pooled(frames)[: FRAMES - 23].any()
    np.testing.assert_allclose(pooled(frames)[-1], frames[-4:].mean(0), atol=1e-6)
    with pytest.raises(ValueError, match="16"):
        head.probability(frames[:, :12], 0.4)

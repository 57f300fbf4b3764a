"""The recognizer frame by frame: offline and streaming are one, states are values, words become tokens."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from agent.hearing.config import HearingConfig  # noqa: E402
from agent.hearing.features import blank_history, hops  # noqa: E402
from agent.hearing.heard_words import HeardWords  # noqa: E402
from agent.hearing.network import HearingNetwork  # noqa: E402
from agent.hearing.ngrams import WordNgrams  # noqa: E402
from agent.hearing.recognizer import NetworkLetters, WordRecognizer, read_recognizer, write_recognizer  # noqa: E402
from agent.hearing.search import SettledWord  # noqa: E402
from codec.layers import streaming  # noqa: E402
from corpus.audio import FRAME_SAMPLES  # noqa: E402
from tests.support.speechlike import speech_like  # noqa: E402

TINY = HearingConfig(dim=16, heads=2, layers=2, feedforward=24, context=20, positions=48)


def tiny() -> HearingNetwork:
    torch.manual_seed(3)
    network = HearingNetwork(TINY).eval()
    network.positions.normal_()
    return network


def test_frame_by_frame_says_what_the_whole_says() -> None:
    """Longer than the context and than the positions."""
    network, sound = tiny(), speech_like(4.0, 3)[: 40 * FRAME_SAMPLES]
    features = torch.from_numpy(hops(sound, blank_history())[0])[None]
    with torch.no_grad():
        whole, _ = network.heard(features, network.init_state())
        state, parts = network.init_state(), []
        for frame in features.split(8, 1):
            told, state = network(frame, state)
            parts.append(told)
        torch.testing.assert_close(torch.cat(parts, 1), whole, atol=2e-5, rtol=1e-4)
        some = network.init_state()
        first, some = network(features[:, :88], some)
        second, _ = network(features[:, 88:], some)
        torch.testing.assert_close(torch.cat([first, second], 1), whole, atol=2e-5, rtol=1e-4)


def test_a_folder_is_opened_and_a_state_is_copied_and_kept(tmp_path: Path) -> None:
    write_recognizer(tmp_path / "ear", tiny(), WordNgrams.of([["a", "bad"], ["cab"]]), {"weight": 0.5, "bonus": 0.5})
    kept = read_recognizer(tmp_path / "ear")[0].state_dict()
    for name, tensor in tiny().state_dict().items():  # in 8 bits
        torch.testing.assert_close(kept[name], tensor, atol=float(tensor.abs().max()) / 200, rtol=1e-3)
    recognizer = WordRecognizer.load(tmp_path / "ear")
    frames = speech_like(2.0, 4)[: 20 * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    state = recognizer.init_state()
    for frame in frames[:10]:
        _, state = recognizer.step(frame, state)
    again_state = streaming.unflatten(recognizer.init_state(), streaming.flatten(streaming.copy(state)))
    for frame in frames[10:]:
        words, state = recognizer.step(frame, state)
        again, again_state = recognizer.step(frame, again_state)
        assert words == again
    for name, tensor in streaming.flatten(state).items():
        torch.testing.assert_close(tensor, streaming.flatten(again_state)[name], rtol=0, atol=0)
    with pytest.raises(ValueError, match="is no recognizer"):
        WordRecognizer.load(tmp_path)
    with pytest.raises(ValueError, match="a frame has the shape"):
        recognizer.step(frames[0][:100], state)


class Scripted:
    """Gives words at certain frames."""

    def __init__(self, words: dict[int, list[str]]) -> None:
        self.words = words

    def init_state(self) -> int:
        return 0

    def step(self, frame: np.ndarray, state: int) -> tuple[list[SettledWord], int]:
        return [SettledWord(text, 0, 0) for text in self.words.get(state, [])], state + 1


class Spelled:
    """A vocabulary of one id a letter."""

    pad, end_pad = 3, 0

    def encode(self, text: str) -> list[int]:
        return [100 + ord(letter) - ord("a") for letter in text]


def test_words_become_a_token_a_frame() -> None:
    hearing = HeardWords(Scripted({1: ["ab"], 2: ["c"], 7: ["d"]}), Spelled())  # type: ignore[arg-type]
    state, tokens = hearing.init_state(), []
    for _ in range(11):
        token, state = hearing.step(np.zeros(FRAME_SAMPLES, np.float32), state)
        tokens.append(token)
    assert tokens == [3, 0, 100, 101, 102, 3, 3, 0, 103, 3, 3]


def test_the_graph_says_what_the_network_says() -> None:
    pytest.importorskip("onnxruntime")
    from agent.hearing.graph_letters import GraphLetters

    network, sound = tiny(), speech_like(3.0, 6)[: 30 * FRAME_SAMPLES]
    features = torch.from_numpy(hops(sound, blank_history())[0])[None]
    plain, graph = NetworkLetters(network), GraphLetters(network, int8=False)
    mine, theirs = plain.init_state(), graph.init_state()
    for frame in features.split(8, 1):
        told, mine = plain.step(frame, mine)
        again, theirs = graph.step(frame, theirs)
        torch.testing.assert_close(again, told, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(theirs.keys, mine.keys, atol=1e-4, rtol=1e-4)

"""The recognizer frame by frame: offline and streaming are one, states are values, words become tokens."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from agent.hearing.config import SYMBOLS, HearingConfig  # noqa: E402
from agent.hearing.features import blank_history, hops  # noqa: E402
from agent.hearing.heard_words import HeardWords  # noqa: E402
from agent.hearing.mistakes import Mistakes  # noqa: E402
from agent.hearing.network import HearingNetwork  # noqa: E402
from agent.hearing.ngrams import WordNgrams  # noqa: E402
from agent.hearing.recognizer import (  # noqa: E402
    VOICED,
    NetworkLetters,
    WordRecognizer,
    read_recognizer,
    write_recognizer,
)
from agent.hearing.search import SettledWord, WordSearch  # noqa: E402
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


@dataclass(frozen=True)
class ScriptedState:
    frame: int
    voiced: bool


class Scripted:
    """Gives words at certain frames, hears a voice in some."""

    def __init__(self, words: dict[int, list[str]], voiced: range = range(0)) -> None:
        self.words, self.voiced = words, voiced

    def init_state(self) -> ScriptedState:
        return ScriptedState(0, False)

    def step(self, frame: np.ndarray, state: ScriptedState) -> tuple[list[SettledWord], ScriptedState]:
        words = [SettledWord(text, 0, 0) for text in self.words.get(state.frame, [])]
        return words, ScriptedState(state.frame + 1, state.frame in self.voiced)


class Spelled:
    """A vocabulary of one id a letter."""

    pad, end_pad = 3, 0

    def encode(self, text: str) -> list[int]:
        return [100 + ord(letter) - ord("a") for letter in text]


def heard_tokens(hearing: HeardWords, frames: int) -> list[int]:
    state, tokens = hearing.init_state(), []
    for _ in range(frames):
        token, state = hearing.step(np.zeros(FRAME_SAMPLES, np.float32), state)
        tokens.append(token)
    return tokens


def test_words_become_a_token_a_frame() -> None:
    words = Scripted({1: ["ab"], 2: ["c"], 7: ["d"]}, range(4, 8))
    plain, marked = (HeardWords(words, Spelled(), marks) for marks in (False, True))  # type: ignore[arg-type]
    assert heard_tokens(plain, 11) == [3, 0, 100, 101, 102, 3, 3, 0, 103, 3, 3]
    assert heard_tokens(marked, 11) == [3, 0, 100, 101, 102, 0, 0, 0, 103, 3, 3]


class Blinking:
    """Hears a letter in the first step of certain frames."""

    def __init__(self, frames: set[int]) -> None:
        self.frames = frames

    def init_state(self) -> int:
        return 0

    def step(self, features: torch.Tensor, state: int) -> tuple[torch.Tensor, int]:
        told = torch.full((1, 2, len(SYMBOLS)), -9.0)
        told[:, :, 0] = 0.0
        if state in self.frames:
            told[:, 0, 0], told[:, 0, 2] = -3.0, -0.05
        return told, state + 1


def test_a_voice_is_heard_for_a_moment_behind_its_last_letter() -> None:
    recognizer = WordRecognizer(Blinking({2, 3, 9}), WordSearch(WordNgrams.of([["a"]])))  # type: ignore[arg-type]
    state, voiced = recognizer.init_state(), []
    for _ in range(14):
        _, state = recognizer.step(np.zeros(FRAME_SAMPLES, np.float32), state)
        voiced.append(state.voiced)
    assert [index for index, there in enumerate(voiced) if there] == [2, 3, 4, 9, 10]
    assert int(state.quiet) == VOICED  # it does not grow without end


def test_mistakes_are_what_was_heard_instead(tmp_path: Path) -> None:
    pairs = [
        ("two and two", "to and two"),
        ("the biggest animal", "the big is can"),
        ("a cow", "cow"),
        ("a cow", "cow"),
    ]
    found = Mistakes.gathered(pairs)
    assert found.of_words == {"two": ["to"], "biggest": ["big is"], "animal": ["can"], "a": ["", ""]}
    generator = np.random.default_rng(0)
    assert found.heard("cow", 0.0, generator) == ["cow"]
    assert found.heard("biggest", 1.0, generator) == ["big", "is"]
    assert found.heard("a", 1.0, generator) == Mistakes().heard("zebra", 1.0, generator) == []
    write_recognizer(tmp_path / "ear", tiny(), WordNgrams.of([["a"]]), {"weight": 0.5, "bonus": 0.5})
    assert Mistakes.of(tmp_path / "ear") == Mistakes()
    found.save(tmp_path / "ear")
    assert Mistakes.of(tmp_path / "ear") == found
    with pytest.raises(ValueError, match="is no recognizer"):
        Mistakes.of(tmp_path)


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

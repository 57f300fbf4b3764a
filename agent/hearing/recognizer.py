"""The recognizer at run time: 80 ms of a user's sound in, the words that are clear by now out; its state a value."""

from __future__ import annotations

import importlib.util
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from corpus.audio import FRAME_SAMPLES, Samples
from corpus.durable import replace_text

from .config import HearingConfig
from .features import HISTORY, hops
from .network import HearingNetwork, NetworkState
from .ngrams import WordNgrams
from .search import BLANK, SearchState, SettledWord, WordSearch

WEIGHTS = Path(__file__).parents[1] / "weights"
CONFIG, MODEL, WORDS = "config.json", "model.safetensors", "words.npz"
LETTER = 0.3  # chance of anything but a blank in a step of 40 ms in which a voice is heard
VOICED = 4  # such steps for which it still is after one
SCALE = ".scale"  # behind the name of a matrix of 8 bits


@dataclass(frozen=True)
class RecognizerState:
    """All that is remembered of one user; batch axis 1."""

    history: Tensor  # [1, 360], the sound that the next hop still sees
    network: NetworkState
    search: SearchState
    quiet: Tensor  # int64 [1], steps of 40 ms since the last in which a voice was heard

    @property
    def voiced(self) -> bool:
        """Whether somebody is speaking, words or not yet words."""
        return int(self.quiet) < VOICED


class Letters(Protocol):
    """What computes chances of letters: PyTorch, or a graph."""

    def init_state(self) -> NetworkState:
        """The state before the first sound, batch 1."""

    def step(self, features: Tensor, state: NetworkState) -> tuple[Tensor, NetworkState]:
        """Features `[1, 8, 80]` of a frame -> log probabilities `[1, 2, 29]`."""


class NetworkLetters:
    """The network as it is."""

    def __init__(self, network: HearingNetwork) -> None:
        self.network = network.eval()

    def init_state(self) -> NetworkState:
        """See `Letters`."""
        return self.network.init_state()

    @torch.inference_mode()
    def step(self, features: Tensor, state: NetworkState) -> tuple[Tensor, NetworkState]:
        """See `Letters`."""
        told, after = self.network(features, state)
        return told, after


class WordRecognizer:
    """Writes down what a user says. It holds weights only: one serves any number of conversations, from any thread."""

    def __init__(self, letters: Letters, search: WordSearch) -> None:
        self.letters, self.search = letters, search

    @classmethod
    def load(cls, name_or_folder: str | Path = "ear", exact: bool = False) -> WordRecognizer:
        """Open a shipped recognizer by name, or a folder.

        Args:
            name_or_folder: of it.
            exact: the network as it was trained, in place of the graph with 8-bit matrices, three times as quick.

        Raises:
            ValueError: there is none there.
        """
        network, ngrams, settings = read_recognizer(name_or_folder)
        letters: Letters = NetworkLetters(network)
        if not exact and importlib.util.find_spec("onnxruntime") and importlib.util.find_spec("onnx"):
            from .graph_letters import GraphLetters

            letters = GraphLetters(network)
        return cls(letters, WordSearch(ngrams, **settings))

    def init_state(self) -> RecognizerState:
        """The state before the first sound."""
        return RecognizerState(
            torch.zeros(1, HISTORY), self.letters.init_state(), self.search.init_state(), torch.tensor([VOICED])
        )

    def step(self, frame: Samples, state: RecognizerState) -> tuple[list[SettledWord], RecognizerState]:
        """Hear the next 80 ms.

        Args:
            frame: float32 `[1920]` at 24 kHz in [-1, 1].
            state: of `init_state` or of the step before.

        Returns:
            the words that are settled now, and the next state.

        Raises:
            ValueError: if the frame has another length.
        """
        if frame.shape != (FRAME_SAMPLES,):
            raise ValueError(f"a frame has the shape ({FRAME_SAMPLES},), not {frame.shape}")
        features, history = hops(frame, state.history[0].numpy())
        told, network = self.letters.step(torch.from_numpy(features)[None], state.network)
        chances = told[0].numpy()
        words, search = self.search.step(chances, state.search)
        letters = np.flatnonzero(1 - np.exp(chances[:, BLANK]) > LETTER)
        quiet = len(chances) - 1 - letters[-1] if len(letters) else min(int(state.quiet) + len(chances), VOICED)
        heard = torch.from_numpy(history.copy())[None]
        return words, RecognizerState(heard, network, search, torch.tensor([quiet]))


def write_recognizer(folder: Path, network: HearingNetwork, ngrams: WordNgrams, settings: dict[str, float]) -> None:
    """Write a folder that `WordRecognizer.load` opens; `settings`: `weight` and `bonus` of the search."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(_shortened(network.state_dict()), folder / MODEL)
    ngrams.save(folder / WORDS)
    config = {"network": asdict(network.config), "search": settings}
    replace_text(folder / CONFIG, json.dumps(config, indent=2) + "\n")


def find_recognizer(name_or_folder: str | Path) -> Path:
    """The folder of a shipped recognizer, or the one given. Raises ValueError where there is none."""
    for folder in (WEIGHTS / str(name_or_folder), Path(name_or_folder)):
        if (folder / CONFIG).is_file() and (folder / WORDS).is_file():
            return folder
    raise ValueError(
        f"{name_or_folder} is no recognizer: give the name of a shipped one or a folder with {CONFIG} and {WORDS}"
    )


def read_recognizer(name_or_folder: str | Path) -> tuple[HearingNetwork, WordNgrams, dict[str, float]]:
    """Network, words and settings. Raises ValueError where there are none."""
    folder = find_recognizer(name_or_folder)
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    network = HearingNetwork(HearingConfig(**config["network"]))
    network.load_state_dict(_widened(load_file(folder / MODEL)))
    return network.eval(), WordNgrams.load(folder / WORDS), config["search"]


def begin_with_recognizer(network: HearingNetwork, name_or_folder: str | Path) -> None:
    """Copy a recognizer's weights. Raises ValueError where there is none, or one of other sizes."""
    before = read_recognizer(name_or_folder)[0]
    if before.config != network.config:
        raise ValueError(f"{name_or_folder} has other sizes: {before.config}, not {network.config}")
    network.load_state_dict(before.state_dict())


def _shortened(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Matrices in 8 bits with a scale for each row, everything else with half precision."""
    kept = {}
    for name, tensor in weights.items():
        if name.endswith(".weight") and tensor.dim() > 1:
            scale = tensor.flatten(1).abs().amax(1).clamp(min=1e-9) / 127
            kept[name] = torch.round(tensor / scale.view(-1, *[1] * (tensor.dim() - 1))).to(torch.int8)
            kept[name + SCALE] = scale.float()
        else:
            kept[name] = tensor.half().contiguous()
    return kept


def _widened(kept: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same in float32."""
    weights = {}
    for name, tensor in kept.items():
        if not name.endswith(SCALE):
            scale = kept.get(name + SCALE)
            shape = (-1, *[1] * (tensor.dim() - 1))
            weights[name] = tensor.float() if scale is None else tensor.float() * scale.view(shape)
    return weights

"""The listener at run time: 80 ms of the user's sound in, its opinion out; NumPy alone, the state a plain value."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file
from scipy.special import erf, expit  # type: ignore[import-untyped]

from corpus.audio import FRAME_SAMPLES, Samples

from .config import CUES, KERNEL, ListenerConfig
from .features import blank_history, hops

WEIGHTS = Path(__file__).parents[1] / "weights"


@dataclass(frozen=True)
class Cues:
    """What the listener thinks of one frame of 80 ms; probabilities in [0, 1]."""

    speech: float  # the user's voice is active in this frame
    turn_end: float  # read it when the user is silent: the turn is over (1) rather than a pause in it (0)
    ends_soon: float  # read it while he speaks: the turn ends within 0.5 s
    backchannel: float  # read it while he speaks: a backchannel, not meant to take the floor


@dataclass(frozen=True)
class ListenerState:
    """All that the listener remembers; its arrays are never written to, so keeping the object is a copy."""

    history: Samples  # [720], the sound that the next hop still sees
    steps: tuple[Samples, ...]  # two steps of each convolution, [2, C]
    hidden: tuple[Samples, ...]  # one vector of each recurrent layer, [hidden]


class Listener:
    """A trained listener. It holds weights only: one serves any number of conversations, from any thread."""

    def __init__(
        self, config: ListenerConfig, weights: Mapping[str, Samples], thresholds: Mapping[float, float]
    ) -> None:
        """`thresholds`: seconds of silence -> the least `turn_end` that counts as an end after so much of it."""
        self.config = config
        self.thresholds = dict(thresholds)
        self._weights = dict(weights)
        convs = [f"downs.{i}.conv" for i in range(len(config.channels) - 1)]
        self._kernels = [
            self._weights[f"{n}.weight"].transpose(2, 1, 0).reshape(-1, len(self._weights[f"{n}.bias"])) for n in convs
        ]
        self._biases = [self._weights[f"{n}.bias"] for n in convs]

    @classmethod
    def load(cls, name_or_folder: str | Path = "listener") -> Listener:
        """Open a shipped listener by name, or a folder with `config.json` and `model.safetensors`.

        Raises:
            ValueError: there is none there.
        """
        folder = find_weights(name_or_folder, "listener")
        settings = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        thresholds = {float(silence): float(least) for silence, least in settings["thresholds"].items()}
        return cls(ListenerConfig(**settings["network"]), load_file(folder / "model.safetensors"), thresholds)

    def init_state(self) -> ListenerState:
        """The state before the first sound."""
        config = self.config
        steps = tuple(np.zeros((KERNEL - 2, channels), np.float32) for channels in config.channels[:-1])
        return ListenerState(blank_history(), steps, (np.zeros(config.hidden, np.float32),) * config.layers)

    def step(self, frame: Samples, state: ListenerState) -> tuple[Cues, ListenerState]:
        """Hear the next 80 ms.

        Args:
            frame: float32 `[1920]` at 24 kHz in [-1, 1].
            state: of `init_state` or of the step before.

        Returns:
            the opinion on the user up to the frame's last sample (there is no look-ahead), and the next state.

        Raises:
            ValueError: if the frame has another length.
        """
        if frame.shape != (FRAME_SAMPLES,):
            raise ValueError(f"a frame has the shape ({FRAME_SAMPLES},), not {frame.shape}")
        weights = self._weights
        heard, history = hops(frame, state.history)
        x: Samples = (heard - weights["mean"]) * weights["scale"]
        x = _gelu(x @ weights["inlet.weight"].T + weights["inlet.bias"])
        steps: list[Samples] = []
        for kernel, bias, past in zip(self._kernels, self._biases, state.steps, strict=True):
            joined = np.concatenate([past, x])
            windows = np.stack([joined[i : i + KERNEL].reshape(-1) for i in range(0, len(x), 2)])
            x = _gelu(windows @ kernel + bias)
            steps.append(joined[2 - KERNEL :])
        stream = self._norm(x[0], "norm")
        hidden = []
        for i, past in enumerate(state.hidden):
            hidden.append(self._recur(i, self._norm(stream, f"norms.{i}"), past))
            stream = stream + hidden[-1]
        head = _gelu(weights["cues.0.weight"] @ stream + weights["cues.0.bias"])
        logits = weights["cues.3.weight"] @ head + weights["cues.3.bias"]
        cues = Cues(**{name: float(value) for name, value in zip(CUES, expit(logits), strict=True)})
        return cues, ListenerState(history, tuple(steps), tuple(hidden))

    def _norm(self, x: Samples, name: str) -> Samples:
        centred = x - x.mean()
        normed = centred / np.sqrt((centred**2).mean() + 1e-5)
        return np.asarray(normed * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"], np.float32)

    def _recur(self, layer: int, x: Samples, past: Samples) -> Samples:
        """A gated recurrent unit, as PyTorch writes it."""
        weights, prefix = self._weights, f"recurrent.{layer}."
        new = weights[prefix + "weight_ih_l0"] @ x + weights[prefix + "bias_ih_l0"]
        old = weights[prefix + "weight_hh_l0"] @ past + weights[prefix + "bias_hh_l0"]
        n = len(past)
        reset, update = expit(new[:n] + old[:n]), expit(new[n : 2 * n] + old[n : 2 * n])
        candidate = np.tanh(new[2 * n :] + reset * old[2 * n :])
        return np.asarray(candidate + update * (past - candidate), np.float32)


def _gelu(x: NDArray[np.floating[Any]]) -> Samples:
    return np.asarray(0.5 * x * (1 + erf(x * np.float32(0.5**0.5))), np.float32)


def find_weights(name_or_folder: str | Path, kind: str) -> Path:
    """The folder of shipped weights of that name, or the folder itself.

    Raises:
        ValueError: neither holds `model.safetensors`.
    """
    for folder in (WEIGHTS / str(name_or_folder), Path(name_or_folder)):
        if (folder / "model.safetensors").exists():
            return folder
    raise ValueError(
        f"{name_or_folder} is no {kind}: give the name of a shipped one or a folder with model.safetensors"
    )

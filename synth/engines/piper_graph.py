"""A Piper voice's ONNX graph with its randomness turned into inputs and its phoneme durations into an output.

As exported, the graph draws noise inside (two RandomNormalLike nodes), so the same call never sounds the same twice,
and it keeps to itself how many frames each phoneme got (the Ceil of VITS's duration predictor, Kim et al. 2021).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime  # type: ignore[import-untyped]
from onnx import TensorProto, helper

HOP = 256  # samples per frame of the vocoder
DURATION_NOISE = "duration_noise"  # [1, 2, phoneme ids]
LATENT_NOISE = "latent_noise"  # [1, 192, any length]: repeated along time as far as needed
LATENT_CHANNELS = 192
DURATIONS = "durations"  # [1, 1, phoneme ids], frames

Floats = npt.NDArray[np.float32]


class PiperGraph:
    """A VITS voice that is a pure function of its inputs.

    Args:
        path: the voice's `.onnx` file.

    Raises:
        ValueError: the graph is not that of a single-speaker Piper voice.
    """

    def __init__(self, path: Path) -> None:
        model = onnx.load(str(path))
        try:
            make_deterministic(model.graph)
        except (StopIteration, AssertionError) as error:
            raise ValueError(f"{path} is not a Piper voice this reader knows: {error}") from None
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1  # processes are the parallelism, and sums keep their order
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        self._session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )

    def speak(
        self, ids: list[int], rng: np.random.Generator, length: float, noise: float, duration_noise: float
    ) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Sound phoneme ids.

        Args:
            ids: phoneme ids, with begin, pads and end.
            rng: source of all noise.
            length: scale of the durations.
            noise: standard deviation of the latent noise.
            duration_noise: standard deviation of the duration noise.

        Returns:
            samples float32 `[T]` and durations in frames `[len(ids)]`; `T = HOP * durations.sum()`.
        """
        latent_frames = 8 * len(ids)
        samples, durations = self._session.run(
            ["output", DURATIONS],
            {
                "input": np.array([ids], np.int64),
                "input_lengths": np.array([len(ids)], np.int64),
                "scales": np.array([noise, length, duration_noise], np.float32),
                DURATION_NOISE: rng.standard_normal((1, 2, len(ids)), np.float32),
                LATENT_NOISE: rng.standard_normal((1, LATENT_CHANNELS, latent_frames), np.float32),
            },
        )
        return samples.reshape(-1), durations.reshape(-1).astype(np.int64)


def make_deterministic(graph: onnx.GraphProto) -> None:
    """Replace in place both noise nodes by inputs and publish the durations."""
    noises = [node for node in graph.node if node.op_type == "RandomNormalLike"]
    assert len(noises) == 2, f"{len(noises)} noise nodes instead of 2"
    duration = next(node for node in noises if node.name.startswith("/dp/"))
    latent = next(node for node in noises if not node.name.startswith("/dp/"))
    ceil = [node for node in graph.node if node.op_type == "Ceil"]
    assert len(ceil) == 1, f"{len(ceil)} duration nodes instead of 1"

    replacements = {
        duration.name: [helper.make_node("Identity", [DURATION_NOISE], list(duration.output), "noise/duration")],
        latent.name: _repeated_to(latent.input[0], latent.output[0]),
        ceil[0].name: [ceil[0], helper.make_node("Identity", list(ceil[0].output), [DURATIONS], "durations")],
    }
    nodes = [new for node in graph.node for new in replacements.get(node.name, [node])]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.input.append(helper.make_tensor_value_info(DURATION_NOISE, TensorProto.FLOAT, [1, 2, "phonemes"]))
    graph.input.append(helper.make_tensor_value_info(LATENT_NOISE, TensorProto.FLOAT, [1, LATENT_CHANNELS, "noise"]))
    graph.output.append(helper.make_tensor_value_info(DURATIONS, TensorProto.FLOAT, [1, 1, "phonemes"]))


def _repeated_to(like: str, output: str) -> list[onnx.NodeProto]:
    """Nodes that lay LATENT_NOISE end to end until it is as long as `like`, whose length only the graph knows."""

    def constant(name: str, values: list[int], shape: list[int]) -> onnx.NodeProto:
        tensor = helper.make_tensor(name, TensorProto.INT64, shape, values)
        return helper.make_node("Constant", [], [name], name, value=tensor)

    def length_of(tensor: str, name: str) -> list[onnx.NodeProto]:
        return [
            helper.make_node("Shape", [tensor], [f"{name}/shape"], f"{name}/shape"),
            helper.make_node("Gather", [f"{name}/shape", "noise/axis"], [name], name, axis=0),
        ]

    return [
        constant("noise/axis", [2], []),
        constant("noise/zero", [0], []),
        constant("noise/one", [1], []),
        *length_of(like, "noise/wanted"),
        *length_of(LATENT_NOISE, "noise/given"),
        helper.make_node("Range", ["noise/zero", "noise/wanted", "noise/one"], ["noise/range"], "noise/range"),
        helper.make_node("Mod", ["noise/range", "noise/given"], ["noise/index"], "noise/index"),
        helper.make_node("Gather", [LATENT_NOISE, "noise/index"], [output], "noise/latent", axis=2),
    ]

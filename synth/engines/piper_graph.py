"""A Piper voice's ONNX graph with its randomness turned into inputs and its phoneme durations into an output.

A clip can be had piece by piece: the graph is cut where its vocoder begins, whose samples depend on a few frames around
them only, so that the first words sound before the last are made.

As exported, the graph draws noise inside (two RandomNormalLike nodes), so the same call never sounds the same twice,
and it keeps to itself how many frames each phoneme got (the Ceil of VITS's duration predictor, Kim et al. 2021).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime  # type: ignore[import-untyped]
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper
from onnx.utils import Extractor

from .piper_speakers import SPEAKER, VECTOR, Speakers, mixed_vector, with_speaker_vector

HOP = 256  # samples per frame of the vocoder
DURATION_NOISE = "duration_noise"  # [1, 2, phoneme ids]
LATENT_NOISE = "latent_noise"  # [1, 192, any length]: repeated along time as far as needed
LATENT_CHANNELS = 192  # the most a voice has; small ones take the first of them
DURATIONS = "durations"  # [1, 1, phoneme ids], frames

VOCODER = "dec.conv_pre.weight"  # of the first layer of the vocoder
AROUND = 12  # frames on either side on which a sample depends; those farther off change it by less than 1e-6
FIRST, NEXT = 24, 64  # frames of the first piece and of the later ones

Floats = npt.NDArray[np.float32]
Inputs = dict[str, npt.NDArray[np.generic]]


class Scales(NamedTuple):
    """How a text is sounded: scale of the durations, standard deviations of the latent and of the duration noise."""

    length: float
    noise: float
    duration_noise: float


class PiperGraph:
    """A VITS voice that is a pure function of its inputs.

    Args:
        path: the voice's `.onnx` file.

    Raises:
        ValueError: the file is not a Piper voice's.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        model, self._table = self._model()
        names = {given.name for given in model.graph.input}
        self._conditions = [name for name in (VECTOR, SPEAKER) if name in names]
        self._session = _session(model)

    @property
    def speakers(self) -> int:
        """How many speakers can be blended; 0 where their vectors are not in one table."""
        return 0 if self._table is None else len(self._table)

    def speak(
        self,
        ids: list[int],
        rng: np.random.Generator,
        scales: Scales,
        speaker: int | Speakers = 0,
    ) -> tuple[Floats, npt.NDArray[np.int64]]:
        """Sound phoneme ids.

        Args:
            ids: phoneme ids, with begin, pads and end.
            rng: source of all noise.
            scales: of durations and noise.
            speaker: its number in a voice with several, or several of them with their shares.

        Returns:
            samples float32 `[T]` and durations in frames `[len(ids)]`; `T = HOP * durations.sum()`.
        """
        given = self._inputs(ids, rng, scales, speaker)
        samples, durations = self._session.run(["output", DURATIONS], given)
        return samples.reshape(-1), durations.reshape(-1).astype(np.int64)

    def stream(
        self,
        ids: list[int],
        rng: np.random.Generator,
        scales: Scales,
        speaker: int | Speakers = 0,
    ) -> tuple[Iterator[Floats], npt.NDArray[np.int64]]:
        """As `speak`, the samples in pieces that are made when they are asked for; the same to 1e-6."""
        if self._halves is None:
            whole, durations = self.speak(ids, rng, scales, speaker)
            return iter([whole]), durations
        front, vocoder, latent = self._halves
        given = self._inputs(ids, rng, scales, speaker)
        frames, durations = front.run([latent, DURATIONS], given)
        asked = {each.name for each in vocoder.get_inputs()}
        also = {name: given[name] for name in self._conditions if name in asked}
        return _sounded(frames, vocoder, latent, also), durations.reshape(-1).astype(np.int64)

    def _inputs(
        self,
        ids: list[int],
        rng: np.random.Generator,
        scales: Scales,
        speaker: int | Speakers,
    ) -> Inputs:
        latent_frames = 8 * len(ids)
        return {
            "input": np.array([ids], np.int64),
            "input_lengths": np.array([len(ids)], np.int64),
            "scales": np.array([scales.noise, scales.length, scales.duration_noise], np.float32),
            DURATION_NOISE: rng.standard_normal((1, 2, len(ids)), np.float32),
            LATENT_NOISE: rng.standard_normal((1, LATENT_CHANNELS, latent_frames), np.float32),
            **self._who(speaker),
        }

    def _who(self, speaker: int | Speakers) -> Inputs:
        """The graph's input that says who speaks; none where it has one speaker."""
        if self._table is not None:
            return {VECTOR: mixed_vector(self._table, speaker)}
        assert isinstance(speaker, int), "only speakers of a table are blended"
        return {SPEAKER: np.array([speaker], np.int64)} if self._conditions else {}

    def _model(self) -> tuple[onnx.ModelProto, Floats | None]:
        """The model, and the vectors of its speakers where they are in one table."""
        try:
            model = onnx.load(str(self._path))
            make_deterministic(model.graph)
            table = with_speaker_vector(model.graph)
        except (OSError, DecodeError, ValueError) as error:
            raise ValueError(f"{self._path} is not a Piper voice this reader knows: {error}") from None
        return model, table

    @cached_property
    def _halves(self) -> tuple[onnxruntime.InferenceSession, onnxruntime.InferenceSession, str] | None:
        """What makes the frames, the vocoder, and the tensor between; None where the vocoder is not found."""
        model, _ = self._model()
        first = next((node for node in model.graph.node if VOCODER in node.input), None)
        if first is None:
            return None
        between = helper.make_tensor_value_info(first.input[0], TensorProto.FLOAT, [1, None, None])
        names = [given.name for given in model.graph.input]
        front, vocoder = onnx.ModelProto(), onnx.ModelProto()
        front.CopyFrom(model)
        front.graph.output.append(between)
        vocoder.CopyFrom(model)
        vocoder.graph.input.append(between)
        return (
            _session(Extractor(front).extract_model(names, [between.name, DURATIONS])),
            _session(Extractor(vocoder).extract_model([between.name, *self._conditions], ["output"])),
            between.name,
        )


def _session(model: onnx.ModelProto) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # processes are the parallelism, and sums keep their order
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def _sounded(frames: Floats, vocoder: onnxruntime.InferenceSession, latent: str, also: Inputs) -> Iterator[Floats]:
    """The samples of frames `[1, C, T]`, piece by piece."""
    start, total = 0, frames.shape[2]
    while start < total:
        end = min(total, start + (NEXT if start else FIRST))
        first = max(0, start - AROUND)
        (samples,) = vocoder.run(["output"], {latent: frames[:, :, first : end + AROUND], **also})
        yield samples.reshape(-1)[(start - first) * HOP : (end - first) * HOP]
        start = end


def make_deterministic(graph: onnx.GraphProto) -> None:
    """Replace in place both noise nodes by inputs and publish the durations. Raises ValueError where they are not."""
    noises = [node for node in graph.node if node.op_type == "RandomNormalLike"]
    ceil = [node for node in graph.node if node.op_type == "Ceil"]
    if (len(noises), len(ceil)) != (2, 1):
        raise ValueError(f"it has {len(noises)} nodes of noise and {len(ceil)} of durations, not 2 and 1")
    before = _before(graph, ceil[0])
    duration, latent = sorted(noises, key=lambda node: node.output[0] not in before)
    if duration.output[0] not in before or latent.output[0] in before:
        raise ValueError("its durations draw no noise, or all of it")

    replacements = {
        duration.output[0]: [helper.make_node("Identity", [DURATION_NOISE], list(duration.output), "noise/duration")],
        latent.output[0]: _repeated_to(latent.input[0], latent.output[0]),
        ceil[0].output[0]: [ceil[0], helper.make_node("Identity", list(ceil[0].output), [DURATIONS], "durations")],
    }
    nodes = [new for node in graph.node for new in replacements.get(node.output[0], [node])]
    del graph.node[:]
    graph.node.extend(nodes)
    graph.input.append(helper.make_tensor_value_info(DURATION_NOISE, TensorProto.FLOAT, [1, 2, "phonemes"]))
    graph.input.append(helper.make_tensor_value_info(LATENT_NOISE, TensorProto.FLOAT, [1, LATENT_CHANNELS, "noise"]))
    graph.output.append(helper.make_tensor_value_info(DURATIONS, TensorProto.FLOAT, [1, 1, "phonemes"]))


def _before(graph: onnx.GraphProto, node: onnx.NodeProto) -> set[str]:
    """All tensors that a node is computed from."""
    makers = {output: maker for maker in graph.node for output in maker.output}
    nodes: set[str] = set()
    open_ends = list(node.input)
    while open_ends:
        tensor = open_ends.pop()
        if tensor not in nodes:
            nodes.add(tensor)
            open_ends += makers[tensor].input if tensor in makers else ()
    return nodes


def _repeated_to(like: str, output: str) -> list[onnx.NodeProto]:
    """Nodes that give LATENT_NOISE the shape of `like`, which only the graph knows.

    It is laid end to end along time, and loses the channels that `like` does not have.
    """

    def constant(name: str, values: list[int], shape: list[int]) -> onnx.NodeProto:
        tensor = helper.make_tensor(name, TensorProto.INT64, shape, values)
        return helper.make_node("Constant", [], [name], name, value=tensor)

    def length_of(tensor: str, name: str, axis: str = "noise/time") -> list[onnx.NodeProto]:
        return [
            helper.make_node("Shape", [tensor], [f"{name}/shape"], f"{name}/shape"),
            helper.make_node("Gather", [f"{name}/shape", axis], [name], name, axis=0),
        ]

    return [
        constant("noise/time", [2], []),
        constant("noise/channel", [1], []),
        constant("noise/zero", [0], []),
        constant("noise/one", [1], []),
        *length_of(like, "noise/wanted"),
        *length_of(LATENT_NOISE, "noise/given"),
        helper.make_node("Range", ["noise/zero", "noise/wanted", "noise/one"], ["noise/range"], "noise/range"),
        helper.make_node("Mod", ["noise/range", "noise/given"], ["noise/index"], "noise/index"),
        *length_of(like, "noise/channels", "noise/channel"),
        helper.make_node("Range", ["noise/zero", "noise/channels", "noise/one"], ["noise/first"], "noise/first"),
        helper.make_node("Gather", [LATENT_NOISE, "noise/first"], ["noise/kept"], "noise/kept", axis=1),
        helper.make_node("Gather", ["noise/kept", "noise/index"], [output], "noise/latent", axis=2),
    ]

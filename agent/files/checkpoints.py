"""Model folders: `config.json` with Moshi's keys and safetensors files with Kyutai's native tensor names.

Split and stacked attention matrices are read and written. Eight-bit files have int8 weights with `weight_scb` scales.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from codec.tensor_file import save_tensors
from corpus.durable import replace_text
from corpus.strict import load_json

from ..model.config import ModelConfig
from ..model.language_model import LanguageModel
from ..model.lora import LoraLinear, adapter_tensors, merge_adapters
from ..model.presets import moshi_7b
from ..model.quantized import Int8Linear
from .assemble import build, cast, load_adapters, with_both_sides
from .config_json import OWN_KEY, PASSENGERS, from_moshi, to_moshi
from .shipped import find_bundle
from .tensor_names import from_native, stack, to_native

WEIGHTS, ADAPTERS = "model.safetensors", "lora.safetensors"
LEGACY = {  # files of Moshi's first repositories, which have no config.json and are the 7B model
    "mimi_name": "tokenizer-e351c8d8-checkpoint125.safetensors",
    "tokenizer_name": "tokenizer_spm_32k_3.model",
}
OWN_CONFIG = "duologue.json"  # beside config.json, which Kyutai's software takes no unknown key in


def read_config(folder: str | Path) -> tuple[ModelConfig, dict[str, Any]]:
    """The configuration in a folder, and every key of its `config.json`. Bad files raise ValueError."""
    path = Path(folder) / "config.json"
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if (Path(folder) / LEGACY["tokenizer_name"]).exists():
            return moshi_7b(), {**to_moshi(moshi_7b()), **LEGACY}
        raise ValueError(f"{folder} has no config.json; for Moshi 7B write agent.moshi_7b() into one") from None
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ValueError(f"cannot read {path}: {error}") from None
    if not isinstance(values, dict):
        raise ValueError(f"{path} must hold an object, found a {type(values).__name__}")
    own = Path(folder) / OWN_CONFIG
    if own.exists():
        values = {**values, OWN_KEY: load_json(own, dict[str, Any])}
    return from_moshi(values), values


def write_config(folder: Path, values: Mapping[str, Any]) -> None:
    """Write `config.json`, last, and what is ours and not Moshi's into `duologue.json` beside it, if there is any."""
    own = values.get(OWN_KEY)
    if own:
        replace_text(folder / OWN_CONFIG, json.dumps(own, indent=2) + "\n")
    else:
        (folder / OWN_CONFIG).unlink(missing_ok=True)
    theirs = {key: value for key, value in values.items() if key != OWN_KEY}
    replace_text(folder / "config.json", json.dumps(theirs, indent=2) + "\n")


def read_tensors(path: Path) -> dict[str, Tensor]:
    """Every tensor of a safetensors file, or of its numbered parts. Missing or bad files raise ValueError."""
    if path.suffix != ".safetensors":
        raise ValueError(f"{path} is not read: only safetensors files are")
    parts = [path] if path.exists() else sorted(path.parent.glob(f"{path.stem}-*-of-*.safetensors"))
    if parts and parts != [path]:
        total = int(parts[0].stem.rsplit("-", 1)[1])
        if len(parts) != total:
            raise ValueError(f"{path.parent} holds {len(parts)} of the {total} parts of {path.name}")
    if not parts:
        raise ValueError(f"no file {path}")
    tensors = {}
    for part in parts:
        try:
            with safe_open(str(part), framework="pt") as file:
                tensors.update({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (not a mapping)
        except (SafetensorError, OSError) as error:
            raise ValueError(f"cannot read {part} as safetensors: {error}") from None
    return tensors


def load_model(
    folder: str | Path,
    *,
    device: torch.device | str = "cpu",
    dtype: torch.dtype | None = None,
    lora: str | Path | None = None,
    merge: bool = True,
    both_sides: bool = False,
) -> LanguageModel:
    """A model from a folder of Kyutai's or ours, in evaluation mode.

    Args:
        folder: with `config.json` and the file it names, `model.safetensors` by default; or a shipped name.
        device: where to put the weights.
        dtype: of the weights; the file's own if None. Eight-bit matrices and conditioners stay as they are.
        lora: an adapter file to put on; the one that `config.json` names, if it does, when None.
        merge: fold the adapters into the weights; otherwise they stay trainable.
        both_sides: predict the user's codebooks too; what the file lacks for that is copied from the agent's.

    Raises:
        ValueError: a file is missing, unreadable, or does not fit its configuration.
    """
    folder = find_bundle(folder)
    config, values = read_config(folder)
    tensors = read_tensors(folder / values.get("moshi_name", WEIGHTS))
    if both_sides:
        config = with_both_sides(config)
    model = build(config, tensors, dtype)
    if values.get("model_type") == "hibiki":
        end, pad = 2, config.pad  # an early end of text is to be taken for a pad, as in Kyutai's loader
        model.text_emb.weight.data[end] = model.text_emb.weight.data[pad]
    adapters = lora
    if adapters is None and values.get("lora"):
        adapters = folder / values.get("lora_name", ADAPTERS)
    if adapters is not None:
        path = Path(adapters)
        if lora is not None and (path.parent / "config.json").exists():
            values = read_config(path.parent)[1]
        load_adapters(model, read_tensors(path), str(path), float(values.get("lora_scaling", 2.0)))
        if merge:
            merge_adapters(model)
    model = model.to(device).eval()
    return model.prepare() if model.device.type == "cpu" else model


def save(
    model: LanguageModel,
    folder: str | Path,
    *,
    stacked: bool = False,
    dtype: torch.dtype | None = None,
    part_bytes: int | None = None,
    passengers: Mapping[str, Any] | None = None,
) -> Path:
    """Write a folder that `load_model`, and Kyutai's software where the model has nothing of ours, reads.

    Args:
        model: with adapters or without; adapters go to `lora.safetensors`.
        folder: made if missing. Files appear whole or not at all.
        stacked: attention matrices of all weight sets in one, as in the oldest files.
        dtype: float type of the weights; None keeps them.
        part_bytes: split the weights into numbered files of at most so many bytes (or one tensor).
        passengers: further keys of `config.json`, e.g. "tokenizer_name".
    """
    folder, values = Path(folder), to_moshi(model.config)
    odd = sorted((passengers or {}).keys() - set(PASSENGERS))
    if odd:
        raise ValueError(f"config.json takes no key {odd[0]}")
    values.update(passengers or {})
    native = {to_native(name): tensor for name, tensor in model.state_dict().items()}
    adapters = adapter_tensors(native)
    weights = {name.replace(".frozen_W.", "."): tensor for name, tensor in native.items() if name not in adapters}
    folder.mkdir(parents=True, exist_ok=True)
    if adapters:
        layer = next(each for each in model.modules() if isinstance(each, LoraLinear))
        rank = layer.lora_A.out_features
        values.update({"lora": True, "lora_rank": rank, "lora_scaling": layer.scaling, "lora_name": ADAPTERS})
        _write(folder / ADAPTERS, adapters, dtype)
    if any(isinstance(each, Int8Linear) for each in model.modules()):
        values["quantize"] = True
    path = folder / values.get("moshi_name", WEIGHTS)
    parts = list(_parts(stack(weights) if stacked else weights, part_bytes))
    for index, part in enumerate(parts, start=1):
        name = path.name if len(parts) == 1 else f"{path.stem}-{index:05d}-of-{len(parts):05d}.safetensors"
        _write(folder / name, part, dtype)
    write_config(folder, values)
    return folder


def _parts(tensors: dict[str, Tensor], limit: int | None) -> Iterator[dict[str, Tensor]]:
    part: dict[str, Tensor] = {}
    size = 0
    for name, tensor in tensors.items():
        if limit is not None and part and size + tensor.nbytes > limit:
            yield part
            part, size = {}, 0
        part[name] = tensor
        size += tensor.nbytes
    yield part


def _write(path: Path, tensors: Mapping[str, Tensor], dtype: torch.dtype | None) -> None:
    ready = {name: cast(from_native(name), tensor.detach().cpu(), dtype) for name, tensor in tensors.items()}
    save_tensors(path, {name: tensor.clone() for name, tensor in ready.items()})

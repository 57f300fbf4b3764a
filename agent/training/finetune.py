"""Fine-tuning a trained model: low-rank adapters (LoRA) under moshi-finetune's names, or all weights."""

from __future__ import annotations

import copy
import json
import os
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from ..files.bundle import save_bundle
from ..files.checkpoints import ADAPTERS
from ..files.config_json import to_moshi
from ..files.tensor_names import to_native
from ..model.language_model import LanguageModel
from ..model.lora import LoraLinear, adapter_tensors, add_adapters, merge_adapters
from ..tokens.crops import Dialogues
from .recipe import AgentRecipe

# moshi-finetune's settings for a 7B model: small steps, since the model knows how to talk.
DEFAULTS = AgentRecipe(
    steps=2000,
    batch=16,
    frames=1250,
    learning_rate=2e-6,
    depth_learning_rate=2e-6,
    text_rate=1.0,
    schedule="cosine",
    warmup=100,
    pad_weight=0.5,
    gradient_checkpointing=True,
    checkpoint_every=100,
    validate_every=100,
)
HUB_FILES = ["*.json", "model*.safetensors", "tokenizer*"]


def hub_folder(name: str, download: bool = False) -> str:
    """The folder of a model: `name` itself if it is one or a shipped name, else a repository of the Hugging Face hub.

    Args:
        name: folder, shipped name or id such as kyutai/moshiko-pytorch-bf16.
        download: fetch it if it is not in the cache.

    Raises:
        ValueError: it is nowhere, or huggingface_hub is missing.
    """
    if Path(name).is_dir() or name.count("/") != 1:
        return name
    try:
        from huggingface_hub import snapshot_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    except ImportError:
        raise ValueError(f"{name} is no folder, and ids of the hub need: pip install huggingface_hub") from None
    try:
        return str(snapshot_download(name, local_files_only=not download, allow_patterns=HUB_FILES))
    except (LocalEntryNotFoundError, HfHubHTTPError, OSError) as error:
        hint = "cannot be fetched" if download else "is neither a folder nor in the cache: add --download"
        raise ValueError(f"{name} {hint} ({str(error).splitlines()[0]})") from None


def adapt(model: LanguageModel, rank: int, scaling: float, seed: int) -> LanguageModel:
    """Put fresh adapters on every matrix of a model, in place, in float32; all else is frozen. Returns it."""
    torch.manual_seed(seed)
    add_adapters(model, rank, scaling)
    for layer in model.modules():
        if isinstance(layer, LoraLinear):
            layer.lora_A.float()
            layer.lora_B.float()
    return model


def write_adapters(model: LanguageModel, folder: Path) -> Path:
    """Write `lora.safetensors` and a `config.json` that says how to apply it; the base is not copied.

    `agent.load_model(base, lora=path)` and Kyutai's software read it. Returns the file's path.
    """
    native = {to_native(name): tensor for name, tensor in model.state_dict().items()}
    layer = next(each for each in model.modules() if isinstance(each, LoraLinear))
    values: dict[str, Any] = to_moshi(model.config)
    values |= {"lora": True, "lora_rank": layer.lora_A.out_features, "lora_scaling": layer.scaling}
    values["lora_name"] = ADAPTERS
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: t.detach().cpu().float().contiguous() for name, t in adapter_tensors(native).items()}
    partial = folder / f"{ADAPTERS}.part"
    save_file(tensors, str(partial))
    os.replace(partial, folder / ADAPTERS)
    (folder / "config.json").write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")
    return folder / ADAPTERS


def write_merged(model: LanguageModel, data: Dialogues, folder: Path) -> Path:
    """Write a model folder with the adapters folded into the weights."""
    merged = copy.deepcopy(model)
    merge_adapters(merged)
    return save_bundle(folder, merged, data.vocabulary, data.codec)

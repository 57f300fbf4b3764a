"""What a run leaves for use: a model's folder, adapters, a model with its adapters folded in, Kyutai's form of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from codec.tensor_file import save_tensors

from ..files.bundle import save_bundle
from ..files.checkpoints import ADAPTERS, write_config
from ..files.config_json import to_moshi
from ..files.moshi_form import in_the_way, save_moshi
from ..files.tensor_names import to_native
from ..model.language_model import LanguageModel
from ..model.lora import LoraLinear, adapter_tensors, merge_adapters
from ..tokens.crops import Dialogues
from ..tokens.streaming import StreamedTokens

Learnt = Dialogues | StreamedTokens  # what a model learnt from
MOSHI = "moshi"  # folder in the run's


def write_bundle(tokens: Learnt, kept: Mapping[str, Any], model: LanguageModel, folder: Path) -> Path:
    """Write a model for use, with the vocabulary and codec of the tokens it learnt from and `keys_of` its base."""
    return save_bundle(folder, model, tokens.vocabulary, tokens.codec, kept=kept)


def write_adapters(kept: Mapping[str, Any], model: LanguageModel, folder: Path) -> Path:
    """Write `lora.safetensors` and a `config.json` that says how to apply it, with `keys_of` the base, not copied.

    `agent.load_model(base, lora=path)` and Kyutai's software read it. Returns the file's path.
    """
    native = {to_native(name): tensor for name, tensor in model.state_dict().items()}
    layer = next(each for each in model.modules() if isinstance(each, LoraLinear))
    values: dict[str, Any] = {**to_moshi(model.config), **kept}
    values |= {"lora": True, "lora_rank": layer.lora_A.out_features, "lora_scaling": layer.scaling}
    values["lora_name"] = ADAPTERS
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {name: t.detach().cpu().float().contiguous() for name, t in adapter_tensors(native).items()}
    save_tensors(folder / ADAPTERS, tensors)
    write_config(folder, values)
    return folder / ADAPTERS


def without_adapters(model: LanguageModel) -> LanguageModel:
    """A copy with the adapters folded into the weights."""
    merged = copy.deepcopy(model)
    merge_adapters(merged)
    return merged


def moshi_product(
    tokens: Learnt,
    kept: Mapping[str, Any],
    model: LanguageModel,
    out: Path,
    say: Callable[[str], None],
    wanted: bool,
) -> None:
    """Write the nearest model that Kyutai's `moshi` reads, where it is `wanted`, and say what it is without.

    Else say what keeps `moshi` from reading what the run made, if anything does.
    """
    if wanted:
        lines = save_moshi(out / MOSHI, model, tokens.vocabulary, tokens.codec, kept)
        say(f"{out / MOSHI}, for Kyutai's moshi" + (", is without " + "; ".join(lines) if lines else ""))
    elif fields := in_the_way(model.config, tokens.vocabulary, tokens.codec):
        say(f"Kyutai's moshi does not read {out}, because of {', '.join(fields)}: --moshi writes the nearest it reads")

"""Fine-tuning a trained model: low-rank adapters (LoRA) under moshi-finetune's names, or all weights."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from codec.training.parallel import world_size
from codec.training.run_state import CHECKPOINT, read_about
from corpus.audio import FRAME_RATE
from corpus.strict import parse

from ..files.checkpoints import read_config
from ..files.hub import hub_folder
from ..files.shipped import find_bundle
from ..model.language_model import LanguageModel
from ..model.lora import LoraLinear, add_adapters
from ..tokens.shards import TokenManifest, is_tokens
from ..tokens.tokenize import TokenOrder, tokenize
from .finetune_defaults import RANK, defaults_of, is_small, parameters_of
from .precision import shortened
from .recipe import AgentRecipe, read_recipe
from .start import trained_model

TOKENS = "tokens"  # folder in the run's, of what corpora became


@dataclass(frozen=True)
class TuningWishes:
    """What was asked for of a run of `agent finetune`; None: as suits the model."""

    lora: int | None = None  # rank of adapters
    scaling: float = 2.0  # of them
    full: bool = False
    recipe: Path | None = None
    changes: Mapping[str, int | None] = field(default_factory=dict)  # of the recipe
    minutes: float | None = None

    def __post_init__(self) -> None:
        if self.full and self.lora is not None:
            raise ValueError("--full trains all weights, --lora adapters: give one of them")
        if self.minutes is not None and self.changes.get("steps") is not None:
            raise ValueError("--minutes says how long, --steps how often: give one of them")


@dataclass(frozen=True)
class Plan:
    """What a run does: its recipe, rank and scaling of its adapters (None: all weights), and a line that tells it."""

    recipe: AgentRecipe
    adapters: tuple[int, float] | None
    told: str


def planned(base: str, asked: TuningWishes, out: Path, resume: bool = False) -> Plan:
    """The run of a model: what was asked for, then what a run that goes on was begun with, then what suits its size.

    Args:
        base: shipped name or folder.
        asked: what was asked for.
        out: the run's folder.
        resume: the run there goes on.

    Raises:
        ValueError: a file is missing or malformed, or a setting is out of range.
    """
    config, _ = read_config(find_bundle(base))
    small = is_small(config)
    begun = read_about(out / CHECKPOINT) if resume and (out / CHECKPOINT).is_file() else None
    adapters = None if asked.full or (small and asked.lora is None) else (asked.lora or RANK, asked.scaling)
    if begun and not asked.full and asked.lora is None:
        kept = begun.get("adapters")
        adapters = None if kept is None else (kept["rank"], kept["scaling"])
    changes = {name: value for name, value in asked.changes.items() if value is not None}
    before = parse(begun["recipe"], AgentRecipe, str(out)) if begun else defaults_of(config)
    recipe = read_recipe(asked.recipe, before, **changes)
    if begun and "model" not in recipe.model_fields_set:
        recipe = recipe.changed(model=before.model)
    ways = "all weights train" if adapters is None else f"adapters of rank {adapters[0]} train"
    crops = f"{recipe.batch * recipe.accumulate} crops of {recipe.frames / FRAME_RATE:g} s a step"
    millions = parameters_of(config) / 1e6
    return Plan(
        recipe, adapters, f"{base}, {millions:.0f} M parameters: {ways}, {crops}, rate {recipe.learning_rate:g}"
    )


def as_tokens(base: str, data: Sequence[Path], out: Path, say: Callable[[str], None]) -> list[Path]:
    """Folders of tokens for a model: those among `data`, and in `out/tokens` those that corpora among it become.

    A corpus is tokenized with the vocabulary and the codec of the model; what is there is gone on with.

    Raises:
        ValueError: one of them is neither, or it is several processes' turn.
    """
    found = []
    for each in data:
        if is_tokens(each):
            found.append(each)
            continue
        if world_size() > 1:
            raise ValueError(f"{each} is no folder of tokens: make them first, agent tokenize {each} --base {base}")
        order = TokenOrder.of_model(base, each, out / TOKENS / each.resolve().name, resample=True)
        say(f"{each} becomes tokens in {order.out}")
        tokenize(order, say=say)
        found.append(order.out)
    return found


def base_model(
    base: str,
    recipe: AgentRecipe,
    tokens: TokenManifest,
    folder: Path,
    device: torch.device,
    adapters: tuple[int, float] | None,
    both_sides: bool,
    download: bool,
) -> LanguageModel:
    """The model that a run of `agent finetune` begins with.

    Args:
        base: shipped name, folder or id of the hub.
        recipe: for precision and seed.
        tokens: manifest of the folder of tokens `folder`.
        folder: of tokens.
        device: to train on.
        adapters: rank and scaling; None trains all weights.
        both_sides: learn to predict the user's codebooks, too.
        download: fetch the base if it is not in the cache.

    Raises:
        ValueError: the base is not there, or the tokens are not made for it.
    """
    frozen = torch.bfloat16 if device.type == "cuda" and shortened(recipe, device) else torch.float32
    dtype = torch.float32 if adapters is None else frozen
    model = trained_model(hub_folder(base, download), tokens, folder, dtype, both_sides)
    return model if adapters is None else adapt(model, *adapters, recipe.seed)


def adapters_origin(model: LanguageModel, adapters: tuple[int, float] | None) -> dict[str, Any]:
    """What must stay the same when the run goes on: what is frozen, and how the adapters are applied."""
    if adapters is None:
        return {"adapters": None}
    digest = hashlib.sha256()
    for name, parameter in model.named_parameters():
        if not parameter.requires_grad:
            some = parameter.detach().flatten()[:64].float().cpu()  # enough to tell bases apart, even of 7 B
            digest.update(f"{name} {list(parameter.shape)}".encode() + some.numpy().tobytes())
    return {"adapters": {"rank": adapters[0], "scaling": adapters[1]}, "base": digest.hexdigest()}


def adapt(model: LanguageModel, rank: int, scaling: float, seed: int) -> LanguageModel:
    """Put fresh adapters on every matrix of a model, in place, in float32; all else is frozen. Returns it."""
    torch.manual_seed(seed)
    add_adapters(model, rank, scaling)
    for layer in model.modules():
        if isinstance(layer, LoraLinear):
            layer.lora_A.float()
            layer.lora_B.float()
    return model

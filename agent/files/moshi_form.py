"""A model in the form that Kyutai's `moshi` reads: what of ours stands in the way, and the nearest model without it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from codec import Codec
from codec.config import SeanetConfig

from ..model.config import DepthConfig, ModelConfig, Ours, TransformerConfig, Variation
from ..model.embedding import TokenEmbedding
from ..model.language_model import LanguageModel
from ..model.rope import default_frequencies
from .checkpoints import save
from .codec_identity import CodecIdentity, codec_digest
from .vocabulary import Vocabulary

MIMI, CODEBOOKS = "mimi.safetensors", 32  # as many as their loader expects
CLOSE = 1e-5  # of a rotary frequency: tables in float32 are no closer
DROPPED = {  # fields of ours that the nearest model is without, and what that costs
    "user_text_delay": "it no longer writes down the user's words, nor reads them",
    "hint": "it takes no hints",
    "hears_user": "it hears nobody: its tables for the user's codes are zeros",
    "lets_finish": "it begins to speak while a voice is heard no less than it has learnt to",
    "hearing": "no recognizer hears for it",
    "agent_q": "it predicts the agent's codebooks only",
    "variation.norm_eps": "its norms have Moshi's epsilon",
}


def in_the_way(config: ModelConfig, vocabulary: Vocabulary, codec: CodecIdentity) -> list[str]:
    """What keeps Kyutai's `moshi` from reading a model, as fields of duologue.json and parts of the folder."""
    own = [*_changed(config.ours, Ours())]
    own += [f"variation.{name}" for name in _changed(config.temporal.variation, Variation())]
    if not vocabulary.name.endswith(".model"):
        own.append(f"{vocabulary.name} (it reads SentencePiece only)")
    if _mimi(codec) is None:
        own.append(f'the codec "{codec.name}" (it reads Mimi only)')
    return own


def save_moshi(
    folder: Path, model: LanguageModel, vocabulary: Vocabulary, codec: CodecIdentity, kept: Mapping[str, Any]
) -> list[str]:
    """Write the nearest model that Kyutai's `moshi` reads, with its vocabulary and, where it is a Mimi, its codec.

    Args:
        folder: made if missing.
        model: without adapters.
        vocabulary: of its text.
        codec: of its codes.
        kept: further keys of config.json, see `bundle.kept_keys`.

    Returns:
        What it is without, in lines.

    Raises:
        ValueError: no model of Moshi's form is near; the message names the fields.
    """
    found, lines = nearest(model)
    passengers = {**kept, "tokenizer_name": vocabulary.save(folder).name}
    mimi = _mimi(codec)
    if mimi is not None:
        if codec_digest(Codec.load(codec.name, codec.codebooks)) != codec.sha256:
            raise ValueError(f"{codec.name} is not the codec that the tokens were made with: it changed since")
        passengers["mimi_name"] = mimi.save(folder / MIMI, layout="kyutai").name
    save(found, folder, passengers=passengers)
    return lines + [f"{each}: give another" for each in in_the_way(found.config, vocabulary, codec)]


def nearest(model: LanguageModel) -> tuple[LanguageModel, list[str]]:
    """The nearest model without anything of ours, and what it is without, in lines.

    Without hints, and but for what a line names, it says what `model` says: low-rank embeddings are multiplied out,
    and codes that the model does not hear get tables of zeros.

    Raises:
        ValueError: a field has no counterpart; the message names it.
    """
    config = model.config
    temporal, lost = _plain(config.temporal)
    if config.norm_emb and (config.ours.embedding_rank or not config.ours.hears_itself):
        lost.append("norm_emb")
    if lost:
        raise ValueError(f"Kyutai's moshi has no counterpart of {', '.join(lost)}: no model of its form is near")
    count = config.agent_codebooks
    plain = replace(
        config,
        temporal=temporal,
        depth=None if config.depth is None or not count else _shorter(config.depth, count),
        dep_q=count,
        ours=Ours(),
    )
    with torch.device("meta"):
        found = LanguageModel(plain)
    held = {**model.state_dict(), **_heard(model)}
    found.load_state_dict({name: held[name].detach().cpu().clone() for name in found.state_dict()}, assign=True)
    ours, variation = config.ours, config.temporal.variation
    gone = [name for name in _changed(ours, Ours()) if name in DROPPED]
    gone += ["variation.norm_eps"] * (variation.norm_eps is not None)
    return found.eval(), [f"{name}: {DROPPED[name]}" for name in gone]


def _changed(settings: Ours | Variation, usual: Ours | Variation) -> list[str]:
    """The fields in which settings are not as usual."""
    return [field.name for field in fields(usual) if getattr(settings, field.name) != getattr(usual, field.name)]


def _plain(temporal: TransformerConfig) -> tuple[TransformerConfig, list[str]]:
    """A stack without variations as near as there is, and the variations that have no counterpart."""
    variation, period = temporal.variation, temporal.max_period
    if len(variation.frequencies) == 1 and not any(variation.layer_rotary):
        table, width = variation.frequencies[0], temporal.head_dim
        guess = table[1] ** (-width / 2) if len(table) > 1 and table[1] > 0 else period
        exact = default_frequencies(width, guess)
        if all(abs(one - other) <= CLOSE * other for one, other in zip(table, exact, strict=True)):
            variation, period = replace(variation, frequencies=(), layer_rotary=()), guess
    if variation.head_dim == temporal.dim // temporal.heads:
        variation = replace(variation, head_dim=None)
    left = [f"variation.{name}" for name in _changed(replace(variation, norm_eps=None), Variation())]
    return replace(temporal, max_period=period, variation=Variation()), left


def _shorter(depth: DepthConfig, steps: int) -> DepthConfig:
    """The depth transformer of the first codebooks."""
    schedule = depth.schedule[:steps]
    widths = depth.transformer.feedforward
    transformer = replace(depth.transformer, feedforward=widths if len(widths) == 1 else widths[: max(schedule) + 1])
    return replace(depth, schedule=schedule, transformer=transformer)


def _heard(model: LanguageModel) -> dict[str, Tensor]:
    """Embeddings of all codebooks as one matrix each."""
    agent, found = model.config.first_heard - 1, dict[str, Tensor]()
    for index, table in enumerate(model.emb):
        assert isinstance(table, TokenEmbedding)
        weight: Tensor = table.weight
        if table.low_rank is not None:
            weight = weight @ table.low_rank.weight.T
        found[f"emb.{index + agent}.weight"] = weight
    some = next(iter(found.values()), torch.zeros(model.config.card + 1, model.config.temporal.dim))
    return {**{f"emb.{index}.weight": torch.zeros_like(some) for index in range(agent)}, **found}


def _mimi(codec: CodecIdentity) -> Codec | None:
    """A codec with all of its codebooks, if it is one of Kyutai's that can be loaded here."""
    try:
        whole = Codec.load(codec.name, CODEBOOKS)
    except ValueError:
        return None
    return whole if isinstance(whole.config.body, SeanetConfig) else None

"""What a training run starts from: fresh weights, a trained model, or an open language model."""

from __future__ import annotations

import copy
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from ..files.bundle import check_codec, kept_keys
from ..files.checkpoints import load_model
from ..files.initialise import SENTENCE, copy_tokenizer, initialise, load_language_model, model_type
from ..files.open_lm import OPENELM
from ..files.openelm import from_openelm, load_openelm
from ..files.shipped import find_bundle
from ..files.vocabulary import Vocabulary
from ..model.language_model import LanguageModel
from ..model.quantized import dequantize
from ..tokens.shards import TokenManifest, read_vocabulary
from .recipe import AgentRecipe


def starting_model(
    recipe: AgentRecipe,
    tokens: TokenManifest,
    folder: Path,
    init: str | None,
    init_lm: str | None,
    scratch: Path,
    download: bool,
) -> LanguageModel:
    """The model that a run of `agent train` begins with.

    Args:
        recipe: for its size and seed.
        tokens: manifest of the folder of tokens `folder`.
        folder: of tokens.
        init: a trained model to train further.
        init_lm: a language model to start as.
        scratch: where the language model's tokenizer is written to, to compare.
        download: fetch the language model if it is not in the cache.

    Raises:
        ValueError: both are given, or the one given cannot be used with these tokens.
    """
    if init is not None and init_lm is not None:
        raise ValueError("--init and --init-lm exclude each other")
    if init is not None:
        model = trained_model(init, tokens, folder)
        model = deafened(model, recipe.model.hears_itself is False, recipe.model.hears_user is False)
        if recipe.model.lets_finish is not None:
            ours = replace(model.config.ours, lets_finish=recipe.model.lets_finish)
            model.config = replace(model.config, ours=ours)
        return model
    if init_lm is not None:
        return model_of_language_model(recipe, tokens, folder, init_lm, scratch, download)
    return fresh_model(recipe, tokens)


def keys_of(base: str | None, files: bool = False) -> dict[str, Any]:
    """What the configuration of a base says of how to run it, for the model that comes of it; nothing without one.

    `files`: also how its weights and its tokenizer are called, for what is read beside them.
    """
    return {} if base is None else kept_keys(find_bundle(base), files)


def fresh_model(recipe: AgentRecipe, tokens: TokenManifest) -> LanguageModel:
    """A model of the recipe's size for these tokens, with weights drawn from its seed."""
    words, codec = tokens.vocabulary, tokens.codec
    torch.manual_seed(recipe.seed)
    return LanguageModel(
        recipe.model.config(words.size, codec.codebooks, codec.codebook_size, words.pad, words.end_pad)
    )


def model_of_language_model(
    recipe: AgentRecipe, tokens: TokenManifest, folder: Path, source: str, scratch: Path, download: bool
) -> LanguageModel:
    """A model whose temporal transformer is an open LM of `transformers`, for tokens made with the LM's tokenizer.

    Args:
        recipe: for the size of everything else.
        tokens: manifest of the folder of tokens `folder`.
        folder: of tokens.
        source: folder or hub id of the LM.
        scratch: where the LM's tokenizer is written to, to compare.
        download: fetch the LM if it is not in the cache.

    Raises:
        ValueError: the tokens have another vocabulary, or the LM cannot be mapped.
    """
    copy_tokenizer(source, scratch, download)
    vocabulary = Vocabulary.load(scratch / "tokenizer.json")
    if not same_pieces(vocabulary, read_vocabulary(folder, tokens)):
        raise ValueError(
            f"the tokens in {folder} have another vocabulary than {source}: "
            f"agent tokenize --vocabulary {scratch / 'tokenizer.json'}"
        )
    codec = tokens.codec
    config = recipe.model.config(8, codec.codebooks, codec.codebook_size)
    if model_type(source, download) == OPENELM:
        elm = load_openelm(source, download)
        torch.manual_seed(recipe.seed)
        return from_openelm(elm, config)
    language_model = load_language_model(source, download)
    torch.manual_seed(recipe.seed)
    return initialise(language_model, config, vocabulary.encode(SENTENCE))


def trained_model(
    folder: str | Path,
    tokens: TokenManifest,
    tokens_folder: Path,
    dtype: torch.dtype = torch.float32,
    both_sides: bool = False,
) -> LanguageModel:
    """A model that `agent train` or Kyutai wrote, for tokens made with its vocabulary; 8-bit weights become float.

    Raises ValueError if their vocabulary or their codec is another's.
    """
    place = find_bundle(folder)
    if not same_pieces(Vocabulary.load(place), read_vocabulary(tokens_folder, tokens)):
        raise ValueError(
            f"the tokens in {tokens_folder} have another vocabulary than {folder}: agent tokenize --vocabulary {folder}"
        )
    check_codec(place, tokens.codec)
    model = load_model(place, dtype=dtype, both_sides=both_sides)
    dequantize(model, dtype)
    return model


def deafened(model: LanguageModel, to_itself: bool = True, to_user: bool = False) -> LanguageModel:
    """The model without its tables for the agent's own codes, or the user's: it knows what is said by the words alone.

    Raises ValueError for one that would hear itself and not its user, or has no words of the user.
    """
    ours = model.config.ours
    ours = replace(ours, hears_itself=ours.hears_itself and not to_itself, hears_user=ours.hears_user and not to_user)
    if ours == model.config.ours:
        return model
    deaf = copy.deepcopy(model)
    deaf.config = replace(model.config, ours=ours)
    deaf.emb = deaf.emb[deaf.config.first_heard - model.config.first_heard :]
    return deaf


def same_pieces(one: Vocabulary, other: Vocabulary) -> bool:
    """Whether all ids of two vocabularies read the same, whatever their files look like."""
    first, second = one.pieces, other.pieces
    return one.digest == other.digest or (
        first.size == second.size and all(first.spelling(id) == second.spelling(id) for id in range(first.size))
    )

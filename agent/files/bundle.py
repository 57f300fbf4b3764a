"""A model with all it needs to talk: weights, vocabulary and codec, in one folder.

    model folder   config.json  model.safetensors (or its parts)  tokenizer.json or tokenizer.model  codec.json
                   duologue.json where the model has what Moshi has not; codec.safetensors where the codec is one's own
    codec.json     {"name": "laptop", "sha256": ..., "codebooks": 8, "codebook_size": 2048}, see `codec_identity`

A folder of Kyutai's has no codec.json: its config.json names the codec's file.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from codec import Codec
from corpus.durable import replace_text
from corpus.strict import load_json

from ..hearing.opening import NOBODY, OWN, open_hearing
from ..hearing.stream import Hearing
from ..model.config import ModelConfig
from ..model.language_model import LanguageModel
from ..model.quantized import quantize
from .checkpoints import load_model, read_config, save
from .codec_identity import CodecIdentity, codec_digest
from .config_json import PASSENGERS
from .shipped import find_bundle
from .vocabulary import Vocabulary

CODEC = "codec.json"
OWN_CODEC = "codec.safetensors"  # in the folder


@dataclass(frozen=True)
class Bundle:
    """A model and what it speaks with."""

    model: LanguageModel
    codec: Codec
    vocabulary: Vocabulary
    folder: Path
    name: str  # of the folder, for people
    hearing: Hearing | None = None  # of the user's words; None: the model's own


def load_bundle(
    name: str | Path,
    *,
    device: torch.device | str = "cpu",
    codec: str | Path | None = None,
    hearing: str | None = None,
    int8: bool = False,
    dtype: torch.dtype | None = None,
) -> Bundle:
    """A model ready to talk.

    Args:
        name: of a shipped model, or a folder.
        device: of the model and the codec.
        codec: another than the folder says, e.g. one whose decoder was trained further; anything `Codec.load` takes.
        hearing: recognizer of the user's words in place of the model's, see `open_hearing`; "own" for its own guess.
        int8: shorten the model's matrices to 8 bits.
        dtype: of the weights; None is float32 on the CPU and the file's own elsewhere.

    Raises:
        ValueError: a part is missing or unreadable, or the parts do not fit each other.
    """
    folder = find_bundle(name)
    config, _ = read_config(folder)
    vocabulary = Vocabulary.load(folder).with_ids(config.pad, config.end_pad)
    if vocabulary.pieces.size > config.text_card:
        raise ValueError(
            f"{folder}: the vocabulary has {vocabulary.pieces.size} ids, the model {config.text_card}: one is another's"
        )
    ears = _open_hearing(config, vocabulary, hearing)
    voice = _load_codec(folder, config, codec)
    if dtype is None and torch.device(device).type == "cpu":
        dtype = torch.float32
    model = load_model(folder, device=device, dtype=dtype)
    if int8:
        for layer in model.modules():
            if isinstance(layer, nn.Linear):
                layer.weight.data = layer.weight.data.contiguous()  # 8-bit products read rows, `prepare` laid columns
        quantize(model)
    return Bundle(model, voice.to(device), vocabulary, folder, folder.resolve().name, ears)


def _open_hearing(config: ModelConfig, vocabulary: Vocabulary, given: str | None) -> Hearing | None:
    name = config.ours.hearing if given is None else given
    if name == OWN and not config.ours.hears_user:
        raise ValueError("this model has no guess of its own at its user's words: leave out --hearing own")
    if name is None or name in (OWN, NOBODY):
        return None
    if not config.user_text:
        raise ValueError(f"this model does not read its user's words (user_text_delay): it needs no hearing {name}")
    return open_hearing(name, vocabulary, marks=config.ours.hearing is not None)


def save_bundle(
    folder: str | Path,
    model: LanguageModel,
    vocabulary: Vocabulary,
    codec: CodecIdentity,
    *,
    dtype: torch.dtype | None = None,
    part_bytes: int | None = None,
    kept: Mapping[str, Any] | None = None,
) -> Path:
    """Write a folder that `load_bundle` reads, from any place and after moving.

    Args:
        folder: made if missing; config.json is written last, so a folder that has it is whole.
        model: with adapters or without.
        vocabulary: of its text streams.
        codec: of the tokens it was trained on; one that its name gives the path of is copied into the folder.
        dtype: float type of the weights; None keeps them.
        part_bytes: split the weights into files of at most so many bytes.
        kept: further keys of config.json, see `kept_keys`.
    """
    folder = Path(folder)
    path = vocabulary.save(folder)
    codec = _inside(folder, codec)
    replace_text(folder / CODEC, codec.model_dump_json(indent=2) + "\n")
    passengers = {**(kept or {}), "tokenizer_name": path.name}
    return save(model, folder, dtype=dtype, part_bytes=part_bytes, passengers=passengers)


def kept_keys(folder: Path, files: bool = False) -> dict[str, Any]:
    """What a model's `config.json` says of how to run it, to be kept by a model made of it.

    `files`: also what its weights and its tokenizer are called.
    """
    named = {"lora", "lora_name", "lora_rank", "lora_scaling", "quantize"}
    if not files:
        named |= {"moshi_name", "tokenizer_name"}
    values = read_config(folder)[1]
    return {key: values[key] for key in PASSENGERS if key in values and key not in named}


def _inside(folder: Path, codec: CodecIdentity) -> CodecIdentity:
    """The identity of a codec that the folder holds itself, where its name is a path: folders move, machines differ."""
    source, path = Path(codec.name), folder / OWN_CODEC
    if not source.exists() or (len(source.parts) == 1 and not source.suffix):
        return codec  # a shipped name, or an id of the hub
    if not path.exists():
        if codec_digest(Codec.load(source, codec.codebooks)) != codec.sha256:
            raise ValueError(f"{source} is not the codec that the tokens were made with: it changed since")
        Codec.load(source).save(path)
    return codec.model_copy(update={"name": OWN_CODEC})


def check_codec(folder: Path, codec: CodecIdentity) -> None:
    """Raise ValueError unless a model's folder speaks with this codec: codes of another mean something else."""
    identity = codec_of(folder)
    if identity is None:
        name = str(read_config(folder)[1].get("mimi_name", "mimi"))
        own = folder / name
        same = codec_digest(Codec.load(own, codec.codebooks)) == codec.sha256 if own.is_file() else _is_mimi(codec.name)
    else:
        name, same = identity.name, (identity.sha256, identity.codebooks) == (codec.sha256, codec.codebooks)
        if not same and identity.sha256 != codec.sha256 and identity.codebooks != codec.codebooks:
            same = _first_codebooks(folder, identity, codec)
    if not same:
        raise ValueError(
            f'{folder} speaks with the codec "{name}", the tokens were made with "{codec.name}": its codes mean '
            "something else; tokenize with the model's codec"
        )


def _is_mimi(name: str) -> bool:
    """Whether a codec's name is one of Kyutai's, for whom there is no digest at hand."""
    return "mimi" in name.lower() or name.startswith("kyutai/") or "tokenizer-e351c8d8" in name


def _first_codebooks(folder: Path, identity: CodecIdentity, codec: CodecIdentity) -> bool:
    """Whether the tokens are of the same codec with another number of codebooks."""
    inside = folder / identity.name
    try:
        whole = Codec.load(inside if inside.is_file() else identity.name, codec.codebooks)
    except ValueError:
        return False
    return codec_digest(whole) == codec.sha256


def codec_source(folder: Path) -> tuple[str, int]:
    """What `Codec.load` takes for the codec that a model's folder speaks with, and how many codebooks it has there.

    Raises ValueError when the folder names none.
    """
    config, values = read_config(folder)
    identity = codec_of(folder)
    name = values.get("mimi_name") if identity is None else identity.name
    if name is None:
        raise ValueError(f"{folder} does not say which codec it belongs to: give one")
    n_q = max(config.agent_codebooks, config.user_codebooks) if identity is None else identity.codebooks
    inside = folder / name
    return str(inside if inside.is_file() else name), n_q


def _load_codec(folder: Path, config: ModelConfig, given: str | Path | None) -> Codec:
    n_q, identity = max(config.agent_codebooks, config.user_codebooks), codec_of(folder)
    source, codebooks = (given, n_q if identity is None else identity.codebooks) if given else codec_source(folder)
    name = given or (source if identity is None else identity.name)
    try:
        codec = Codec.load(source, codebooks)
        if identity is not None and codec_digest(codec) != identity.sha256:
            raise ValueError(f"{name} is not the one that the model was trained with, its codes differ")
        if codec.config.quantizer.n_q != n_q:
            codec = Codec.load(source, n_q)
    except ValueError as error:
        raise ValueError(f"the codec of {folder}: {error}") from None
    if codec.config.quantizer.codebook_size != config.card:
        entries = codec.config.quantizer.codebook_size
        raise ValueError(f"the codec of {folder}: {name} has {entries} entries a codebook, the model {config.card}")
    return codec


def codec_of(folder: Path) -> CodecIdentity | None:
    """The codec that a folder names in its codec.json, if it has one. Raises ValueError when the file is broken."""
    path = folder / CODEC
    if not path.exists():
        return None
    return load_json(path, CodecIdentity, "codec's identity")

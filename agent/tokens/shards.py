"""Token shards: a corpus as codes and text, ready to train on.

    manifest.json            what the tokens were made with, and every shard with its checksum
    tokenizer.json | .model  the vocabulary
    shards/000000.safetensors, ...

A shard holds whole dialogues one after another, each tensor along its last axis (Q codebooks, V variants of the user's
channel, the first as recorded, N frames, D dialogues):

    agent uint16 [Q, N]   user uint16 [V, Q, N]   text int32 [2, N], the agent's and the user's   labels uint8 [N]
    offsets int64 [D + 1], in frames              ids: JSON list in the metadata
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field
from safetensors.numpy import save

from corpus.strict import Strict, load_json

from ..files.codec_identity import CodecIdentity
from ..files.vocabulary import Vocabulary
from .frame_labels import Labels
from .text_stream import Placement, Tokens

MANIFEST = "manifest.json"
SHARDS = "shards"
VALIDATION = "validation"  # a folder of tokens in the folder, to validate on

Codes = npt.NDArray[np.uint16]
_TYPES = {"U16": np.uint16, "I32": np.int32, "U8": np.uint8, "I64": np.int64}
_AXES = {"agent": 2, "user": 3, "text": 2, "labels": 1, "offsets": 1}


@dataclass(frozen=True)
class TokenDialogue:
    """One dialogue in tokens, F frames."""

    id: str
    agent: Codes  # [Q, F]
    user: Codes  # [V, Q, F]
    text: Tokens  # [2, F]
    labels: Labels  # [F]
    placement: Placement  # of both texts

    @property
    def frames(self) -> int:
        """Its length."""
        return len(self.labels)


class VocabularyIdentity(Strict):
    """The vocabulary of the text rows, and the ids that are no text in them."""

    file: str
    sha256: str
    size: int = Field(ge=1)
    pad: int = Field(ge=0)
    end_pad: int = Field(ge=0)

    @classmethod
    def of(cls, vocabulary: Vocabulary) -> VocabularyIdentity:
        """The identity of a vocabulary."""
        return cls(
            file=vocabulary.name,
            sha256=vocabulary.digest,
            size=vocabulary.size,
            pad=vocabulary.pad,
            end_pad=vocabulary.end_pad,
        )


class TokenShard(Strict):
    """One shard file."""

    file: str
    sha256: str
    dialogues: int = Field(ge=1)
    frames: int = Field(ge=1)
    text: Placement  # of all its dialogues


class TokenManifest(Strict):
    """The content of manifest.json."""

    format: Literal[1] = 1
    codec: CodecIdentity
    vocabulary: VocabularyIdentity
    variants: int = Field(ge=1)  # of the user's channel
    seed: int  # of the augmentation
    noise: str | None = None  # SHA-256 of the recordings of noise, None for noise made up
    telephone: float = Field(default=0.0, ge=0, le=1)  # share of the variants that went through one
    voices: float = Field(default=0.0, ge=0, le=1)  # share of the variants in which the user is another speaker
    dictated: int | None = None  # see `tokenize.TokenOrder`
    shards: tuple[TokenShard, ...] = ()
    complete: bool = False  # no dialogue of the corpus is missing

    @property
    def dialogues(self) -> int:
        """In all shards."""
        return sum(shard.dialogues for shard in self.shards)

    @property
    def frames(self) -> int:
        """In all shards."""
        return sum(shard.frames for shard in self.shards)

    @property
    def text(self) -> Placement:
        """How all texts found their frames."""
        return sum((shard.text for shard in self.shards), Placement())

    def to_bytes(self) -> bytes:
        """The file's content."""
        return (self.model_dump_json(indent=1) + "\n").encode()


def is_tokens(folder: Path) -> bool:
    """Whether a folder is one of tokens."""
    return (folder / MANIFEST).is_file()


def read_manifest(folder: str | Path) -> TokenManifest:
    """The manifest of a folder of tokens. Raises ValueError when there is none or it is broken."""
    path = Path(folder) / MANIFEST
    if not path.exists():
        raise ValueError(f"{folder} holds no tokens: make them with `agent tokenize`")
    return load_json(path, TokenManifest, "manifest")


def read_vocabulary(folder: str | Path, manifest: TokenManifest) -> Vocabulary:
    """The vocabulary beside the shards. Raises ValueError when it is missing or another."""
    path = Path(folder) / manifest.vocabulary.file
    vocabulary = Vocabulary.load(path).with_ids(manifest.vocabulary.pad, manifest.vocabulary.end_pad)
    if vocabulary.digest != manifest.vocabulary.sha256:
        raise ValueError(f"{path} is not the vocabulary that the tokens in {folder} were made with")
    return vocabulary


def shard_bytes(dialogues: Sequence[TokenDialogue]) -> bytes:
    """The content of a shard file; the same dialogues give the same bytes."""
    lengths = [dialogue.frames for dialogue in dialogues]
    tensors = {
        "agent": np.concatenate([dialogue.agent for dialogue in dialogues], axis=-1),
        "user": np.concatenate([dialogue.user for dialogue in dialogues], axis=-1),
        "text": np.concatenate([dialogue.text for dialogue in dialogues], axis=-1),
        "labels": np.concatenate([dialogue.labels for dialogue in dialogues]),
        "offsets": np.cumsum([0, *lengths], dtype=np.int64),
    }
    ids = json.dumps([dialogue.id for dialogue in dialogues], ensure_ascii=False)
    return bytes(save(tensors, metadata={"ids": ids}))


def entry_of(file: str, data: bytes, dialogues: Sequence[TokenDialogue]) -> TokenShard:
    """The manifest's line about a shard."""
    return TokenShard(
        file=file,
        sha256=hashlib.sha256(data).hexdigest(),
        dialogues=len(dialogues),
        frames=sum(dialogue.frames for dialogue in dialogues),
        text=sum((dialogue.placement for dialogue in dialogues), Placement()),
    )


@dataclass(frozen=True)
class Shard:
    """A shard mapped into memory; see the module's docstring."""

    agent: Codes
    user: Codes
    text: Tokens
    labels: Labels
    offsets: npt.NDArray[np.int64]
    ids: tuple[str, ...]


def open_shard(folder: str | Path, entry: TokenShard) -> Shard:
    """Map a shard into memory, after one look at every byte. Raises ValueError when the file is missing or changed."""
    path = Path(folder) / SHARDS / entry.file
    try:
        data = np.asarray(np.memmap(path, np.uint8, "r"))
    except (OSError, ValueError) as error:
        raise ValueError(f"cannot read {path}: {error}; run `agent tokenize` again to mend it") from None
    return shard_of(data, entry, str(path))


def shard_of(data: npt.NDArray[np.uint8], entry: TokenShard, name: str) -> Shard:
    """A shard on the bytes of its file. Raises ValueError when they are others than the manifest says."""
    if hashlib.sha256(data.data).hexdigest() != entry.sha256:
        raise ValueError(f"{name} is truncated or changed: run `agent tokenize` again to mend it")
    size = int(data[:8].view("<u8")[0])
    header = json.loads(bytes(data[8 : 8 + size]))
    tensors: dict[str, Any] = {name: _tensor(data[8 + size :], header[name], axes) for name, axes in _AXES.items()}
    return Shard(**tensors, ids=tuple(json.loads(header["__metadata__"]["ids"])))


def _tensor(data: npt.NDArray[np.uint8], entry: dict[str, Any], axes: int) -> npt.NDArray[Any]:
    begin, end = entry["data_offsets"]
    array: npt.NDArray[Any] = data[begin:end].view(_TYPES[entry["dtype"]]).reshape(entry["shape"])
    assert array.ndim == axes
    return array

"""Whether folders of tokens fit each other and a model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ..files.vocabulary import Vocabulary
from ..model.config import ModelConfig
from .shards import TokenManifest


def check_alike(folders: Sequence[str | Path], manifests: Sequence[TokenManifest]) -> None:
    """Raise ValueError unless all tokens are of one codec and one vocabulary."""
    first = manifests[0]
    for folder, manifest in zip(folders, manifests, strict=True):
        if (manifest.codec.sha256, manifest.codec.codebooks) != (first.codec.sha256, first.codec.codebooks):
            raise ValueError(f"{folders[0]} and {folder} hold tokens of different codecs")
        if manifest.vocabulary != first.vocabulary:
            raise ValueError(f"{folders[0]} and {folder} have different vocabularies: tokenize with --vocabulary")


def check_fit(manifest: TokenManifest, vocabulary: Vocabulary, config: ModelConfig, folder: str | Path) -> None:
    """Raise ValueError unless a model can be trained on a folder's tokens."""
    codec, ids = manifest.codec, vocabulary.pieces.size
    wanted = max(config.agent_codebooks, config.user_codebooks)
    if codec.codebooks < wanted:
        raise ValueError(f"{folder} has {codec.codebooks} codebooks a side, the model wants {wanted}")
    if codec.codebook_size != config.card:
        raise ValueError(f"{folder} has codebooks of {codec.codebook_size} entries, the model's have {config.card}")
    if ids > config.text_card:
        raise ValueError(f"{folder} has a vocabulary of {ids} ids, the model {config.text_card}: set text_card")
    for name, stored, own in (
        ("pad", vocabulary.pad, config.pad),
        ("end_pad", vocabulary.end_pad, config.end_pad),
    ):
        if own != stored and own < ids:
            raise ValueError(f'{folder}: id {own} is text in its vocabulary and "{name}" in the model: set it {stored}')

"""What every talk needs of a model: its weights, the codec it was trained with, its vocabulary. `Bundle` is one."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Protocol

import torch
from torch import Tensor

from corpus.audio import Samples

from ..hearing.stream import Hearing
from ..model.config import ModelConfig
from ..model.language_model import LanguageModel
from ..model.streams import ZERO


class WordPieces(Protocol):
    """What is needed of a vocabulary; see `agent.files.vocabulary.Vocabulary`."""

    def encode(self, text: str) -> list[int]:
        """Ids of words in running text."""

    def piece(self, id: int) -> str:
        """What a text id reads as, "" for a special one."""

    def decode(self, ids: Iterable[int]) -> str:
        """The text of ids."""

    def begins_word(self, id: int) -> bool:
        """Whether a word starts with this id."""


class TalkingModel(Protocol):
    """A model and what it speaks with."""

    @property
    def model(self) -> LanguageModel:
        """The language model."""

    @property
    def codec(self) -> Any:
        """A `codec.Codec` or anything with its methods."""

    @property
    def vocabulary(self) -> WordPieces:
        """Of both text streams."""

    @property
    def hearing(self) -> Hearing | None:
        """What hears the user's words for the model; None where the model does."""


def check_voice(bundle: TalkingModel) -> None:
    """Raise ValueError unless the model can talk through the codec."""
    config, quantizer = bundle.model.config, bundle.codec.config.quantizer
    if not config.agent_codebooks:
        raise ValueError("this model only listens, it has no voice: use agent hear")
    if quantizer.codebook_size != config.card or quantizer.n_q < max(config.agent_codebooks, config.user_codebooks):
        raise ValueError(
            f"the codec has {quantizer.n_q} codebooks of {quantizer.codebook_size}, the model needs "
            f"{max(config.agent_codebooks, config.user_codebooks)} of {config.card}: give the codec it was trained with"
        )


def to_codec(bundle: TalkingModel, sound: Samples) -> Tensor:
    """Sound float32 `[T]` or `[B, T]` as the codec takes it, `[B, 1, T]` on its device."""
    parameter = next(iter(bundle.codec.parameters()), None) if isinstance(bundle.codec, torch.nn.Module) else None
    wave = torch.from_numpy(sound).view(-1, 1, sound.shape[-1])
    return wave if parameter is None else wave.to(parameter.device)


def user_codes(codec: Any, config: ModelConfig, wave: Tensor, state: Any) -> tuple[Tensor, Any]:
    """A frame `[B, 1, 1920]` of users as the model hears it: codes int64 `[B, user codebooks]`, and the codec's state.

    Who reads the user's words alone is told no code, and the codec has nothing to do.
    """
    if not config.ours.hears_user:
        return torch.full((len(wave), config.user_codebooks), ZERO), state
    codes, state = codec.encode_frame(wave, state)
    return codes[:, : config.user_codebooks, 0], state

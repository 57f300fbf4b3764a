"""A stretch of a shard as a model takes it: rows in its order, its own ids for PAD and EPAD, hints."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ..files.vocabulary import Vocabulary
from ..model.config import ModelConfig
from ..model.streams import ZERO
from .frame_labels import Labels
from .shards import Shard, VocabularyIdentity

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Chances:
    """Of what is drawn for a crop."""

    starts: float  # that a crop of a longer dialogue is its beginning; others begin anywhere
    hints: float  # that it has hints


@dataclass(frozen=True)
class TokenBatch:
    """Rows in the model's order: text, agent, user, user text, hint as far as it has them; undelayed."""

    codes: Tensor  # int64 [B, config.streams, T], -1 where there is no token
    labels: Tensor  # uint8 [B, T], see `frame_labels.Label`; 0 beyond the end

    @classmethod
    def of(cls, crops: Sequence[tuple[Rows, Labels]]) -> TokenBatch:
        """One of crops of one length."""
        codes, labels = zip(*crops, strict=True)
        return cls(torch.from_numpy(np.stack(codes)), torch.from_numpy(np.stack(labels)))


@dataclass(frozen=True)
class Cutter:
    """Cuts for one model out of shards of one vocabulary."""

    config: ModelConfig
    stored_pads: tuple[int, int]  # PAD and EPAD in the shards
    begins_word: npt.NDArray[np.bool_]  # of every text id

    @classmethod
    def of(cls, config: ModelConfig, vocabulary: Vocabulary, stored: VocabularyIdentity) -> Cutter:
        """For a model and the vocabulary of the shards."""
        begins = np.array([vocabulary.begins_word(id) for id in range(config.text_card)])
        return cls(config, (stored.pad, stored.end_pad), begins)

    def cut(self, shard: Shard, span: slice, frames: int, variant: int) -> tuple[Rows, Labels]:
        """Codes int64 `[streams, frames]` and labels uint8 `[frames]` of a span, -1 and 0 beyond its end; no hints."""
        config = self.config
        count, agent = span.stop - span.start, config.agent_codebooks
        codes = np.full((config.streams, frames), ZERO, np.int64)
        codes[0, :count] = self._own_pads(shard.text[0, span])
        codes[1 : 1 + agent, :count] = shard.agent[:agent, span]
        codes[1 + agent : 1 + config.n_q, :count] = shard.user[variant, : config.user_codebooks, span]
        if config.user_text:
            codes[1 + config.n_q, :count] = self._own_pads(shard.text[1, span])
        labels = np.zeros(frames, np.uint8)
        labels[:count] = shard.labels[span]
        return codes, labels

    def crop(
        self, shard: Shard, place: range, start: int, frames: int, variant: int, hints: np.random.Generator | None
    ) -> tuple[Rows, Labels]:
        """A crop from frame `start` of the dialogue at `place`: codes and labels, as `cut` has them.

        `hints` draws a hint row; None gives none.
        """
        span = slice(place.start + start, min(place.start + start + frames, place.stop))
        codes, labels = self.cut(shard, span, frames, variant)
        if self.config.ours.hint and hints is not None:
            codes[-1] = self.hinted(codes[0], hints)
        return codes, labels

    def drawn(
        self, shard: Shard, place: range, frames: int, rng: np.random.Generator, chances: Chances
    ) -> tuple[Rows, Labels]:
        """A crop of a dialogue; where it is cut, which variant of the user is heard and hints are drawn."""
        spare = len(place) - frames
        start = 0 if spare <= 0 or rng.random() < chances.starts else int(rng.integers(spare + 1))
        variant = int(rng.integers(len(shard.user)))
        hinted = self.config.ours.hint and rng.random() < chances.hints
        return self.crop(shard, place, start, frames, variant, rng if hinted else None)

    def hinted(self, text: Rows, rng: np.random.Generator) -> Rows:
        """A hint row for a row of text `[frames]`: the tokens of a random share of the words, -1 elsewhere."""
        spoken = (text != ZERO) & (text != self.config.pad) & (text != self.config.end_pad)
        word = np.cumsum(spoken & self.begins_word[text])
        given = rng.random(len(text) + 1) < rng.random()
        return np.where(spoken & given[word], text, ZERO)

    def _own_pads(self, text: npt.NDArray[np.int32]) -> Rows:
        out = text.astype(np.int64)
        out[text == self.stored_pads[0]] = self.config.pad
        out[text == self.stored_pads[1]] = self.config.end_pad
        return out

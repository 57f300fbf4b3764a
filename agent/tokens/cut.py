"""A stretch of a shard as a model takes it: rows in its order, its own ids for PAD and EPAD, hints."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..model.config import ModelConfig
from ..model.streams import ZERO
from .frame_labels import Labels
from .shards import Shard

Rows = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Cutter:
    """Cuts for one model out of shards of one vocabulary."""

    config: ModelConfig
    stored_pads: tuple[int, int]  # PAD and EPAD in the shards
    begins_word: npt.NDArray[np.bool_]  # of every text id

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

"""Dialogues that nobody has spoken, as rows of text: who says what, and about when, without sound.

Written by `synth plan --timed`. What an answer has to do with its question is in the words alone, and of these there
can be a hundred times more than of sound for the same work.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from pydantic import ValidationError

from corpus.audio import FRAME_RATE
from corpus.interleave import TimedWord
from corpus.manifest import MAIN_SPEAKER, USER_SPEAKER
from corpus.record import AGENT_CHANNEL, USER_CHANNEL, Dialogue

from ..files.vocabulary import Vocabulary
from ..model.config import ModelConfig
from ..model.streams import ZERO
from .cut import TokenBatch
from .dictated import HeardText, lay_texts
from .text_stream import Tokens

UNSPOKEN = 2  # marks the random numbers of these rows, apart from those of `agent.tokens.crops`


class Unspoken:
    """The texts of both sides of dialogues, in memory."""

    def __init__(
        self, paths: Sequence[str | Path], config: ModelConfig, vocabulary: Vocabulary, *, seed: int = 0
    ) -> None:
        """Read the files and lay every word on its frames.

        Args:
            paths: JSON lines of dialogues with words and their times, gzip if the name ends in .gz.
            config: of the model to train, which must write down the user's words.
            vocabulary: with the model's PAD and EPAD.
            seed: of the draw.

        Raises:
            ValueError: a file is missing, damaged or without times; the model has no row for the user's words.
        """
        if not config.user_text:
            raise ValueError("--unspoken is for models that write down the user's words: this one has no row for them")
        self.config, self.seed = config, seed
        heard = HeardText.of(config.ours)
        self._dialogues = [_texts(dialogue, vocabulary, heard) for path in paths for dialogue in read_plans(path)]
        self._lengths = np.cumsum([texts.shape[1] for texts in self._dialogues])

    def __len__(self) -> int:
        return len(self._dialogues)

    @property
    def hours(self) -> float:
        """Of all dialogues, had they been spoken."""
        return float(self._lengths[-1]) / FRAME_RATE / 3600.0

    def batch(self, step: int, rows: int, frames: int, part: int = 0) -> TokenBatch:
        """Crops for a step: `rows` of `frames` frames, drawn by length; all rows of codes but the texts are -1."""
        config = self.config
        codes = np.full((rows, config.streams, frames), ZERO, np.int64)
        for row in range(rows):
            rng = np.random.default_rng((self.seed, step, 0, part * rows + row, UNSPOKEN))
            index = int(np.searchsorted(self._lengths, rng.integers(self._lengths[-1]), side="right"))
            texts = self._dialogues[index]
            start = int(rng.integers(max(texts.shape[1] - frames, 0) + 1))
            cut = texts[:, start : start + frames]
            codes[row, [0, 1 + config.n_q], : cut.shape[1]] = cut
        return TokenBatch(torch.from_numpy(codes), torch.zeros(rows, frames, dtype=torch.uint8))


def read_plans(path: str | Path) -> Iterator[Dialogue]:
    """Dialogues with words and their times, from JSON lines. Raises ValueError for anything else, or nothing."""
    path, number = Path(path), 0
    try:
        with gzip.open(path, "rt", encoding="utf-8") if path.suffix == ".gz" else path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                dialogue = Dialogue.model_validate_json(line)
                if not (dialogue.turns and all(turn.words for turn in dialogue.turns)):
                    raise ValueError(f"{path}:{number} has words without times: write it with `synth plan --timed`")
                yield dialogue
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise ValueError(f"cannot read {path}: {error}") from None
    except ValidationError as error:
        raise ValueError(f"{path}:{number} is no dialogue: {error.errors()[0]['msg']}") from None
    if not number:
        raise ValueError(f"{path} holds no dialogue")


def _texts(dialogue: Dialogue, vocabulary: Vocabulary, heard: HeardText | None) -> Tokens:
    """The agent's text and the user's, `[2, F]`, to the last word's end and a moment more."""
    frames = int((max(turn.end or 0.0 for turn in dialogue.turns) + 1.0) * FRAME_RATE)
    agent, user = (
        [TimedWord(word.text, word.start, word.end, label) for word in dialogue.words(channel)]
        for channel, label in ((AGENT_CHANNEL, MAIN_SPEAKER), (USER_CHANNEL, USER_SPEAKER))
    )
    drawn = np.random.default_rng(zlib.crc32(dialogue.id.encode()))
    return lay_texts(agent, user, frames, vocabulary, heard, drawn)[0]
